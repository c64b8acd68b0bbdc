/** What a call that did not work rejects with. */
import { retryAfterMs } from '../core/common/retry.ts';

/** Codes of this client itself; all others are the service's, as its list of errors explains them. */
export type ClientErrorCode = 'NETWORK_FAILED' | 'TIMED_OUT' | 'ANSWER_UNREADABLE' | 'CALLBACK_REFUSED';

export interface ClientErrorFacts {
  /** Never changes its meaning. */
  code: string;
  message: string;
  /** What to do about errors of this code. */
  hint?: string | undefined;
  /** Under which the service's log tells more. */
  requestId?: string | undefined;
  /** HTTP status; 0 where there was no answer. */
  status?: number;
  /** When trying again may help, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/** Recognise it by its name or its code where several copies of this package may live side by side. */
export class ProsamClientError extends Error {
  override readonly name = 'ProsamClientError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor({ code, message, hint, requestId, status = 0, retryAfterMs }: ClientErrorFacts, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The service's own words, or what can be said without them. */
export async function errorFrom(response: Response): Promise<ProsamClientError> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const { status } = response;
  const told = (await response.json().catch(() => undefined)) as { error?: Partial<ClientErrorFacts> } | undefined;
  const facts = { status, requestId, retryAfterMs: retryAfterMs(response.headers.get('retry-after')) };
  const { code, message, hint } = told?.error ?? {};
  if (typeof code === 'string' && typeof message === 'string') return new ProsamClientError({ ...facts, code, message, hint });
  return new ProsamClientError({
    ...facts,
    code: 'ANSWER_UNREADABLE',
    message: `Expected an answer of the service, got status ${status} from something else. Check the address, and proxies on the way.`,
  });
}
