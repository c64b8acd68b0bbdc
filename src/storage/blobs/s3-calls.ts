/** Calls of an object store that all come to an end: by their answer, their time, or the caller's wish. */
import type { BlobOptions } from '../../service/ports/storage.ts';
import { within } from '../../core/common/patience.ts';
import { seconds, storageFailed, storageTimeout } from '../map-errors.ts';
import type { StorageTimeouts } from '../timeouts.ts';

export type BoundedCall = <T>(work: (signal: AbortSignal) => Promise<T>, options?: BlobOptions) => Promise<T>;

/** Tries of one call. */
const TRIES = 3;

/** Calls of work reject with STORAGE_TIMEOUT, STORAGE_FAILED or the reason of the caller's signal. */
export function boundedCalls(bucket: string, { objectMs, silenceMs }: Pick<StorageTimeouts, 'objectMs' | 'silenceMs'>): BoundedCall {
  const timedOut = (cause?: unknown): Error =>
    storageTimeout(
      `an answer of the S3 bucket ${bucket} within ${seconds(objectMs)} and without ${seconds(silenceMs)} of silence`,
      'it does not answer',
      'Try again; if it stays so, check that the store runs and the network between, or raise storageTimeouts.objectMs.',
      cause,
    );
  return async (work, { signal } = {}) => {
    signal?.throwIfAborted();
    const over = new AbortController();
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    try {
      return await within(work(stop), { ms: objectMs, late: timedOut, signal });
    } catch (error) {
      // Whatever of it is still under way has nobody left to answer.
      over.abort();
      signal?.throwIfAborted();
      throw isSilence(error) ? timedOut(error) : storageFailed(`the S3 bucket ${bucket}`, error);
    }
  };
}

/** Once more where a connection broke off or went silent. */
export async function repeated<T>(read: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await read(signal);
    } catch (error) {
      // What the store itself refuses it refuses again.
      const answered = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined;
      // Before an answer the client itself has tried as often.
      const begun = (error as { $metadata?: unknown }).$metadata !== undefined;
      if (answered || begun || signal.aborted || tries === TRIES) throw error;
    }
  }
}

export interface ByteStream {
  transformToByteArray(): Promise<Uint8Array>;
}

/** The whole of a body; the connection is closed where the signal ends it. */
export async function bytesOf(body: ByteStream, signal: AbortSignal): Promise<Uint8Array> {
  const end = (): void => {
    (body as { destroy?: (reason: Error) => void }).destroy?.(signal.reason as Error);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    return await body.transformToByteArray();
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The client's own time-outs; it calls connections that were cut by the same name. */
function isSilence(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === 'TimeoutError' && (code === undefined || code === 'ETIMEDOUT');
}
