/** Options that every predicting command shares. */
import { DISTRIBUTIONS } from '../core/networks/prompt-distribution.ts';
import { DEVICES } from '../core/runtime/devices/devices.ts';
import type { EngineOptions } from '../core/runtime/node/open-engine.ts';
import { PRECISIONS } from '../core/onnx/precision.ts';
import { STRATEGIES } from '../core/engine/strategy.ts';
import {
  DEFAULT_AREA_THRESHOLD,
  DEFAULT_MERGE_SAMPLES,
  DEFAULT_MODEL,
  DEFAULT_SAMPLES,
  DEFAULT_SEED,
  DEFAULT_STRATEGY,
} from '../core/engine/defaults.ts';
import { METHODS, type PredictOptions } from '../core/engine/types.ts';
import { choice, number, wholeNumber } from './usage.ts';

export const ENGINE_OPTIONS = {
  model: { type: 'string' },
  device: { type: 'string' },
  threads: { type: 'string' },
  precision: { type: 'string' },
  cache: { type: 'string' },
  method: { type: 'string' },
  strategy: { type: 'string' },
  samples: { type: 'string' },
  distribution: { type: 'string' },
  nu: { type: 'string' },
  seed: { type: 'string' },
  'label-reduction': { type: 'string' },
  grow: { type: 'boolean' },
  'no-grow': { type: 'boolean' },
} as const;

export const ENGINE_HELP = `  --model NAME|PATH     a model of prosam models list, or a model folder (default: ${DEFAULT_MODEL})
  --device DEVICE       auto, ${DEVICES.join(', ')} (default: auto)
  --threads N           CPU threads (default: all cores; for large models as many as are fastest)
  --precision P         ${PRECISIONS.join(', ')} (default: fp32): int8 is for CPUs, fp16 for GPUs
  --cache DIR           keep image features in DIR, so that another run is faster
  --method METHOD       auto, ${METHODS.join(', ')} (default: auto, which tries them on the references)
  --strategy S          ${STRATEGIES.join(', ')} (default: ${DEFAULT_STRATEGY})
  --samples K           prompt sets drawn from the distribution (default: ${DEFAULT_SAMPLES}; ${DEFAULT_MERGE_SAMPLES} when merging)
  --distribution D      ${DISTRIBUTIONS.join(', ')} (default: the model's)
  --nu N                degrees of freedom (default: the model's)
  --seed N              same seed, same samples (default: ${DEFAULT_SEED})
  --label-reduction R   nearest, any, area or area:${DEFAULT_AREA_THRESHOLD}: how marks become feature cells
  --grow, --no-grow     let SAM turn the mark into an object first (default: only for --points)`;

export type EngineValues = Partial<Record<Exclude<keyof typeof ENGINE_OPTIONS, 'grow' | 'no-grow'>, string>> & {
  grow?: boolean;
  'no-grow'?: boolean;
};

export function engineOptions(values: EngineValues): EngineOptions {
  return {
    ...(values.model !== undefined && { model: values.model }),
    ...(values.device !== undefined && { device: choice('device', values.device, ['auto', ...DEVICES]) }),
    ...(values.threads !== undefined && { threads: threadCount(values.threads) }),
    ...(values.precision !== undefined && { precision: choice('precision', values.precision, PRECISIONS) }),
    ...(values.cache !== undefined && { cacheDir: values.cache }),
  };
}

export function predictOptions(values: EngineValues): PredictOptions {
  const grow = values.grow ? true : values['no-grow'] ? false : undefined;
  return {
    ...(values.method !== undefined && { method: choice('method', values.method, ['auto', ...METHODS]) }),
    ...(values.strategy !== undefined && { strategy: choice('strategy', values.strategy, STRATEGIES) }),
    ...(values.samples !== undefined && { samples: wholeNumber('samples', values.samples) }),
    ...(values.distribution !== undefined && { distribution: choice('distribution', values.distribution, DISTRIBUTIONS) }),
    ...(values.nu !== undefined && { nu: number('nu', values.nu) }),
    ...(values.seed !== undefined && { seed: wholeNumber('seed', values.seed) }),
    ...(values['label-reduction'] !== undefined && { labelReduction: labelReduction(values['label-reduction']) }),
    ...(grow !== undefined && { grow }),
  };
}

/** 0, as 0.1.0 had it, is 'auto'. */
function threadCount(text: string): 'auto' | number {
  return text === 'auto' ? text : wholeNumber('threads', text) || 'auto';
}

function labelReduction(text: string): NonNullable<PredictOptions['labelReduction']> {
  const [word = '', threshold] = text.split(':');
  const kind = choice('label-reduction', word, ['nearest', 'any', 'area']);
  return kind === 'area'
    ? { kind, threshold: threshold === undefined ? DEFAULT_AREA_THRESHOLD : number('label-reduction', threshold) }
    : { kind };
}
