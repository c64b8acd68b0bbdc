/** Entries of a study: encoders trained here, by variant and seed, or ready ones given by name; and their results on every fold. */
import type { EpisodeRow } from '../evaluation/result.ts';
import type { Dataset } from '../types.ts';
import { modelTitle, type StudyContext } from './study-context.ts';
import { testCell, type TestCell } from './test-measure.ts';
import { trainedRun, type RunSpec } from './trained-run.ts';
import { VARIANTS, type VariantName } from './variants.ts';

/** A model to be tested on a fold, trained with a seed or given. */
export interface Candidate {
  folder: string;
  /** For cells and progress. */
  name: string;
}

export interface Contender {
  /** For tables. */
  title: string;
  /** One model a seed. */
  on: (fold: number | 'all') => Promise<Candidate[]>;
}

/** given: what else tells these runs from others of the study */
export function contendersOf(
  context: StudyContext,
  variants: readonly VariantName[],
  given: Pick<RunSpec, 'model' | 'annotation' | 'labelReduction'> = {},
): Contender[] {
  const { settings } = context;
  if (settings.trained.length > 0) return settings.trained.map((model) => readyContender(model, settings.trained));
  const [more, suffix] = [given.model && modelTitle(given.model, settings.models), given.annotation].map((part) =>
    part === undefined ? '' : ` ${part}`,
  );
  return variants.map((variant) => ({
    title: VARIANTS[variant].title,
    async on(fold) {
      const candidates: Candidate[] = [];
      for (const seed of settings.seeds) {
        const { folder } = await trainedRun(context, { ...given, variant, fold, seed });
        candidates.push({ folder, name: `${variant}${more}${suffix} fold ${fold} seed ${seed}` });
      }
      return candidates;
    },
  }));
}

/** Part of a test that does not depend on the entry. */
export interface Test extends Pick<TestCell, 'annotation' | 'labelReduction'> {
  /** Ends the names of the cells. */
  what: string;
  /** Other data than the study's, for each of its folds. */
  dataOn?: (fold: number | 'all') => Dataset;
  /** Gathers what readers must know. */
  notes: Set<string>;
}

/** A contender's mean prompts on every fold of the study. [fold][seed][pair] */
export async function testedFolds(context: StudyContext, { title, on }: Contender, test: Test): Promise<EpisodeRow[][][]> {
  const { what, dataOn, notes, ...marks } = test;
  const folds: EpisodeRow[][][] = [];
  for (const fold of context.settings.folds) {
    const seeds: EpisodeRow[][] = [];
    for (const { folder, name } of await on(fold)) {
      const options = { method: 'prosam', samples: 0, grow: false } as const;
      const cell = await testCell(context, {
        name: `${name} ${what}`,
        contestants: [{ kind: 'model', name: title, model: folder, options }],
        ...(dataOn ? { fold: 'all', dataset: dataOn(fold) } : { fold }),
        ...marks,
      });
      seeds.push(...cell.rows);
      for (const note of cell.notes) notes.add(note);
    }
    folds.push(seeds);
  }
  return folds;
}

function readyContender(model: string, among: readonly string[]): Contender {
  const title = modelTitle(model, among);
  return {
    title,
    on: (fold) => Promise.resolve([{ folder: model.replaceAll('{fold}', String(fold)), name: `${title} fold ${fold}` }]),
  };
}
