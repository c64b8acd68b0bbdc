/** Files by URL: bounded, with progress, and given up on when asked to. */
import { messageOf, ProsamError } from '../../common/errors.ts';

/** Bytes of a download so far. */
export interface LoadProgress {
  /** File of the model that is arriving. */
  file: string;
  /** Bytes so far, of all files together. */
  loaded: number;
  /** Bytes of all files together; absent where the server does not say. */
  total?: number;
}

export type Fetch = (url: string, init: { signal?: AbortSignal; cache?: 'no-cache' | 'no-store' }) => Promise<Response>;

/** The answer's head has arrived, its body has not. */
export interface FileResponse {
  /** Bytes it will have; absent where the server does not say, or where it compresses on the way. */
  length?: number;
  bytes(onBytes?: (count: number) => void): Promise<Uint8Array<ArrayBuffer>>;
}

export interface FetchFileOptions {
  fetch: Fetch;
  /** Largest size of any file. */
  maxBytes: number;
  /** no-cache: ask whether it changed; no-store: it will be kept elsewhere. */
  cache: 'no-cache' | 'no-store';
  signal?: AbortSignal;
}

/** @throws MODEL_NOT_FOUND, MODEL_INVALID for a file that is too large */
export async function fetchFile(url: string, { fetch, maxBytes, cache, signal }: FetchFileOptions): Promise<FileResponse> {
  const response = await fetch(url, { cache, ...(signal && { signal }) }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new ProsamError(
      'MODEL_NOT_FOUND',
      `expected ${url}, but it cannot be reached: ${messageOf(cause)}. Check the address, the connection, and whether that server allows this page (CORS).`,
      { cause },
    );
  });
  if (!response.ok)
    throw new ProsamError(
      'MODEL_NOT_FOUND',
      `expected ${url}, but the server answered ${response.status}. Check the address of the model.`,
    );
  const length = lengthOf(response);
  if (length !== undefined && length > maxBytes) throw tooLarge(url, maxBytes, length);
  return {
    ...(length !== undefined && { length }),
    bytes: (onBytes) =>
      readBody(response, url, {
        maxBytes,
        ...(length !== undefined && { length }),
        ...(signal && { signal }),
        ...(onBytes && { onBytes }),
      }),
  };
}

function lengthOf(response: Response): number | undefined {
  // Of a compressed answer the header gives the bytes on the way, not those that come out.
  if (response.headers.has('content-encoding')) return undefined;
  const length = Number(response.headers.get('content-length') ?? NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

interface ReadOptions {
  maxBytes: number;
  length?: number;
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

/** One buffer of the announced size where there is one, so that a large file is held once. */
async function readBody(
  response: Response,
  url: string,
  { maxBytes, length, signal, onBytes }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  let whole = new Uint8Array(length ?? 1 << 20);
  let at = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const chunk = (await reader?.read())?.value as Uint8Array | undefined;
      if (chunk === undefined) break;
      if (at + chunk.length > maxBytes) throw tooLarge(url, maxBytes, at + chunk.length);
      if (at + chunk.length > whole.length) {
        const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * whole.length, at + chunk.length)));
        larger.set(whole.subarray(0, at));
        whole = larger;
      }
      whole.set(chunk, at);
      at += chunk.length;
      onBytes?.(chunk.length);
    }
  } catch (cause) {
    await reader?.cancel().catch(() => undefined);
    signal?.throwIfAborted();
    if (cause instanceof ProsamError) throw cause;
    throw new ProsamError('MODEL_NOT_FOUND', `${url}: the connection broke after ${at} bytes: ${messageOf(cause)}. Try again.`, { cause });
  }
  return at === whole.length ? whole : whole.slice(0, at);
}

function tooLarge(url: string, maxBytes: number, got: number): ProsamError {
  return new ProsamError(
    'MODEL_INVALID',
    `${url}: expected at most ${maxBytes} bytes, got ${got}. Raise the limit if you trust the model.`,
  );
}
