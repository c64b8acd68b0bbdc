/** Forms in which callers hand over images. */

/** Pixels already decoded: row-major, channels interleaved, 8 bits each. A canvas's `ImageData` fits. */
export interface PixelImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1 gray, 3 RGB, 4 RGBA (alpha is ignored). @default as many as `data` holds per pixel */
  channels?: 1 | 3 | 4;
}

/** A path or file: URL (in a page: a URL of its own origin), the bytes of an image file, a Blob or File, or pixels. */
export type ImageInput = string | URL | Uint8Array | Uint8ClampedArray | ArrayBuffer | Blob | PixelImage;

/** Bytes without a copy, for those forms that are bytes. */
export function asBytes(input: unknown): Uint8Array | undefined {
  if (input instanceof Uint8Array) return input;
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  if (input instanceof Uint8ClampedArray) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  return undefined;
}

export function isPixelImage(input: unknown): input is PixelImage {
  return typeof input === 'object' && input !== null && 'data' in input && 'width' in input && 'height' in input;
}
