/** Sends to addresses users gave: under the rules of images, without following redirects, and without keeping responses. */
import { isOwnError, ProsamError } from '../../core/common/errors.ts';
import { createCheckedFetch, type CheckedFetchOptions } from '../http/checked-fetch.ts';
import { connectionReason } from '../http/outbound-failure.ts';
import { endBody } from '../http/outbound-response.ts';

export type SenderOptions = Omit<CheckedFetchOptions, 'timeoutMs'>;

export interface CallbackSender {
  /** Refuses what can be told from the address alone. @throws URL_REFUSED */
  check(url: string): void;
  /** Status of the answer. @throws URL_REFUSED, URL_FAILED */
  post(url: string, request: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal }): Promise<number>;
  close(): Promise<void>;
}

/** To connect, and to begin with an answer; each delivery has a limit of its own below it. */
const TIMEOUT_MS = 60_000;

/** @throws CONFIG_INVALID for an entry of allowHosts that is none */
export function createCallbackSender(options: SenderOptions): CallbackSender {
  const checked = createCheckedFetch({ ...options, timeoutMs: TIMEOUT_MS });
  return {
    check: (url) => checked.check(url),
    async post(url, { headers, body, signal }) {
      try {
        const init = { method: 'POST', headers: { ...headers, 'user-agent': 'prosam' }, body, redirect: 'manual', signal } as const;
        const response = await checked.fetch(url, init);
        // Ending the transfer is cheaper than taking in what is not read.
        await endBody(response);
        return response.status;
      } catch (error) {
        throw isOwnError(error) ? error : failed(new URL(url), error);
      }
    },
    close: () => checked.close(),
  };
}

function failed(url: URL, cause: unknown): ProsamError {
  const why = (cause as { name?: unknown }).name === 'TimeoutError' ? 'it took too long' : connectionReason(cause);
  return new ProsamError('URL_FAILED', `${url.origin} did not take the callback (${why}). Check that this machine can reach it.`, {
    cause,
  });
}
