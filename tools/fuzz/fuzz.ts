/**
 * Damaged inputs for every parser of foreign data:
 *   npm run fuzz -- [--inputs N] [--only NAME,...] [--seed N] [--state FILE] [--minutes N]
 * Each must be read, or be refused with a code of this project, within two seconds and bounded memory. With --state the figures are kept
 * there, and a later run goes on where the last one ended: inputs are numbered, and each follows from its number alone.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { emptyTally, supervise, tryAll, type Tally } from './supervise.ts';
import type { FuzzTarget } from './target.ts';
import { CHECKPOINTS } from './targets/checkpoints.ts';
import { CONFIGURATION } from './targets/configuration.ts';
import { IMAGES, POLYGONS, RLE } from './targets/pixels.ts';
import { CVAT, HTTP, LABEL_STUDIO } from './targets/requests.ts';

const TARGETS: readonly FuzzTarget[] = [HTTP, IMAGES, RLE, POLYGONS, LABEL_STUDIO, CVAT, CONFIGURATION, CHECKPOINTS];
/** Share of inputs that must come past the first validation, or they prove little. */
const MIN_PAST = 0.2;
const SAVE_MS = 2000;

interface State {
  seed: number;
  parsers: Record<string, Tally>;
}

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '2000' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    state: { type: 'string' },
    minutes: { type: 'string' },
    child: { type: 'string' },
    folder: { type: 'string' },
  },
});

function targetOf(name: string): FuzzTarget {
  const found = TARGETS.find((one) => one.name === name);
  if (found) return found;
  throw new Error(`expected one of ${TARGETS.map((one) => one.name).join(', ')}, got ${name}`);
}

function row(name: string, { tries, past, slowestMs, largestBytes, outcomes, failures }: Tally): string {
  const most = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
  const shown = most.slice(0, 5).map(([code, count]) => `${code} ${count}`);
  const figures = [name.padEnd(15), String(tries).padStart(8), `${((100 * past) / Math.max(1, tries)).toFixed(0)} %`.padStart(6)];
  return [
    ...figures,
    `${Math.round(slowestMs)} ms`.padStart(8),
    `${Math.round(largestBytes / 2 ** 20)} MB`.padStart(8),
    String(failures.length).padStart(5),
    ` ${shown.join(', ')}`,
  ].join(' ');
}

async function parent(): Promise<number> {
  const names = values.only?.split(',') ?? TARGETS.map(({ name }) => name);
  const file = values.state;
  const state: State =
    file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : { seed: Number(values.seed), parsers: {} };
  const save = (): void => {
    if (file === undefined) return;
    writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 1)}\n`);
    renameSync(`${file}.new`, file);
  };
  const budgetMs = values.minutes === undefined ? Infinity : (60_000 * Number(values.minutes)) / names.length;
  const chosen = names.map(targetOf);
  console.log('parser            inputs   past  slowest   memory  failed  outcomes');
  let failed = 0;
  for (const target of chosen) {
    const tally = (state.parsers[target.name] ??= emptyTally());
    const startedMs = performance.now();
    let savedMs = 0;
    const onReport = (): void => {
      if (performance.now() - savedMs < SAVE_MS) return;
      savedMs = performance.now();
      save();
    };
    let left = Number(values.inputs) - tally.tries;
    while (left > 0 && performance.now() - startedMs < budgetMs && tally.failures.length < 20) {
      await supervise(target, {
        program: import.meta.filename,
        seed: state.seed,
        count: Math.min(left, budgetMs === Infinity ? left : 500),
        tally,
        onReport,
      });
      left = Number(values.inputs) - tally.tries;
    }
    save();
    console.log(row(target.name, tally));
    for (const failure of tally.failures.slice(0, 5)) console.log(`  FAIL ${failure}`);
    if (tally.past < MIN_PAST * tally.tries) console.log(`  FAIL fewer than ${100 * MIN_PAST} % came past the first validation`);
    if (tally.failures.length > 0 || tally.past < MIN_PAST * tally.tries || tally.tries === 0) failed++;
  }
  const all = chosen.reduce((sum, { name }) => sum + (state.parsers[name]?.tries ?? 0), 0);
  console.log(`${all} inputs of ${chosen.length} parsers, ${failed} of which failed`);
  return failed === 0 ? 0 : 1;
}

if (values.child === undefined) process.exitCode = await parent();
else await tryAll(targetOf(values.child), { folder: values.folder as string, first: Number(values.seed), count: Number(values.inputs) });
