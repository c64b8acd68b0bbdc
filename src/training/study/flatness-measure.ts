/** Flatness of the loss around the prompts of one encoder, pair by pair: its Laplacian, and its masks under growing noise. */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { iou } from '../../core/mask/metrics.ts';
import { normal } from '../../core/common/random.ts';
import { chunkFor } from '../step/prompt-decoder.ts';
import { randomFor, DEFAULT_SEED } from '../step/seeds.ts';
import type { DecoderTargets } from '../step/prompt-decoder.ts';
import { hessianTrace } from './hutchinson.ts';
import { disturbed, openPromptProbe, rootMeanSquare, type PromptProbe } from './prompt/probe.ts';
import type { StudyContext } from './study-context.ts';
import { modelStamp } from './study-folder.ts';

/** Noise in units of the prompt's own root mean square, and in the prompt's own units: standard deviations. */
export const RELATIVE_NOISE = [0, 0.125, 0.25, 0.5, 1, 2, 4] as const;
export const ABSOLUTE_NOISE = [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2] as const;
/** Disturbed prompt sets of a pair and a size of noise; the normal draws behind them are the same for every size and encoder. */
const DRAWS = 4;
/** Step of the finite differences in units of the prompt's root mean square; the curvature is measured at twice the step, too. */
export const RELATIVE_STEP = 0.01;
/** Test pairs a fold. */
const PAIRS = 100;

export interface FlatnessRow {
  /** BCE + Dice at the mean prompt. */
  loss: number;
  /** Norm of the loss's gradient at the mean prompt. */
  slope: number;
  /** Trace of the loss's Hessian along the prompts, its standard error, and the same at twice the step. */
  laplacian: number;
  laplacianError: number;
  laplacianAtTwiceTheStep: number;
  /** Root mean square of the mean prompt. */
  size: number;
  /** Mean IoU with the truth over the draws, 0..1, by size of noise. */
  relative: number[];
  absolute: number[];
  /** Mean IoU with the undisturbed mask, 0..1. */
  relativeAgreement: number[];
  absoluteAgreement: number[];
}

/** model: folder of a trained encoder */
export async function flatnessCell(context: StudyContext, name: string, model: string, fold: number | 'all'): Promise<FlatnessRow[]> {
  const { dataset, pairs = PAIRS, probes, annotation, labelReduction } = context.settings;
  const noise = { RELATIVE_NOISE, ABSOLUTE_NOISE, DRAWS, RELATIVE_STEP };
  const inputs = {
    kind: 'flatness',
    data: dataset.name,
    fold,
    pairs,
    probes,
    annotation,
    labelReduction,
    noise,
    model: await modelStamp(model),
  };
  const { value, kept } = await context.folder.cell(name, inputs, () => measure(context, name, model, fold, pairs));
  context.note(`${name}: ${kept ? 'measured before, kept' : `measured on ${value.length} pairs`}`);
  return value;
}

async function measure(context: StudyContext, name: string, model: string, index: number | 'all', count: number): Promise<FlatnessRow[]> {
  const episodes = context.settings.dataset.fold(index).testEpisodes(count, DEFAULT_SEED);
  const probe = await openPromptProbe(context, model);
  try {
    const rows: FlatnessRow[] = [];
    for (const [i, episode] of episodes.entries()) {
      const pair = await probe.pair(episode, i);
      const { mu, coarse } = await probe.prompts(pair);
      const { targets } = await probe.frozen.target(episode, coarse);
      const shape = mu.shape as [number, number];
      try {
        const curvature = curvatureAt(targets, mu.data, {
          shape,
          probes: context.settings.probes,
          chunk: chunkFor(probe.frozen.model.manifest.sam.config),
          index: i,
        });
        rows.push({ ...curvature, ...(await underNoise(probe, pair, { mu: mu.data, coarse }, i)) });
      } finally {
        targets.dispose();
      }
      context.progress(`measuring ${name}`, i + 1, episodes.length);
    }
    return rows;
  } finally {
    await probe.close();
  }
}

interface CurvatureOptions {
  /** [m, c] */
  shape: readonly [number, number];
  probes: number;
  /** Prompt sets differentiated at once. */
  chunk: number;
  /** Number of the pair, for its draws. */
  index: number;
}

type Curvature = Pick<FlatnessRow, 'loss' | 'slope' | 'laplacian' | 'laplacianError' | 'laplacianAtTwiceTheStep' | 'size'>;

export function curvatureAt(targets: DecoderTargets, mu: Float32Array, { shape, probes, chunk, index }: CurvatureOptions): Curvature {
  const gradients = (points: readonly Float32Array[]): Float32Array[] => {
    const found: Float32Array[] = [];
    for (let from = 0; from < points.length; from += chunk) {
      const some = points.slice(from, from + chunk);
      const data = new Float32Array(some.length * mu.length);
      some.forEach((point, i) => data.set(point, i * mu.length));
      const { gradient } = targets.lossAndGradient({ data, shape: [some.length, ...shape] });
      // The decoder gives the gradient of the mean over its rows.
      some.forEach((_, i) => found.push(gradient.slice(i * mu.length, (i + 1) * mu.length).map((value) => value * some.length)));
    }
    return found;
  };
  const size = rootMeanSquare(mu);
  const at = (step: number) => hessianTrace(gradients, mu, { probes, step: step * size, random: randomFor(DEFAULT_SEED, 'test', index) });
  const [near, far] = [at(RELATIVE_STEP), at(2 * RELATIVE_STEP)];
  const { bce, dice } = targets.loss({ data: mu, shape: [1, ...shape] });
  const [slope] = gradients([mu]) as [Float32Array];
  return {
    loss: (bce[0] as number) + (dice[0] as number),
    slope: Math.sqrt(slope.reduce((sum, value) => sum + value * value, 0)),
    laplacian: near.trace,
    laplacianError: near.error,
    laplacianAtTwiceTheStep: far.trace,
    size,
  };
}

type UnderNoise = Pick<FlatnessRow, 'relative' | 'absolute' | 'relativeAgreement' | 'absoluteAgreement'>;

async function underNoise(
  probe: PromptProbe,
  pair: Awaited<ReturnType<PromptProbe['pair']>>,
  { mu, coarse }: { mu: Float32Array; coarse: FloatTensor | undefined },
  index: number,
): Promise<UnderNoise> {
  const random = randomFor(DEFAULT_SEED, 'annotations', index);
  const samples = Array.from({ length: DRAWS }, () => Float32Array.from(mu, () => normal(random)));
  const size = rootMeanSquare(mu);
  const levels = [...RELATIVE_NOISE.map((level) => level * size), ...ABSOLUTE_NOISE];
  const sets = levels.flatMap((level) => (level === 0 ? [] : samples.map((eps) => disturbed(mu, eps, level))));
  const [own, ...others] = (await probe.masks(pair, [mu, ...sets], coarse)) as [Uint8Array, ...Uint8Array[]];
  const meanIou = (truth: Uint8Array): number[] => {
    let next = 0;
    return levels.map((level) => {
      const masks = level === 0 ? [own] : others.slice(next, (next += DRAWS));
      return masks.reduce((sum, mask) => sum + iou(mask, truth, pair.ignored), 0) / masks.length;
    });
  };
  const [right, same] = [meanIou(pair.truth), meanIou(own)];
  const split = RELATIVE_NOISE.length;
  return {
    relative: right.slice(0, split),
    absolute: right.slice(split),
    relativeAgreement: same.slice(0, split),
    absoluteAgreement: same.slice(split),
  };
}
