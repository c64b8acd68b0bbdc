/**
 * Damaged checkpoints, opened as a user's file is, all the way to a session of ONNX Runtime:
 *   npm run fuzz:checkpoints -- [--minutes N] [--seed N]
 * Each must open, or be refused with a code of this project, within a second. A child process does the work, so that a crash of native
 * code, a hang or an endless allocation is seen and counted instead of ending the run. What fails is kept, with the seed that repeats it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryDamaged } from './try-damaged.ts';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

/** From the child: one try is beginning, or has ended. */
type Told = { kind: 'begin'; seed: number } | { kind: 'end'; outcome: string; ms: number; rss: number };

/** Opening is bounded work: anything beyond is a hang. Sessions on a busy machine take their time. */
const HANG_MS = 20_000;
const MAX_RSS_BYTES = 3 * 2 ** 30;
const EVERY_MS = 30_000;

async function child(folder: string, first: number): Promise<void> {
  const send = (message: Told): void => void process.send?.(message);
  process.once('disconnect', () => process.exit());
  const run = await tryDamaged(folder);
  for (let seed = first; ; seed++) {
    send({ kind: 'begin', seed });
    const started = performance.now();
    const outcome = await run(seed);
    send({ kind: 'end', outcome, ms: performance.now() - started, rss: process.memoryUsage.rss() });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function parent(minutes: number, seed: number): Promise<number> {
  const until = Date.now() + 60_000 * minutes;
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  const kept = mkdtempSync(join(tmpdir(), 'prosam-fuzz-'));
  let [tries, slowest, largest, next] = [0, 0, 0, seed];
  const fail = (what: string): void => {
    failures.push(what);
    console.log(`FAIL ${what}`);
  };
  const report = (): void => {
    const rows = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${outcome} ${count}`);
    console.log(`${tries} tries, slowest ${Math.round(slowest)} ms, largest ${Math.round(largest / 2 ** 20)} MB: ${rows.join(', ')}`);
  };
  const timer = setInterval(report, EVERY_MS);
  while (Date.now() < until && failures.length < 20) {
    const folder = mkdtempSync(join(kept, 'child-'));
    const worker: ChildProcess = spawn(
      ...dyingWithUs(process.execPath, [import.meta.filename, '--child', folder, '--seed', String(next)]),
      {
        stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      },
    );
    await new Promise<void>((resolve) => {
      let hang: NodeJS.Timeout | undefined;
      let busy = false;
      const watch = (): void => {
        clearTimeout(hang);
        hang = setTimeout(() => {
          fail(`seed ${next}: no answer for ${HANG_MS} ms`);
          worker.kill('SIGKILL');
        }, HANG_MS);
      };
      watch();
      worker.on('message', (told: Told) => {
        watch();
        busy = told.kind === 'begin';
        if (told.kind === 'begin') {
          next = told.seed;
          return;
        }
        tries++;
        next++;
        slowest = Math.max(slowest, told.ms);
        largest = Math.max(largest, told.rss);
        outcomes.set(told.outcome.split(':')[0] as string, (outcomes.get(told.outcome.split(':')[0] as string) ?? 0) + 1);
        if (told.outcome.startsWith('UNEXPECTED')) fail(`seed ${next - 1}: ${told.outcome}`);
        if (told.rss > MAX_RSS_BYTES) fail(`seed ${next - 1}: ${told.rss} bytes of memory`);
        if (Date.now() >= until || failures.length >= 20) worker.kill('SIGKILL');
      });
      worker.on('exit', (code, signal) => {
        clearTimeout(hang);
        if (signal !== 'SIGKILL') fail(`seed ${next}: the process ended with ${signal ?? code}${busy ? '' : ' between two tries'}`);
        next++;
        resolve();
      });
    });
    rmSync(folder, { recursive: true, force: true });
  }
  clearInterval(timer);
  report();
  if (failures.length > 0) writeFileSync(join(kept, 'failures.txt'), `${failures.join('\n')}\n`);
  else rmSync(kept, { recursive: true, force: true });
  console.log(`${tries - failures.length} passed, ${failures.length} failed${failures.length > 0 ? `; see ${kept}` : ''}`);
  return failures.length === 0 && tries > 0 ? 0 : 1;
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, child: { type: 'string' } },
});
if (values.child === undefined) process.exitCode = await parent(Number(values.minutes), Number(values.seed));
else await child(values.child, Number(values.seed));
