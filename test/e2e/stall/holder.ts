/** A process of its own that holds a lock until it is told otherwise, can be stopped in the middle of it, and dies with the test. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { dyingWithUs } from '../../support/dies-with-us.ts';
import type { StorageTimeouts } from '../../../src/storage/timeouts.ts';

export interface Holder {
  /** SIGSTOP: it does nothing any more, but its connections stay. */
  stop(): void;
  /** SIGCONT. */
  goOn(): void;
  /** Tells it to end what it began; resolves to how that went: "kept", or the code of an error. */
  release(): Promise<string>;
  /** Tells it to make another change of the project; resolves to its outcome, or the code of an error. */
  again(): Promise<string>;
  kill(): Promise<void>;
}

/** What it holds: see holder-program.ts. */
export type Hold =
  | { kind: 'sqlite'; file: string; how: 'immediate' | 'exclusive' }
  | { kind: 'project'; database: string; objects: string; project: string; timeouts: Partial<StorageTimeouts> };

/** Resolves once it holds what it was told to. */
export async function startHolder(hold: Hold): Promise<Holder> {
  const program = fileURLToPath(new URL('./holder-program.ts', import.meta.url));
  const args = [program, JSON.stringify(hold)];
  // A stopped process hears of nothing, not even of the end of the one that started it; the kernel ends it all the same.
  const child = spawn(...dyingWithUs(process.execPath, args), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let heard = (): void => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    heard();
  });
  const gone = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`the holder ended (${code ?? signal})`)));
  });
  gone.catch(() => undefined);
  const next = async (): Promise<string> => {
    while (lines.length === 0) await Promise.race([gone, new Promise<void>((resolve) => (heard = resolve))]);
    return lines.shift() as string;
  };
  const tell = (word: string): Promise<string> => {
    child.stdin.write(`${word}\n`);
    return next();
  };
  const first = await next();
  if (first !== 'holds') throw new Error(`the holder says ${first}`);
  return {
    stop: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    release: () => tell('release'),
    again: () => tell('again'),
    async kill() {
      child.kill('SIGKILL');
      await gone.catch(() => undefined);
    },
  };
}
