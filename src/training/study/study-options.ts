/** Options of a study, and their defaults. Everything random comes from the seeds. */
import { DEFAULT_MODEL } from '../../core/engine/defaults.ts';
import * as z from 'zod';
import { ProsamError } from '../../core/common/errors.ts';
import type { LabelReduction } from '../../core/mask/label-reduction.ts';
import type { EngineOptions } from '../../core/runtime/node/open-engine.ts';
import { DEFAULT_SEED } from '../step/seeds.ts';
import type { TrainingEngine } from '../tfjs/engine.ts';
import { ANNOTATION_MODES, type AnnotationMode, type Dataset } from '../types.ts';
import { VARIANT_NAMES, type VariantName } from './variants.ts';

export interface StudyOptions {
  dataset: Dataset;
  /** domain-shift: the data to test on. */
  testDataset?: Dataset;
  /** Differentiating engine; requested once something has to be trained or searched. */
  engine: () => Promise<TrainingEngine>;
  /** Folder of the study: cells/ with every metric measured, and runs/ unless `runs` names another folder. */
  out: string;
  /** Folder of the trained runs; studies that share it share the runs. @default runs/ in `out` */
  runs?: string;
  /** Models whose frozen parts are used; several only in backbones. @default ['small'] */
  models?: readonly string[];
  /** Trained models to study instead of training some; `{fold}` stands for the fold's name. */
  trained?: readonly string[];
  /** @default every fold, or all classes where the data have none */
  folds?: readonly (number | 'all')[];
  /** Training seeds. @default [321] */
  seeds?: readonly number[];
  /** Variants to train. @default the study's own choice */
  variants?: readonly VariantName[];
  /** Steps of a training run, with one cosine over all of them. @default 100 epochs, restarting every 15, as in the paper */
  steps?: number;
  /** Pairs a training step. @default 2 */
  batch?: number;
  /** Prompt sets drawn a step, and merged by the strategies (K). @default 10 */
  samples?: number;
  /** @default 1e-4 in training, 1 in prompt-region */
  lr?: number;
  /** Test pairs a fold. @default 1000; flatness 100, prompt-region 1 */
  pairs?: number;
  /** @default 'mask' */
  annotation?: AnnotationMode;
  /** @default the model's; 'any' in annotations for points and scribbles, which would otherwise reach no cell */
  labelReduction?: LabelReduction;
  /** prompt-region: single prompts learned for each pair. @default 200 */
  starts?: number;
  /** prompt-region: standard deviation of the starts. @default 25 */
  startDeviation?: number;
  /** prompt-region: most steps of one search. @default 3000 */
  searchSteps?: number;
  /** flatness: random directions for the trace of a pair. @default 8 */
  probes?: number;
  device?: NonNullable<EngineOptions['device']>;
  /** CPU threads of the frozen networks; 0 = all. @default 0 */
  threads?: number;
  /** Folder for what the frozen networks say of images. @default features/ in `out` */
  cacheDir?: string;
  signal?: AbortSignal;
  /** Work in units of its own; `what` changes where other work begins. */
  onProgress?: (progress: { what: string; done: number; total: number }) => void;
  /** Called with finished or restored work: one line each. */
  onNote?: (line: string) => void;
}

type Optional = 'testDataset' | 'variants' | 'steps' | 'lr' | 'pairs' | 'labelReduction' | 'device' | 'signal' | 'onProgress' | 'onNote';
/** All options with their defaults filled in. */
export type StudySettings = Required<Omit<StudyOptions, Optional | 'runs' | 'cacheDir' | 'engine'>> &
  Pick<StudyOptions, Optional> & { runs: string; cacheDir: string };

const whole = (low: number, high: number) => z.int().min(low).max(high);
const schema = z.object({
  out: z.string().min(1),
  models: z.array(z.string().min(1)).min(1),
  trained: z.array(z.string().min(1)),
  folds: z.array(z.union([whole(0, 1000), z.literal('all')])).min(1),
  seeds: z
    .array(whole(0, 2 ** 31))
    .min(1)
    .max(100),
  variants: z.array(z.enum(VARIANT_NAMES)).min(1).optional(),
  steps: whole(1, 2 ** 20).optional(),
  batch: whole(1, 256),
  samples: whole(1, 100),
  lr: z.number().min(1e-12).max(100).optional(),
  pairs: whole(1, 1_000_000).optional(),
  annotation: z.enum(ANNOTATION_MODES),
  starts: whole(1, 10_000),
  startDeviation: z.number().min(0).max(1e6),
  searchSteps: whole(1, 1_000_000),
  probes: whole(1, 1000),
  threads: whole(0, 1024),
});

/** @throws OPTION_INVALID */
export function studySettings(options: Omit<StudyOptions, 'engine'>): StudySettings {
  const { dataset, out } = options;
  const settings: StudySettings = {
    runs: `${out}/runs`,
    cacheDir: `${out}/features`,
    models: [DEFAULT_MODEL],
    trained: [],
    folds: dataset.folds === 0 ? ['all'] : Array.from({ length: dataset.folds }, (_unused, i) => i),
    seeds: [DEFAULT_SEED],
    batch: 2,
    samples: 10,
    annotation: 'mask',
    starts: 200,
    startDeviation: 25,
    searchSteps: 3000,
    probes: 8,
    threads: 0,
    ...options,
  };
  const parsed = schema.safeParse(settings);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ProsamError('OPTION_INVALID', `study option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'expected another value'}.`);
  }
  return {
    ...settings,
    folds: [...new Set(settings.folds)],
    seeds: [...new Set(settings.seeds)],
    models: [...new Set(settings.models)],
    trained: [...new Set(settings.trained)],
    ...(settings.variants && { variants: [...new Set(settings.variants)] }),
  };
}

/** The settings as text, for the report. */
export function settingsForReport(settings: StudySettings): Record<string, string | number> {
  const { testDataset, steps, lr, pairs, variants, labelReduction } = settings;
  const entries: [string, string | number | undefined][] = [
    ['data', settings.dataset.name],
    ['test data', testDataset?.name],
    ['models', settings.models.join(', ')],
    ['trained', settings.trained.join(', ') || undefined],
    ['folds', settings.folds.join(', ')],
    ['seeds', settings.seeds.join(', ')],
    ['variants', variants?.join(', ')],
    ['steps', steps ?? '100 epochs'],
    ['batch', settings.batch],
    ['samples', settings.samples],
    ['learning rate', lr],
    ['pairs', pairs],
    ['annotation', settings.annotation],
    ['label reduction', labelReduction && JSON.stringify(labelReduction)],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}
