/** One process of a command that answers lines with lines. */
import { spawn } from 'node:child_process';
import { childEnvironment } from '../core/common/child-environment.ts';
import { messageOf } from '../core/common/errors.ts';
import { createLineReader } from './answer-lines.ts';

export interface RunningCommand {
  send(message: Uint8Array): void;
  /** At once. */
  kill(): void;
  /** Asks it to end by closing its input, and ends it after graceMs; resolves when it is gone. */
  end(graceMs: number): Promise<void>;
}

export interface CommandEvents {
  /** Names of variables that it gets beyond those every command does. */
  environment?: readonly string[];
  /** Longest line of its output, in bytes. */
  maxBytes: number;
  onLine: (line: Buffer) => void;
  /** Called once, e.g. with 'printed more than ... bytes in a line', or 'ended with exit code 1'. */
  onEnd: (how: string) => void;
  log: (line: string) => void;
}

/** Longest line of a log, in bytes. */
const MAX_LOG_LINE = 16 * 1024;

/** It keeps nobody's process alive, and ends with this one: by its input, which ends, or killed where this one ends in order. */
export function startCommand(
  [file, ...args]: readonly [string, ...string[]],
  { maxBytes, environment, onLine, onEnd, log }: CommandEvents,
): RunningCommand {
  const env = childEnvironment(process.env, { groups: ['compute', 'network', 'python'], names: environment });
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env, windowsHide: true });
  const kill = (): void => void child.kill('SIGKILL');
  let why: string | undefined;
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      if (ended) return;
      ended = true;
      process.removeListener('exit', kill);
      resolve();
      onEnd(why ?? how);
    };
    child.on('error', (error) => end(`cannot be started: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`));
    // Its exit, and not the end of its pipes, which a grandchild may hold.
    child.on('exit', (code, signal) => setImmediate(end, signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`));
  });
  process.on('exit', kill);
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) {
    (pipe as unknown as { unref?: () => void }).unref?.();
    // Writing to something that died is told by its end.
    pipe.on('error', () => undefined);
  }
  child.stdout.on(
    'data',
    createLineReader(maxBytes, {
      onLine,
      onTooLong() {
        why = `printed more than ${maxBytes} bytes in one line`;
        kill();
      },
    }),
  );
  const cut = createLineReader(MAX_LOG_LINE, {
    onLine: (line) => log(line.toString('utf8').trimEnd()),
    onTooLong: () => log('(a line that is too long; nothing more of it is shown)'),
  });
  child.stderr.on('data', cut);
  return {
    send(message) {
      child.stdin.cork();
      child.stdin.write(message);
      child.stdin.write('\n');
      child.stdin.uncork();
    },
    kill,
    async end(graceMs) {
      if (ended) return;
      child.stdin.end();
      const timer = setTimeout(kill, graceMs);
      await gone;
      clearTimeout(timer);
    },
  };
}
