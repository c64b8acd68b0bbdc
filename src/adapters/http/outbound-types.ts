/** Types of outbound calls: the part of fetch that is used, credentials, and how a kind of server speaks. */
import type { ErrorCode } from '../../core/common/errors.ts';

/** The part of fetch that is used. */
export type OutboundFetch = (url: string, init: OutboundInit) => Promise<OutboundResponse>;
export interface OutboundInit {
  method: string;
  headers: Record<string, string>;
  body?: string | FormData | Uint8Array;
  redirect: 'manual';
  signal: AbortSignal;
}
export interface OutboundResponse {
  status: number;
  headers: { get(name: string): string | null };
  body: AsyncIterable<Uint8Array> | null;
}

export interface OutboundCredentials {
  /** Headers of a call. renew: even if the last ones should still be valid. */
  headers(options?: { renew?: boolean; signal?: AbortSignal }): Promise<Readonly<Record<string, string>>>;
  /** Whether others may help where some were refused. */
  renewable: boolean;
}

/** Name of a kind of server, and the form of its error bodies. */
export interface ServerDialect {
  /** For messages, e.g. 'Label Studio'. */
  name: string;
  /** Versions whose responses are understood, e.g. '1.23'. */
  versions: string;
  /** Code of every failure but 401 and 403. */
  failed: ErrorCode;
  /** Code of 401 and 403. */
  refused: ErrorCode;
  /** The server's own words in the JSON of an error; '' where it has none. Shortened by the caller. */
  detailOf: (json: unknown) => string;
  /** Whether a 404 with this JSON comes from the server itself, and not from a proxy before it. @default never */
  isOwnMissing?: (json: unknown) => boolean;
  /** Advice for a status. */
  advice: Readonly<Record<number, string>>;
}
