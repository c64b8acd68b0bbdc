/** Ports to a system outside of the engine that segments: whoever wires an engine brings the transport, the engine speaks the protocol. */

/** One message out, one answer back, both JSON documents as UTF-8. */
export interface ExternalTransport {
  /** @throws EXTERNAL_FAILED, EXTERNAL_TIMEOUT, the signal's reason */
  exchange(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
  /** Ends what the transport has started; refuses what is under way. */
  close(): Promise<void>;
}

/** A system outside, as it is configured: an engine opens a transport of its own and closes it with itself. */
export interface ExternalSystem {
  /** Its address or command, for messages. */
  readonly place: string;
  open(): ExternalTransport;
}

/** A system's own description. */
export interface ExternalDescription {
  name: string;
  version: string;
  /** Targets in one message, 1 to 32. */
  maxBatch: number;
}

/** An image, base64 applied to its pixels already. */
export interface ExternalImage {
  /** sha256 of the file's content. */
  key: string;
  width: number;
  height: number;
  /** Upright 8-bit RGB, row-major, in base64 as ASCII. */
  rgb: Uint8Array;
}

export interface ExternalReference {
  image: ExternalImage;
  /** The object's pixels as COCO run lengths down the columns, zeros first. */
  counts: readonly number[];
}

/** References of one concept, and one target or several. */
export interface ExternalBatch {
  label: string;
  references: readonly ExternalReference[];
  targets: readonly ExternalImage[];
}

/** The system's result for one target. */
export interface ExternalMask {
  /** 0/1 per pixel at the target's own size, row-major. */
  mask: Uint8Array;
  /** 0..1 */
  score: number;
}

export interface ExternalSegmenter {
  /** @throws EXTERNAL_FAILED, EXTERNAL_TIMEOUT */
  describe(signal?: AbortSignal): Promise<ExternalDescription>;
  /** One result a target, in their order: a mask, or the error that concerns this target alone. @throws EXTERNAL_FAILED, EXTERNAL_TIMEOUT, REQUEST_TOO_LARGE */
  segment(batch: ExternalBatch, signal?: AbortSignal): Promise<(ExternalMask | Error)[]>;
  close(): Promise<void>;
}
