/** The bytes of a request: all of them, but no more than agreed and no slower. */
import type { IncomingMessage } from 'node:http';
import { ProsamError } from '../../../core/common/errors.ts';
import { gatherBytes } from './gather-bytes.ts';

export interface BodyLimits {
  maxBytes: number;
  /** For the whole body, from now. */
  timeoutMs: number;
  /** Longest silence in the middle of it. @default timeoutMs */
  idleMs?: number;
  /** Asked before anything is read, with the bytes that are announced, and before each piece nobody announced; throws where there is no room. */
  admit?: (bytes: number) => void;
}

/**
 * Pieces in the order they came; `watch` sees each as it arrives and may throw.
 * @throws REQUEST_TOO_LARGE (declared or found), REQUEST_TIMEOUT, REQUEST_UNSUPPORTED for a compressed body, REQUEST_INVALID for one cut short;
 * what `admit` throws
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits, watch?: (bytes: Uint8Array) => void): Promise<Buffer[]> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    // What is small on the way could be huge once unpacked.
    throw new ProsamError('REQUEST_UNSUPPORTED', 'Expected a body without Content-Encoding, got a compressed one. Send it as it is.');
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.maxBytes) throw tooLarge(limits.maxBytes, `${declared}`);
  limits.admit?.(declared);
  return new Promise((resolve, reject) => {
    const gathered = gatherBytes(declared);
    let bytes = 0;
    const stop = (error?: Error): void => {
      clearTimeout(timer);
      clearTimeout(idle);
      request.off('data', take).off('end', end).off('close', cut).off('error', cut);
      if (error === undefined) return;
      request.pause();
      // A broken connection still says so after nobody listens for the body any more.
      request.on('error', () => undefined);
      reject(error);
    };
    const take = (piece: Buffer): void => {
      bytes += piece.byteLength;
      if (bytes > limits.maxBytes) {
        stop(tooLarge(limits.maxBytes, 'more'));
        return;
      }
      try {
        if (bytes > declared) limits.admit?.(piece.byteLength);
        watch?.(piece);
      } catch (error) {
        stop(error as Error);
        return;
      }
      gathered.add(piece);
      idle.refresh();
    };
    const end = (): void => {
      stop();
      resolve(gathered.pieces());
    };
    const cut = (): void => stop(new ProsamError('REQUEST_INVALID', 'The body ended before it was complete. Send it again.'));
    const late = (within: string): void =>
      stop(new ProsamError('REQUEST_TIMEOUT', `Expected ${within}, got ${bytes} bytes. Send it faster or in smaller parts.`));
    const { timeoutMs, idleMs = timeoutMs } = limits;
    const timer = setTimeout(() => late(`the whole body within ${timeoutMs / 1000} s`), timeoutMs);
    const idle = setTimeout(() => late(`the body without a pause of ${idleMs / 1000} s`), idleMs);
    request.on('data', take).on('end', end).on('close', cut).on('error', cut);
    // Of one that is gone already nothing more will be heard.
    if (request.destroyed) cut();
  });
}

function tooLarge(limit: number, got: string): ProsamError {
  return new ProsamError(
    'REQUEST_TOO_LARGE',
    `Expected a body of at most ${limit} bytes, got ${got}. Send less at a time, or raise the limit.`,
  );
}
