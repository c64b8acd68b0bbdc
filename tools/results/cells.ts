/** What was measured, on disk: one file for each set, fold and entry, so that a run that ends goes on where it was. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import { BASELINES, contestantsOf, type Contestant } from '../../src/training/evaluation/entries.ts';
import { PROMPT_KINDS, type EpisodeRow, type PromptRow } from '../../src/training/evaluation/result.ts';
import { METHODS, type Method } from '../../src/core/engine/types.ts';
import type { Dataset } from '../../src/training/types.ts';
import type { ResultSet } from './sets.ts';

/** Side of the compared masks, as in the specification of the model. */
export const SIDE = 256;
export const PROMPTS = 'prompts';

export interface MeasureOptions {
  model: string;
  out: string;
  threads: number;
  /** At most so many pairs a fold. */
  limit: number;
  methods: readonly (Method | 'auto')[];
}

export const ALL_METHODS = [...METHODS, 'auto'] as const;

/** Every way to predict, and the trivial answers. */
export function entriesOf({ model, methods }: Pick<MeasureOptions, 'model' | 'methods'>): Contestant[] {
  return [...contestantsOf({ models: [model], methods, dense: ['model', 'none'] }), ...BASELINES];
}

interface Cell<Row> {
  pairs: number;
  rows: Row[];
}

function fileOf(out: string, set: string, fold: number | 'all', entry: string): string {
  return join(out, `${set}-${fold}-${entry.replaceAll(' ', '-')}.json`);
}

/** Entries measured on all pairs of a set. */
const FULL: readonly string[] = ['prosam', 'nearest', ...BASELINES.map(({ name }) => name)];

/** Pairs of a fold that an entry is measured on. */
function pairsOf({ limit }: Pick<MeasureOptions, 'limit'>, { pairs, few }: ResultSet, entry: string): number {
  return Math.min(limit, FULL.includes(entry) ? pairs : few);
}

/** Rows of an entry on a fold; undefined where it was not measured, or on other pairs. */
export function cellOf<Row extends EpisodeRow | PromptRow>(
  options: Pick<MeasureOptions, 'out' | 'limit'>,
  set: ResultSet,
  fold: number | 'all',
  entry: string,
): Row[] | undefined {
  let text: string;
  try {
    text = readFileSync(fileOf(options.out, set.name, fold, entry), 'utf8');
  } catch {
    return undefined;
  }
  const { pairs, rows } = JSON.parse(text) as Cell<Row>;
  return pairs === pairsOf(options, set, entry) ? rows : undefined;
}

function keep<Row>(file: string, cell: Cell<Row>): void {
  writeFileSync(`${file}.part`, JSON.stringify(cell));
  renameSync(`${file}.part`, file);
}

/** Measures what is missing of one fold, entries of as many pairs together. -> their names */
export async function measureFold(options: MeasureOptions, set: ResultSet, dataset: Dataset, fold: number | 'all'): Promise<string[]> {
  const { model, out, threads } = options;
  mkdirSync(out, { recursive: true });
  const isMissing = (entry: string): boolean => cellOf(options, set, fold, entry) === undefined;
  const missing = entriesOf(options).filter(({ name }) => isMissing(name));
  const counts = new Set(
    [...missing.map(({ name }) => name), ...(isMissing(PROMPTS) ? [PROMPTS] : [])].map((name) => pairsOf(options, set, name)),
  );
  const done: string[] = [];
  for (const pairs of counts) {
    const own = missing.filter(({ name }) => pairsOf(options, set, name) === pairs);
    const prompts = pairsOf(options, set, PROMPTS) === pairs && isMissing(PROMPTS);
    const result = await evaluate({
      // Prompts go with an entry.
      contestants: own.some(({ kind }) => kind === 'model') ? own : [...own, ...contestantsOf({ models: [model], methods: ['nearest'] })],
      ...{ dataset, folds: [fold], pairs, threads, size: SIDE, cacheDir: join(out, 'features') },
      ...(prompts && { prompts: PROMPT_KINDS }),
    });
    const kept = (entry: string): string => (done.push(entry), fileOf(out, set.name, fold, entry));
    for (const { contestant, episodes } of result.contestants)
      if (own.includes(contestant)) keep(kept(contestant.name), { pairs, rows: episodes });
    if (result.prompts) keep(kept(PROMPTS), { pairs, rows: result.prompts.rows });
  }
  return done;
}
