/** Errors of the client, and how they are read from responses. */
import { retryAfterMs } from '../core/common/retry.ts';
import type { AnyProsamError, ClientErrorCode, ErrorCode } from '../core/common/errors.ts';

export type { ClientErrorCode };

/** The brand of all errors of this package, which `isProsamError` looks for; written again here, so that the client loads nothing else. */
const BRAND = Symbol.for('prosam.error');

export interface ClientErrorFacts {
  /** A code of the service, or of this client: see ClientErrorCode. */
  code: ErrorCode | ClientErrorCode;
  message: string;
  /** Advice for errors of this code. */
  hint?: string | undefined;
  /** Id under which the service's log has more. */
  requestId?: string | undefined;
  /** HTTP status; 0 where there was no answer. */
  status?: number;
  /** Time after which trying again may help, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/** Rejection of every call of the client. `isProsamError` knows it, also that of another copy of this package. */
export class ProsamClientError extends Error implements AnyProsamError {
  override readonly name = 'ProsamClientError';
  readonly code: ErrorCode | ClientErrorCode;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly [BRAND] = true;

  constructor({ code, message, hint, requestId, status = 0, retryAfterMs }: ClientErrorFacts, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Error of a response: the service's own, or ANSWER_UNREADABLE. */
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
