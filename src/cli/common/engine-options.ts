/** Options that every predicting command shares. */
import { commaList } from '../../core/common/comma-list.ts';
import { DISTRIBUTIONS } from '../../core/networks/prompt-distribution.ts';
import {
  DEFAULT_AREA_THRESHOLD,
  DEFAULT_FILL_HOLES,
  DEFAULT_MAX_POINTS,
  DEFAULT_MERGE_SAMPLES,
  DEFAULT_MIN_AREA,
  DEFAULT_MODEL,
  DEFAULT_SAMPLES,
  DEFAULT_SEED,
  DEFAULT_STRATEGY,
  DEFAULT_THRESHOLD,
  MAX_POINTS,
} from '../../core/engine/defaults.ts';
import { cleanOptionsOf, MAX_CLEAN_AREA, type CleanOptions } from '../../core/mask/clean-mask.ts';
import { DEVICES } from '../../core/runtime/devices/devices.ts';
import type { EngineOptions } from '../../core/runtime/node/open-engine.ts';
import { PRECISIONS } from '../../core/onnx/precision.ts';
import { DENSE, STRATEGIES } from '../../core/engine/strategy.ts';
import { REFERENCE_METHODS, type PredictOptions } from '../../core/engine/types.ts';
import { externalSystem } from '../../external/external-system.ts';
import { UsageError } from './command.ts';
import { numberIn } from './parse.ts';
import { options, under, type Values } from './spec.ts';

/** Devices and methods by name, and the choice among them. */
export const DEVICE_CHOICES = ['auto', ...DEVICES] as const;
export const METHOD_CHOICES = ['auto', ...REFERENCE_METHODS] as const;

export const MODEL_OPTION = options({
  model: {
    type: 'text',
    value: 'NAME|PATH',
    about: 'a model of prosam models list, or a model folder',
    otherwise: DEFAULT_MODEL,
    environment: 'PROSAM_MODEL',
  },
});

export const RUNTIME_OPTIONS = options({
  device: { type: 'choice', choices: DEVICE_CHOICES, about: 'device of the networks', otherwise: 'auto' },
  threads: {
    type: 'whole',
    min: 0,
    about: 'CPU threads',
    otherwise: 'all cores, or fewer where those are faster',
  },
  precision: {
    type: 'choice',
    choices: PRECISIONS,
    value: 'P',
    about: 'arithmetic of the networks (int8 is for CPUs, fp16 for GPUs)',
    otherwise: 'fp32',
  },
  cache: { type: 'text', value: 'DIR', about: 'stores image features in DIR, so that the next run is faster' },
});

export const SAMPLING_OPTIONS = options({
  samples: {
    type: 'whole',
    min: 0,
    max: 100,
    value: 'K',
    about: 'prompt sets drawn from the distribution',
    otherwise: `${DEFAULT_SAMPLES}, ${DEFAULT_MERGE_SAMPLES} when merging`,
  },
  distribution: {
    ...{ type: 'choice', choices: DISTRIBUTIONS, value: 'D' },
    about: 'distribution that prompts are drawn from',
    otherwise: "the model's",
  },
  nu: { type: 'number', about: 'degrees of freedom of that distribution', otherwise: "the model's" },
  seed: { type: 'whole', min: 0, about: 'same seed, same samples', otherwise: DEFAULT_SEED },
});

export const LABEL_REDUCTION_OPTION = options({
  'label-reduction': {
    type: 'text',
    value: 'R',
    about: `nearest, any, area or area:${DEFAULT_AREA_THRESHOLD}: how annotations become feature cells`,
    otherwise: "the model's",
  },
});

export const GROW_OPTIONS = options({
  grow: { type: 'flag', about: 'lets SAM turn the annotation into an object mask first', otherwise: 'only for --points' },
  'no-grow': { type: 'flag', about: 'uses the annotation as it was drawn' },
});

export const MAX_POINTS_OPTION = options({
  'max-points': {
    ...{ type: 'whole', min: 1, max: MAX_POINTS, value: 'N' },
    about: 'points that gf-sam has SAM draw masks for',
    otherwise: DEFAULT_MAX_POINTS,
  },
});

export const EXTERNAL_OPTION = options({
  external: {
    ...{ type: 'text', value: 'URL|COMMAND', environment: 'PROSAM_EXTERNAL' },
    about: 'system outside that the method external asks: an address, or a command line in quotes',
  },
});

export const CLEAN_OPTIONS = options({
  'min-area': {
    ...{ type: 'number', min: 0, max: MAX_CLEAN_AREA, value: 'N' },
    about: 'smallest region of a mask that stays, in pixels, or below 1 as a share of the image; the largest always stays',
    otherwise: DEFAULT_MIN_AREA,
  },
  'fill-holes': {
    ...{ type: 'text', value: 'N|all|none' },
    about: 'largest hole that is filled, in the same units',
    otherwise: holesInWords(DEFAULT_FILL_HOLES),
  },
  'largest-only': { type: 'flag', about: 'only the largest region of a mask stays' },
});

const METHOD_OPTIONS = options({
  method: {
    type: 'choice',
    choices: METHOD_CHOICES,
    about: 'method (auto tries all but external on the references)',
    otherwise: 'external with --external, else auto',
  },
  strategy: { type: 'choice', choices: STRATEGIES, value: 'S', about: 'merging of decoded prompts by prosam', otherwise: DEFAULT_STRATEGY },
  dense: {
    type: 'choice',
    choices: DENSE,
    value: 'D',
    about: "mask prompt of prosam: the model's, or none as in the paper",
    otherwise: 'model',
  },
  threshold: {
    ...{ type: 'number', min: 0, max: 1, value: 'X' },
    about: 'least probability that the concept is there for a mask to be given; 0 gives every mask',
    otherwise: `${DEFAULT_THRESHOLD} with small, 0 with other models`,
  },
  ...MAX_POINTS_OPTION,
});

export const ENGINE_OPTIONS = under('Model and method', {
  ...MODEL_OPTION,
  ...RUNTIME_OPTIONS,
  ...METHOD_OPTIONS,
  ...CLEAN_OPTIONS,
  ...EXTERNAL_OPTION,
  ...SAMPLING_OPTIONS,
  ...LABEL_REDUCTION_OPTION,
  ...GROW_OPTIONS,
});

type EngineValues = Partial<Values<typeof MODEL_OPTION & typeof RUNTIME_OPTIONS & typeof EXTERNAL_OPTION>>;
type PredictValues = Partial<
  Values<
    typeof METHOD_OPTIONS &
      typeof CLEAN_OPTIONS &
      typeof EXTERNAL_OPTION &
      typeof SAMPLING_OPTIONS &
      typeof LABEL_REDUCTION_OPTION &
      typeof GROW_OPTIONS
  >
>;

/** @throws OPTION_INVALID for an external system that is neither an address nor a command */
export function engineOptions({ model, device, threads, precision, cache, external }: EngineValues): EngineOptions {
  return {
    ...(model !== undefined && { model }),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads: threads === 0 ? ('auto' as const) : threads }),
    ...(precision !== undefined && { precision }),
    ...(cache !== undefined && { cacheDir: cache }),
    ...(external !== undefined && {
      external: externalSystem(external, { environment: commaList(process.env['PROSAM_EXTERNAL_ENV'] ?? '') }),
    }),
  };
}

/** @throws UsageError for a label reduction that does not exist, and for holes that are no number, all or none */
export function predictOptions(values: PredictValues): PredictOptions {
  const { external, strategy, dense, threshold, maxPoints, samples, distribution, nu, seed, labelReduction: reduction } = values;
  const method = values.method ?? (external === undefined ? undefined : 'external');
  const grow = values.grow === true ? true : values.noGrow === true ? false : undefined;
  return {
    ...(method !== undefined && { method }),
    ...(strategy !== undefined && { strategy }),
    ...(dense !== undefined && { dense }),
    ...(threshold !== undefined && { threshold }),
    ...(maxPoints !== undefined && { maxPoints }),
    ...(samples !== undefined && { samples }),
    ...(distribution !== undefined && { distribution }),
    ...(nu !== undefined && { nu }),
    ...(seed !== undefined && { seed }),
    ...(reduction !== undefined && { labelReduction: labelReductionOf(reduction) }),
    ...(grow !== undefined && { grow }),
    ...cleanOptions(values),
  };
}

/** @throws UsageError */
export function cleanOptions({ minArea, fillHoles, largestOnly }: Partial<Values<typeof CLEAN_OPTIONS>>): CleanOptions {
  return cleanOptionsOf({
    minArea,
    fillHoles: fillHoles === undefined ? undefined : holesOf(fillHoles),
    largestOnly: largestOnly === true ? true : undefined,
  });
}

function holesOf(text: string): boolean | number {
  if (text === 'all' || text === 'none') return text === 'all';
  if (!/^\d*\.?\d+(e-?\d+)?$/i.test(text))
    throw new UsageError(`--fill-holes: expected a number, all or none, got ${JSON.stringify(text)}.`);
  return numberIn('fill-holes', text, { type: 'number', min: 0, max: MAX_CLEAN_AREA });
}

function holesInWords(holes: boolean | number): string {
  return typeof holes === 'number' ? String(holes) : holes ? 'all' : 'none';
}

function labelReductionOf(text: string): NonNullable<PredictOptions['labelReduction']> {
  const [kind = '', threshold] = text.split(':');
  if (kind === 'area')
    return {
      kind,
      threshold: threshold === undefined ? DEFAULT_AREA_THRESHOLD : numberIn('label-reduction', threshold, { type: 'number' }),
    };
  if (kind === 'nearest' || kind === 'any') return { kind };
  throw new UsageError(`--label-reduction: expected nearest, any, area or area:0.25, got ${JSON.stringify(text)}.`);
}
