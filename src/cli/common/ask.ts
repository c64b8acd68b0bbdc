/** Questions to the person at the terminal. */
import { createInterface } from 'node:readline/promises';

/** Whether questions are seen and can be answered. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** One line of an answer; empty where the input ends without one. @throws AbortError on Ctrl-C */
export async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const interrupt = new AbortController();
  terminal.once('SIGINT', () => interrupt.abort());
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question, { signal: interrupt.signal }), ended]);
  } finally {
    terminal.close();
  }
}
