/** One image and its mask: many single prompts learned for it, one distribution, and how good all of them are. */
import { aboveZero } from '../../../core/mask/resize-map.ts';
import { drawNoise, samplePrompts, type DistributionConfig } from '../../../core/networks/prompt-distribution.ts';
import { iou } from '../../../core/mask/metrics.ts';
import { normal } from '../../../core/common/random.ts';
import { randomFor } from '../../step/seeds.ts';
import { chunkFor } from '../../step/prompt-decoder.ts';
import type { DecoderTargets } from '../../step/prompt-decoder.ts';
import type { Episode } from '../../types.ts';
import type { FrozenModel } from '../frozen-model.ts';
import { learnManyPrompts } from './many-prompts.ts';
import { rootMeanSquare } from './probe.ts';
import { learnPrompts } from './search.ts';
import type { Project } from './projection.ts';
import type { StudyContext } from '../study-context.ts';
import { NU } from '../variants.ts';

/** A search ends once its best loss has not dropped by more than this for so many steps (paper, section 5.3). */
export const PATIENCE = { steps: 100, least: 0.0003 } as const;
/**
 * The paper's rate of 1e-4 moves a coordinate by at most 0.01 in 100 steps, which is nothing against starts of standard
 * deviation 25 and stops every search where it began. This one crosses that distance within the patience.
 */
export const SEARCH_RATE = 1;
/** Rate of log sigma: a factor of at most e in a hundred steps. */
export const LOG_SIGMA_RATE = 0.01;

/** One prompt's mask against the true one. */
export interface PromptScore {
  iou: number;
  bce: number;
}

export interface PromptRegion {
  image: string;
  classId: number;
  /** Share of the square that the object covers. */
  area: number;
  learned: (PromptScore & { steps: number; converged: boolean })[];
  /** Drawn from the learned distribution, as many as there are learned prompts. */
  samples: PromptScore[];
  mean: PromptScore;
  distribution: { steps: number; converged: boolean; sigma: number; size: number };
  /** Root mean square distance a coordinate: learned prompts from their own middle and from the mean, samples from the mean. */
  distances: { learnedFromMiddle: number; learnedFromMean: number; samplesFromMean: number };
  /** In the plane: learned prompts, samples, and the mean last; absent without a projection. */
  picture?: [number, number][];
}

/** width: of a prompt vector. A single vector is learned, as the paper's text suggests. */
export async function promptRegion(
  context: StudyContext,
  frozen: FrozenModel,
  episode: Episode,
  { width, seed, name, project }: { width: number; seed: number; name: string; project: Project | undefined },
): Promise<PromptRegion> {
  const { settings } = context;
  const { starts, startDeviation, samples, lr = SEARCH_RATE, searchSteps: maxSteps } = settings;
  const { targets, truth } = await frozen.target(episode);
  try {
    const startAt = (index: number): Float32Array => {
      const random = randomFor(seed, 'start', index);
      return Float32Array.from({ length: width }, () => startDeviation * normal(random));
    };
    const chunk = chunkFor(frozen.model.manifest.sam.config);
    const found = learnManyPrompts(
      targets,
      Array.from({ length: starts }, (_, index) => startAt(index)),
      [1, width],
      {
        lr,
        maxSteps,
        patience: PATIENCE,
        chunk,
        onStep: (step, active) => {
          context.progress(`${name}: ${active} of ${starts} prompts still move`, step, maxSteps);
        },
      },
    );
    const config: DistributionConfig = { kind: 'student_t', nu: NU, n: width };
    const learned = learnPrompts(
      targets,
      { data: startAt(starts), shape: [1, width] },
      {
        distribution: config,
        draw: (step) => {
          context.progress(`${name}: the distribution`, step, maxSteps);
          return drawNoise(config, samples, 1, width, randomFor(seed, 'step', step));
        },
        lr,
        logSigmaLr: Math.min(LOG_SIGMA_RATE, lr),
        maxSteps,
        patience: PATIENCE,
      },
    );
    const noise = drawNoise(config, starts, 1, width, randomFor(seed, 'test'));
    const drawn = rowsOf(samplePrompts(config, learned.mu, learned.logSigma, noise, width), width);
    const prompts = found.map(({ prompt }) => prompt);
    const scores = scoresOf(targets, truth, [...prompts, ...drawn, learned.mu], chunk);
    const middle = learned.mu.map((_, i) => prompts.reduce((sum, prompt) => sum + (prompt[i] as number), 0) / prompts.length);
    return {
      image: episode.target.key,
      classId: episode.classId,
      area: truth.reduce((sum, value) => sum + value, 0) / truth.length,
      learned: found.map(({ steps, converged }, i) => ({ ...(scores[i] as PromptScore), steps, converged })),
      samples: scores.slice(starts, 2 * starts),
      mean: scores[2 * starts] as PromptScore,
      distribution: {
        steps: learned.losses.length,
        converged: learned.losses.length < maxSteps,
        sigma: learned.logSigma.reduce((sum, value) => sum + Math.exp(value), 0) / width,
        size: rootMeanSquare(learned.mu),
      },
      distances: {
        learnedFromMiddle: distance(prompts, middle),
        learnedFromMean: distance(prompts, learned.mu),
        samplesFromMean: distance(drawn, learned.mu),
      },
      ...(project && { picture: project([...prompts, ...drawn, learned.mu], seed) }),
    };
  } finally {
    targets.dispose();
  }
}

function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
}

function scoresOf(targets: DecoderTargets, truth: Uint8Array, prompts: readonly Float32Array[], chunk: number): PromptScore[] {
  const scores: PromptScore[] = [];
  for (let from = 0; from < prompts.length; from += chunk) {
    const some = prompts.slice(from, from + chunk);
    const width = (some[0] as Float32Array).length;
    const data = new Float32Array(some.length * width);
    some.forEach((prompt, i) => data.set(prompt, i * width));
    const sets = { data, shape: [some.length, 1, width] };
    const { bce } = targets.loss(sets);
    const logits = targets.logits(sets);
    some.forEach((_, i) => {
      const mask = aboveZero(logits.subarray(i * truth.length, (i + 1) * truth.length));
      scores.push({ iou: iou(mask, truth), bce: bce[i] as number });
    });
  }
  return scores;
}

/** Root mean square over points and coordinates. */
function distance(points: readonly Float32Array[], from: Float32Array): number {
  const square = points.reduce((sum, point) => sum + point.reduce((own, value, i) => own + (value - (from[i] as number)) ** 2, 0), 0);
  return Math.sqrt(square / (points.length * from.length));
}
