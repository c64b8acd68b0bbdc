/**
 * Every way this library refuses work, in one place. A code never changes its meaning once published; docs/reference/errors.md
 * explains each one, and a test holds the two lists together.
 */

/** Error code -> HTTP status an adapter should answer with. */
export const ERROR_STATUS = {
  ANNOTATION_CONFLICT: 409,
  ANNOTATION_INVALID: 422,
  ANNOTATION_NOT_FOUND: 404,
  ANNOTATION_OUTSIDE: 422,
  BATCH_NOT_FOUND: 404,
  BLOB_DAMAGED: 500,
  CHECKPOINT_INVALID: 500,
  CHECKPOINT_MISMATCH: 500,
  CHECKPOINT_PICKLE: 500,
  CLIENT_BUSY: 429,
  CONFIG_INVALID: 500,
  CVAT_FAILED: 502,
  CVAT_REFUSED: 502,
  DATASET_INVALID: 422,
  DATASET_NOT_FOUND: 404,
  DEADLINE_EXCEEDED: 504,
  DELIVERY_NOT_FOUND: 404,
  DEVICE_UNAVAILABLE: 500,
  ENGINE_CLOSED: 503,
  ENGINE_CRASHED: 503,
  ENGINE_FAILED: 500,
  ENGINE_HUNG: 503,
  ENGINE_UNAVAILABLE: 503,
  EXTERNAL_FAILED: 502,
  EXTERNAL_TIMEOUT: 504,
  FILE_NOT_FOUND: 404,
  FORBIDDEN: 403,
  FUNCTION_NOT_FOUND: 404,
  HUB_FAILED: 502,
  HUB_REFUSED: 502,
  IMAGE_EMPTY: 422,
  IMAGE_TOO_LARGE: 413,
  IMAGE_UNKNOWN: 404,
  IMAGE_UNREADABLE: 422,
  LABEL_STUDIO_FAILED: 502,
  LABEL_STUDIO_REFUSED: 502,
  LOSS_NOT_FINITE: 500,
  MASK_EMPTY: 422,
  MASK_SIZE_MISMATCH: 422,
  METHOD_UNAVAILABLE: 422,
  MIGRATION_NEEDED: 500,
  MODEL_HASH_MISMATCH: 500,
  MODEL_INVALID: 500,
  MODEL_NOT_FOUND: 404,
  OPTION_INVALID: 400,
  OUTPUT_FAILED: 500,
  OUTPUT_TAKEN: 409,
  PACKAGE_MISSING: 500,
  PROJECT_INVALID: 400,
  PROMPT_ENCODER_MISMATCH: 500,
  REFERENCE_MISSING: 422,
  REMOVALS_REFUSED: 409,
  REQUEST_INVALID: 400,
  REQUEST_TIMEOUT: 408,
  REQUEST_TOO_LARGE: 413,
  REQUEST_UNSUPPORTED: 415,
  ROUTE_NOT_FOUND: 404,
  RUN_INVALID: 422,
  RUN_LOCKED: 409,
  SERVICE_BUSY: 503,
  SERVICE_CLOSING: 503,
  SETUP_FAILED: 500,
  STORAGE_FAILED: 503,
  STORAGE_TIMEOUT: 503,
  TRACK_NOT_FOUND: 404,
  TRAINING_ENGINE_MISSING: 500,
  UNAUTHORIZED: 401,
  URL_FAILED: 502,
  URL_REFUSED: 422,
  VERSION_NOT_FOUND: 404,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

const BRAND = Symbol.for('prosam.error');

/** An error people can act on: the message says what was wanted, what came and what to do. */
export class ProsamError extends Error {
  override readonly name = 'ProsamError';
  readonly code: ErrorCode;
  /** Time after which trying again may help, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** HTTP status that belongs to the code. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** Codes of `prosam/client` itself: no response, or none that can be used. All its other errors carry the code of the service. */
export type ClientErrorCode = 'NETWORK_FAILED' | 'TIMED_OUT' | 'ANSWER_UNREADABLE' | 'CALLBACK_REFUSED';

/** Shape of every error of this library: `ProsamError` of the engine and the service, `ProsamClientError` of the client. */
export interface AnyProsamError extends Error {
  readonly name: 'ProsamError' | 'ProsamClientError';
  /** Stable name of the failure: its meaning never changes. */
  readonly code: ErrorCode | ClientErrorCode;
  /** HTTP status that belongs to the code; 0 where the client got no response. */
  readonly status: number;
  /** Time after which trying again may help, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
}

/**
 * True for errors of any copy of this library, client errors included: ESM and CJS builds may live side by side, so `instanceof` is not
 * enough.
 */
export function isProsamError(error: unknown): error is AnyProsamError {
  return typeof error === 'object' && error !== null && (error as { [BRAND]?: unknown })[BRAND] === true;
}

/** True for errors with a code of the catalogue that were made in this process, not by a client of some service. */
export function isOwnError(error: unknown): error is ProsamError {
  return isProsamError(error) && error.name === 'ProsamError';
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
