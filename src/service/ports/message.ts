/** Message of the queue. */

/** Work to be done later, at least once. Two messages of one name and key that both wait are one. */
export interface Message {
  name: string;
  /** Plain JSON. */
  data: unknown;
  /** Messages of this name with the same key are one while they wait. */
  key?: string;
  /** Not before this many milliseconds from now. @default 0 */
  delayMs?: number;
}
