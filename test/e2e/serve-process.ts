/** `prosam serve` and `prosam learn` as real processes of their own, from source. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { dyingWithUs } from '../support/dies-with-us.ts';

const CLI = resolve('src/cli.ts');

export interface ProcessOptions {
  /** Working folder: prosam.config.json and the data lie there. */
  folder: string;
  environment?: Readonly<Record<string, string>>;
  /** Lines of standard output as they come. */
  onLine?: (line: string) => void;
}

export interface RunningProcess {
  child: ChildProcess;
  /** Everything it said, newest last. */
  output: () => string;
  ended: Promise<number | null>;
  /** SIGTERM, and the end. */
  stop: () => Promise<number | null>;
  /** SIGKILL, and the end. */
  kill: () => Promise<void>;
}

const MAX_OUTPUT = 100_000;

export function startProcess(args: readonly string[], { folder, environment = {}, onLine }: ProcessOptions): RunningProcess {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PROSAM_'));
  const child = spawn(...dyingWithUs(process.execPath, [CLI, ...args]), {
    cwd: folder,
    env: { ...Object.fromEntries(kept), PROSAM_MODEL: 'tiny', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (text: string): void => {
    output = (output + text).slice(-MAX_OUTPUT);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    keep(`${line}\n`);
    onLine?.(line);
  });
  child.stderr.on('data', (data: Buffer) => keep(data.toString()));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return {
    child,
    output: () => output,
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Rejects once one of them ends: nobody need wait any longer for what it was to do. */
export async function endedEarly(running: readonly RunningProcess[]): Promise<never> {
  const code = await Promise.race(running.map(({ ended }) => ended));
  throw new Error(`a process of the scenario ended with ${code}`);
}

export interface Served extends RunningProcess {
  url: string;
}

/** Resolves once it listens. */
export async function startServe(options: ProcessOptions, args: readonly string[] = []): Promise<Served> {
  let heard: (url: string) => void = () => undefined;
  const listening = new Promise<string>((done) => (heard = done));
  const running = startProcess(['serve', '--port', '0', '--json', ...args], {
    ...options,
    onLine(line) {
      if (line.startsWith('{"url":')) heard((JSON.parse(line) as { url: string }).url);
      options.onLine?.(line);
    },
  });
  const failed = running.ended.then((code) => {
    throw new Error(`prosam serve ended with ${code}: ${running.output()}`);
  });
  const url = await Promise.race([listening, failed]);
  failed.catch(() => undefined); // ends later, as it should
  return { ...running, url };
}

/** A JSON answer, or an error that says what came. */
export async function ask<T>(url: string, path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<T> {
  const response = await fetch(new URL(path, url), {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}
