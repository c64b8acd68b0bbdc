/** Message of the queue. */

/**
 * Longest legal `delayMs`: a day. What is due further ahead was written before somebody corrected the clock, and is due now.
 */
export const MAX_DELAY_MS = 86_400_000;

/** Work to be done later, at least once. Two messages of one name and key that both wait are one. */
export interface Message {
  name: string;
  /** Plain JSON. */
  data: unknown;
  /** Messages of this name with the same key are one while they wait. */
  key?: string;
  /** Not before this many milliseconds from now, 0 to `MAX_DELAY_MS`; more is taken for that. @default 0 */
  delayMs?: number;
}
