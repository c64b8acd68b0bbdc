/**
 * Event-loop delay under hostile requests: npm run bench:event-loop -- [--only TEXT]
 *
 * One service on the built-in model, in a process of its own. Each request is sent alone, and twice: the first time images are
 * decoded and encoded. Prints the longest delay in processor time of the answering thread (goal: below 50 ms), and how long the
 * response took.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { textTable } from '../../src/cli/common/text-table.ts';
import { HOSTILE } from '../../test/e2e/hostile/requests.ts';
import { startHostileTarget } from '../../test/e2e/hostile/start.ts';

/** A service with nothing to do works for less than that at a time. */
const QUIET_MS = 4;

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const target = await startHostileTarget();
try {
  const rows: string[][] = [];
  for (const request of HOSTILE.filter(({ name }) => name.includes(values.only))) {
    // Made before anything is measured: both processes share the machine.
    await request.body();
    for (const round of ['first', 'again']) {
      await target.longestMs();
      const started = performance.now();
      const { status } = await target.ask(request);
      const answered = performance.now() - started;
      // What goes on after the answer counts, too.
      let longest = 0;
      for (let quiet = 0; quiet < 3;) {
        await wait(500);
        const now = await target.longestMs();
        longest = Math.max(longest, now);
        quiet = now < QUIET_MS ? quiet + 1 : 0;
      }
      rows.push([request.name, round, `${status}`, `${Math.round(answered)}`, longest.toFixed(1)]);
      process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`);
    }
  }
  process.stdout.write(
    `${textTable({ caption: 'Longest hold-up of the event loop', head: ['request', 'round', 'status', 'answered ms', 'hold-up ms'], rows })}\n`,
  );
} finally {
  await target.stop();
}
