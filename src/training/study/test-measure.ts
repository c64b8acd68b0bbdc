/** Trained models on one fold's test pairs, measured as `prosam eval` measures, and kept. */
import type { LabelReduction } from '../../core/mask/label-reduction.ts';
import { DEFAULT_SEED } from '../step/seeds.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { Contestant } from '../evaluation/entries.ts';
import type { EpisodeRow } from '../evaluation/result.ts';
import type { AnnotationMode, Dataset } from '../types.ts';
import type { StudyContext } from './study-context.ts';
import { modelStamp } from './study-folder.ts';

export interface TestCell {
  /** For the file and for people. */
  name: string;
  contestants: readonly Contestant[];
  fold: number | 'all';
  /** @default the study's */
  dataset?: Dataset;
  annotation?: AnnotationMode;
  labelReduction?: LabelReduction;
}

/** Test pairs a fold, as in the paper. */
export const PAPER_PAIRS = 1000;

/** -> the contestants' answers, [contestant][pair] */
export async function testCell(context: StudyContext, cell: TestCell): Promise<{ rows: EpisodeRow[][]; notes: string[] }> {
  const { settings } = context;
  const { name, contestants, fold, dataset = settings.dataset, annotation = settings.annotation } = cell;
  const labelReduction = cell.labelReduction ?? settings.labelReduction;
  const pairs = settings.pairs ?? PAPER_PAIRS;
  const models = contestants.map((contestant) => (contestant.kind === 'model' ? contestant.model : contestant.kind));
  const stamps = await Promise.all(contestants.map(async (one) => (one.kind === 'model' ? modelStamp(one.model) : one.kind)));
  const options = contestants.map((one) => (one.kind === 'model' ? one.options : {}));
  const inputs = {
    kind: 'test',
    data: dataset.name,
    fold,
    classes: dataset.fold(fold).novel,
    pairs,
    annotation,
    labelReduction,
    stamps,
    options,
  };
  const { value, kept } = await context.folder.cell(name, inputs, async () => {
    const { contestants: results, notes } = await evaluate({
      dataset,
      folds: [fold],
      contestants,
      pairs,
      annotation,
      seed: DEFAULT_SEED,
      ...(labelReduction && { labelReduction }),
      ...(settings.device && { device: settings.device }),
      threads: settings.threads,
      cacheDir: settings.cacheDir,
      ...(settings.signal && { signal: settings.signal }),
      onProgress: ({ done, total }) => {
        context.progress(`testing ${name}`, done, total);
      },
    });
    return { rows: results.map(({ episodes }) => episodes), notes };
  });
  context.note(
    `${name}: ${kept ? 'tested before, kept' : `tested on ${value.rows[0]?.length ?? 0} pairs`} (${[...new Set(models)].join(', ')})`,
  );
  return value;
}
