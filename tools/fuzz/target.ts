/** A parser under test. */

/** Result of one input. */
export interface Outcome {
  /** OK, the code of the refusal, or UNEXPECTED: what was thrown. */
  code: string;
  /** It came past the first validation: the envelope was right, and what is inside was read. */
  past: boolean;
}

/** One input, made from a seed and nothing else, and tried. */
export type Try = (seed: number) => Promise<Outcome>;

export interface FuzzTarget {
  name: string;
  /** The function or route that is tried, for the table. */
  about: string;
  /** Inputs of one process, before a fresh one goes on. @default 20,000 */
  perProcess?: number;
  /** folder: an empty one, for files. */
  open: (folder: string) => Promise<{ run: Try; close?: () => Promise<void> }>;
}

/** Text of what nobody foresaw, in one line. */
export function unexpected(error: unknown): Outcome {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: `UNEXPECTED: ${text}`.replaceAll('\n', ' | '), past: true };
}
