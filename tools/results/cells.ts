/** Measurements on disk: one file for each set, fold and entry, which grows pair by pair, so that a run goes on where another ended. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../src/core/engine/types.ts';
import { DEFAULT_SEED } from '../../src/core/engine/defaults.ts';
import { MODEL_METHODS, type Method } from '../../src/core/engine/types.ts';
import { BASELINES, contestantsOf, type Contestant } from '../../src/training/evaluation/entries.ts';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import { PROMPT_KINDS, type EpisodeRow, type PromptRow } from '../../src/training/evaluation/result.ts';
import type { Dataset, Episode } from '../../src/training/types.ts';
import type { ResultSet } from './sets.ts';

/** Side of the compared masks, as in the specification of the model. */
export const SIDE = 256;
export const PROMPTS = 'prompts';
/** Pairs of a fold that are measured before the next fold's turn. */
const CHUNK = 10;

export interface MeasureOptions {
  model: string;
  out: string;
  /** At most so many pairs a fold. */
  limit: number;
  /** At most so many of the entries that are measured on the first few. */
  few: number;
  methods: readonly (Method | 'auto')[];
}

export const ALL_METHODS = [...MODEL_METHODS, 'auto'] as const;

/** Every way to predict, and the trivial answers. */
export function entriesOf({ model, methods }: Pick<MeasureOptions, 'model' | 'methods'>): Contestant[] {
  const models = [model];
  return [
    // The mask of the mean prompt is the same without samples, and costs half as much.
    ...contestantsOf({ models, methods: methods.filter((method) => method !== 'auto'), dense: ['model', 'none'], options: { samples: 0 } }),
    // The choice depends on scores, which samples are for.
    ...contestantsOf({ models, methods: methods.filter((method) => method === 'auto') }),
    ...BASELINES,
  ];
}

interface Cell<Row> {
  /** Pairs that were measured: the first of the fold. */
  pairs: number;
  rows: Row[];
}

function fileOf(out: string, set: string, fold: number | 'all', entry: string): string {
  return join(out, `${set}-${fold}-${entry.replaceAll(' ', '-')}.json`);
}

export function cellOf<Row extends EpisodeRow | PromptRow>(out: string, set: ResultSet, fold: number | 'all', entry: string): Cell<Row> {
  try {
    return JSON.parse(readFileSync(fileOf(out, set.name, fold, entry), 'utf8')) as Cell<Row>;
  } catch {
    return { pairs: 0, rows: [] };
  }
}

/** Entries measured on all pairs of a set; the others on its first few. */
const FULL: readonly string[] = ['prosam', 'nearest', ...BASELINES.map(({ name }) => name)];

/** Chunks it takes to measure a set. */
export function chunksOf({ pairs }: ResultSet): number {
  return Math.ceil(pairs / CHUNK);
}

/** Measures what is missing up to the end of a chunk of one fold. -> the names of the entries that grew */
export async function measureChunk(
  options: MeasureOptions,
  { set, dataset, fold, chunk, engine }: { set: ResultSet; dataset: Dataset; fold: number | 'all'; chunk: number; engine: Engine },
): Promise<string[]> {
  const { model, out, limit, few } = options;
  mkdirSync(out, { recursive: true });
  const all = dataset.fold(fold).testEpisodes(set.pairs, DEFAULT_SEED);
  const endOf = (entry: string): number =>
    Math.min(limit, FULL.includes(entry) ? set.pairs : Math.min(set.few, few), CHUNK * (chunk + 1), all.length);
  const measure = (contestants: readonly Contestant[], episodes: readonly Episode[], prompts = false) =>
    evaluate({
      dataset: { ...dataset, fold: (index) => ({ ...dataset.fold(index), testEpisodes: () => episodes }) },
      ...{ folds: [fold], contestants, size: SIDE, ...(prompts && { prompts: PROMPT_KINDS }) },
      open: () => Promise.resolve({ ...engine, close: () => Promise.resolve() }),
    });
  const keep = <Row>(entry: string, cell: Cell<Row>): void => {
    const file = fileOf(out, set.name, fold, entry);
    writeFileSync(`${file}.part`, JSON.stringify(cell));
    renameSync(`${file}.part`, file);
    grown.push(entry);
  };
  const grown: string[] = [];

  const known = new Map(entriesOf(options).map((entry) => [entry, cellOf<EpisodeRow>(out, set, fold, entry.name)]));
  const spans = new Map<string, Contestant[]>();
  for (const [entry, { pairs }] of known) {
    const span = `${pairs} ${endOf(entry.name)}`;
    if (pairs < endOf(entry.name)) spans.set(span, [...(spans.get(span) ?? []), entry]);
  }
  for (const [span, contestants] of spans) {
    const [from, to] = span.split(' ').map(Number) as [number, number];
    const { contestants: results } = await measure(contestants, all.slice(from, to));
    results.forEach(({ episodes }, i) => {
      const entry = contestants[i] as Contestant;
      keep(entry.name, { pairs: to, rows: [...(known.get(entry)?.rows ?? []), ...episodes] });
    });
  }

  const prompted = cellOf<PromptRow>(out, set, fold, PROMPTS);
  const to = endOf(PROMPTS);
  if (prompted.pairs < to) {
    const objects = new Set(prompted.rows.map(({ target, classId }) => `${target} ${classId}`));
    const fresh = all.slice(prompted.pairs, to).filter(({ target, classId }) => !objects.has(`${target.key} ${classId}`));
    const first = contestantsOf({ models: [model], methods: ['nearest'] }); // an engine comes with an entry
    const found = fresh.length === 0 ? [] : ((await measure(first, fresh, true)).prompts?.rows ?? []);
    keep(PROMPTS, { pairs: to, rows: [...prompted.rows, ...found] });
  }
  return grown;
}
