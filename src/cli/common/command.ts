/** Parts every command shares: the terminal it writes to, exit codes, and errors in how it was called. */

/** Output of a command. */
export interface Terminal {
  /** Prints one line of results on stdout. */
  print: (line: string) => void;
  /** Prints one line for people on stderr. */
  warn: (line: string) => void;
  /** Aborted by Ctrl-C. */
  signal?: AbortSignal;
  /** Asks the person at the terminal; absent where nobody is there to answer. Empty where the input ends. */
  ask?: (question: string) => Promise<string>;
}

/** Runs a command with the arguments after its name; resolves to the exit code. */
export type Run = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, someFailed: 1, usage: 2, interrupted: 130 } as const;

/** Error in how a command was called: printed on stderr, exit code 2. */
export class UsageError extends Error {}
