/** Bounds of exchanges with a system outside. */

export const DEFAULT_EXTERNAL_TIMEOUT_MS = 120_000;
export const DEFAULT_EXTERNAL_BYTES = 2 ** 24;
/** The system's HTTP client gives up on headers after five minutes. */
export const EXTERNAL_BOUNDS = { timeoutMs: { low: 1, high: 300_000 }, maxBytes: { low: 1000, high: 2 ** 28 } } as const;

/** Bounds of one exchange. */
export interface ExchangeLimits {
  timeoutMs: number;
  maxBytes: number;
}
