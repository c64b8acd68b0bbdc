/** What a command talks to. */
export interface Terminal {
  /** One line of results on stdout. */
  print: (line: string) => void;
  /** One line for people on stderr. */
  warn: (line: string) => void;
  /** Fires when the person presses Ctrl-C. */
  signal?: AbortSignal;
}
