/**
 * A child process tries the inputs, so that a crash of native code, a hang or an endless allocation is seen and counted instead of
 * ending the run.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';
import type { FuzzTarget } from './target.ts';

/** Figures of one parser, over all its processes. */
export interface Tally {
  tries: number;
  /** Inputs that came past the first validation. */
  past: number;
  /** Time of the slowest one; of the processor, where the machine was busy with something else. */
  slowestMs: number;
  /** Most memory of a process, in bytes. */
  largestBytes: number;
  outcomes: Record<string, number>;
  /** Each with the seed that repeats it. */
  failures: string[];
}

export const emptyTally = (): Tally => ({ tries: 0, past: 0, slowestMs: 0, largestBytes: 0, outcomes: {}, failures: [] });

/** From the child, ten times a second. */
interface Report extends Omit<Tally, 'outcomes'> {
  outcomes: [code: string, count: number][];
  /** Everything is tried. */
  done: boolean;
}

/** Nothing may take longer. */
const SLOW_MS = 2000;
const HANG_MS = 30_000;
const MAX_BYTES = 3 * 2 ** 30;
const REPORT_MS = 100;
const PER_PROCESS = 20_000;

/** The child's work: seeds from `first` on, `count` of them. */
export async function tryAll(
  target: FuzzTarget,
  { folder, first, count }: { folder: string; first: number; count: number },
): Promise<void> {
  process.once('disconnect', () => process.exit());
  // The seed in work, readable for others even after a crash.
  const file = openSync(join(folder, 'seed'), 'w');
  const { run, close } = await target.open(mkdtempSync(join(folder, 'files-')));
  let tally = emptyTally();
  let toldMs = performance.now();
  const tell = (done: boolean): void => {
    const report: Report = { ...tally, outcomes: Object.entries(tally.outcomes), done };
    process.send?.(report);
    tally = emptyTally();
    toldMs = performance.now();
  };
  for (let seed = first; seed < first + count; seed++) {
    writeSync(file, String(seed).padEnd(16), 0);
    const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()];
    const { code, past } = await run(seed);
    const { user, system } = process.cpuUsage(startedCpu);
    // On a busy machine the clock goes on while nothing is done here; a wait that never ends is found by the parent.
    const ms = Math.min(performance.now() - startedMs, (user + system) / 1000);
    tally.tries++;
    if (past) tally.past++;
    tally.slowestMs = Math.max(tally.slowestMs, ms);
    const kind = code.split(':')[0] as string;
    tally.outcomes[kind] = (tally.outcomes[kind] ?? 0) + 1;
    if (kind === 'UNEXPECTED') tally.failures.push(`seed ${seed}: ${code}`);
    if (ms > SLOW_MS) tally.failures.push(`seed ${seed}: ${Math.round(ms)} ms`);
    if (performance.now() - toldMs < REPORT_MS) continue;
    tally.largestBytes = process.memoryUsage.rss();
    tell(false);
    await new Promise((resolve) => setImmediate(resolve));
  }
  closeSync(file);
  tally.largestBytes = process.memoryUsage.rss();
  tell(true);
  await close?.();
  process.disconnect();
}

/** Tries `count` more inputs of a parser; onReport is called after every part, with the figures so far. */
export async function supervise(
  target: FuzzTarget,
  { program, seed, count, tally, onReport }: { program: string; seed: number; count: number; tally: Tally; onReport: () => void },
): Promise<void> {
  const until = tally.tries + count;
  while (tally.tries < until && tally.failures.length < 20) {
    const folder = mkdtempSync(join(tmpdir(), 'prosam-fuzz-'));
    const part = Math.min(until - tally.tries, target.perProcess ?? PER_PROCESS);
    const first = seed + tally.tries;
    const args = [program, '--child', target.name, '--folder', folder, '--seed', String(first), '--inputs', String(part)];
    const worker = spawn(...dyingWithUs(process.execPath, args), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    await new Promise<void>((resolve) => {
      let hang: NodeJS.Timeout | undefined;
      let done = false;
      const watch = (): void => {
        clearTimeout(hang);
        hang = setTimeout(() => worker.kill('SIGKILL'), HANG_MS);
      };
      watch();
      worker.on('message', (report: Report) => {
        watch();
        done ||= report.done;
        add(tally, report);
        if (report.largestBytes > MAX_BYTES)
          tally.failures.push(`about seed ${first + tally.tries}: ${report.largestBytes} bytes of memory`);
        onReport();
      });
      worker.on('exit', (code, signal) => {
        clearTimeout(hang);
        if (!done) {
          const at = Number(readFileSync(join(folder, 'seed'), 'utf8')) || first;
          tally.failures.push(`seed ${at}: the process ended with ${signal ?? String(code)}, or hung for ${HANG_MS} ms`);
          // Going on after it; those before it count, whether they were told or not.
          tally.tries = Math.max(tally.tries, at + 1 - seed);
        }
        resolve();
      });
    });
    rmSync(folder, { recursive: true, force: true });
  }
}

function add(tally: Tally, report: Report): void {
  tally.tries += report.tries;
  tally.past += report.past;
  tally.slowestMs = Math.max(tally.slowestMs, report.slowestMs);
  tally.largestBytes = Math.max(tally.largestBytes, report.largestBytes);
  for (const [code, count] of report.outcomes) tally.outcomes[code] = (tally.outcomes[code] ?? 0) + count;
  tally.failures.push(...report.failures);
}
