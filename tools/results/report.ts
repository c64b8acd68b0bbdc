/** Tables of the results page, from what was measured. */
import { bootstrapMiou, comparePaired } from '../../src/training/evaluation/bootstrap.ts';
import { summarizePrompts } from '../../src/training/evaluation/prompt-summary.ts';
import type { ContestantResult, EpisodeRow, Estimate, PromptRow } from '../../src/training/evaluation/result.ts';
import { summarize } from '../../src/training/evaluation/summary.ts';
import { DEFAULT_SEED } from '../../src/core/engine/defaults.ts';
import type { Dataset } from '../../src/training/types.ts';
import { cellOf, entriesOf, PROMPTS, type MeasureOptions } from './cells.ts';
import type { ResultSet } from './sets.ts';
import { markdownTable } from '../markdown.ts';

interface Measured {
  set: ResultSet;
  classes: Dataset['classes'];
  byEntry: Map<string, ContestantResult>;
  prompts: PromptRow[];
}

/** Folds that were measured count; a set without any is left out. */
export function measuredOf(options: MeasureOptions, set: ResultSet, classes: Dataset['classes']): Measured {
  const rowsOf = <Row extends EpisodeRow | PromptRow>(entry: string): Row[] =>
    set.folds.flatMap((fold) => cellOf<Row>(options.out, set, fold, entry).rows);
  const byEntry = new Map<string, ContestantResult>();
  for (const contestant of entriesOf(options)) {
    const rows = rowsOf<EpisodeRow>(contestant.name);
    if (rows.length > 0) byEntry.set(contestant.name, summarize({ contestant, engines: [], rows, classes, seed: DEFAULT_SEED }));
  }
  return { set, classes, byEntry, prompts: rowsOf<PromptRow>(PROMPTS) };
}

const share = (percent: number): string => (percent / 100).toFixed(3);
const withRange = ({ value, low, high }: Estimate): string => `${share(value)} (${share(low)} to ${share(high)})`;

/** -> Markdown */
export function report(measured: readonly Measured[]): string {
  const known = measured.filter(({ byEntry }) => byEntry.size > 0);
  const entries = [...new Set(known.flatMap(({ byEntry }) => [...byEntry.keys()]))];
  const counts = known.map(({ set, byEntry }) => {
    const own = [...byEntry.values()].map(({ episodes }) => episodes.length);
    return `${set.title} (${[...new Set([Math.max(...own), Math.min(...own)])].join(', ')})`;
  });
  return [
    '## Class-wise mIoU, one reference marked by its mask (pairs of prosam, nearest and the trivial answers, and fewest of the others), with 95 % intervals',
    markdownTable(
      ['', ...counts],
      entries.map((entry) => [entry, ...known.map(({ byEntry }) => cellText(byEntry.get(entry)))]),
    ),
    '## Against prosam on the same pairs: difference in mIoU',
    markdownTable(
      ['', ...counts],
      entries.filter((entry) => entry !== 'prosam').map((entry) => [entry, ...known.map(({ byEntry }) => against(byEntry, entry))]),
    ),
    "## SAM's own prompts on single objects, mean IoU",
    promptRowsOf(known),
    '## Rank correlation of SAM’s own estimate with the IoU reached, within a fold',
    markdownTable(
      ['', ...counts],
      entries.map((entry) => [entry, ...known.map(({ byEntry }) => byEntry.get(entry)?.samRankCorrelation?.toFixed(2) ?? '-')]),
    ),
    '## What auto chose',
    ...known.map(({ set, byEntry }) => `${set.title}: ${choices(byEntry.get('auto')?.episodes ?? [])}`),
    '## Classes',
    ...known.map((one) => classTable(one, entries)),
  ].join('\n\n');
}

function cellText(result: ContestantResult | undefined): string {
  return result === undefined ? '-' : withRange(result.miou);
}

function against(byEntry: Measured['byEntry'], entry: string): string {
  const [one = [], prosam = []] = [byEntry.get(entry)?.episodes, byEntry.get('prosam')?.episodes];
  const folds = [...new Set(one.map(({ fold }) => fold))].filter((fold) => prosam.some((row) => row.fold === fold));
  if (folds.length === 0) return '-';
  // Pairs come in one order, so the fewer are the first of the more.
  const both = folds.map((fold) => [one, prosam].map((rows) => rows.filter((row) => row.fold === fold)) as [EpisodeRow[], EpisodeRow[]]);
  const shared = (which: 0 | 1): EpisodeRow[] => both.flatMap((lists) => lists[which].slice(0, Math.min(lists[0].length, lists[1].length)));
  return withRange(comparePaired(shared(0), shared(1), DEFAULT_SEED).difference);
}

function promptRowsOf(known: readonly Measured[]): string {
  const results = known.map(({ prompts }) => summarizePrompts(prompts, DEFAULT_SEED));
  const names = [...new Set(results.flatMap((list) => list.map(({ prompt }) => prompt)))];
  return markdownTable(
    ['', 'objects', ...names.flatMap((name) => (name === 'box' || name.includes('to') ? [name, 'rank'] : [name]))],
    known.map(({ set }, i) => [
      set.title,
      String(results[i]?.[0]?.objects ?? 0),
      ...names.flatMap((name) => {
        const found = results[i]?.find(({ prompt }) => prompt === name);
        if (found === undefined) return ['-'];
        if (name !== 'box' && !name.includes('to')) return [share(found.iou.value)];
        return [withRange(found.iou), found.rankCorrelation?.toFixed(2) ?? '-'];
      }),
    ]),
  );
}

function choices(rows: readonly EpisodeRow[]): string {
  const counts = new Map<string, number>();
  for (const { method = 'none' } of rows) counts.set(method, (counts.get(method) ?? 0) + 1);
  return [...counts].map(([method, count]) => `${method} ${((100 * count) / rows.length).toFixed(0)} %`).join(', ');
}

function classTable({ set, byEntry }: Measured, entries: readonly string[]): string {
  const own = entries.filter((entry) => byEntry.has(entry));
  const first = byEntry.get(own[0] as string);
  const classes = first?.classes.map(({ fold, id, name, episodes }) => [
    name,
    String(episodes),
    ...own.map((entry) => {
      const rows = byEntry.get(entry)?.episodes.filter((one) => one.fold === fold && one.classId === id) ?? [];
      return rows.length === 0 ? '-' : share(bootstrapMiou(rows, DEFAULT_SEED, 1).value);
    }),
  ]);
  return `### ${set.title}\n\n${markdownTable(['class', 'pairs', ...own], classes ?? [])}`;
}
