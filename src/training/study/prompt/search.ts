/** Learns prompts for one image and mask directly, without an encoder (paper, section 5.3). */
import type { FloatTensor } from '../../../core/checkpoint/read-tensors.ts';
import { samplePrompts, type DistributionConfig, type Noise } from '../../../core/networks/prompt-distribution.ts';
import { adamWState, adamWStep } from '../../../core/common/adamw.ts';
import type { DecoderTargets } from '../../step/prompt-decoder.ts';
import { throughSampling } from '../../step/training-step.ts';

export interface PromptSearchOptions {
  /** 'deterministic' learns one point; all others a distribution around it. */
  distribution: DistributionConfig;
  /** Noise of one step. eps [K, m, c], delta [K, m] */
  draw: (step: number) => Noise;
  lr: number;
  /** Rate of log sigma, whose sensible steps do not grow with the prompts. @default lr */
  logSigmaLr?: number;
  /** @default 1e-6 */
  weightDecay?: number;
  maxSteps: number;
  /** Stop once the best loss has not dropped by `least` for `steps` steps on end. @default never */
  patience?: { steps: number; least: number };
}

export interface LearnedPrompts {
  /** Loss of each step, before its update. */
  losses: number[];
  /** [m, c] */
  mu: Float32Array;
  logSigma: Float32Array;
}

/** target: one image. start [m, c]; log sigma starts at 0. */
export function learnPrompts(target: DecoderTargets, start: FloatTensor, options: PromptSearchOptions): LearnedPrompts {
  const [vectors, width] = start.shape as [number, number];
  const mu = { data: start.data.slice(), shape: start.shape };
  const logSigma = { data: new Float32Array(vectors * width), shape: start.shape };
  const parameters = new Map([
    ['mu', mu],
    ['logSigma', logSigma],
  ]);
  // AdamW treats every number by itself, so two states with one rate are the same as one.
  const [muState, sigmaState] = [adamWState(parameters), adamWState(parameters)];
  const decay = options.weightDecay === undefined ? {} : { weightDecay: options.weightDecay };
  const losses: number[] = [];
  let best = Infinity;
  let bestStep = 0;
  for (let step = 0; step < options.maxSteps; step++) {
    const noise = options.draw(step);
    const z = samplePrompts(options.distribution, mu.data, logSigma.data, noise, width);
    const samples = z.length / mu.data.length;
    const { bce, dice, gradient } = target.lossAndGradient({ data: z, shape: [samples, vectors, width] });
    const loss = bce.reduce((sum, value, k) => sum + value + (dice[k] as number), 0) / samples;
    losses.push(loss);
    const { gradMu, gradLogSigma } = throughSampling(options.distribution, gradient, logSigma.data, noise, width);
    adamWStep(parameters, new Map([['mu', gradMu]]), muState, options.lr, decay);
    adamWStep(parameters, new Map([['logSigma', gradLogSigma]]), sigmaState, options.logSigmaLr ?? options.lr, decay);
    if (options.patience === undefined) continue;
    if (loss < best - options.patience.least) [best, bestStep] = [loss, step];
    if (step - bestStep >= options.patience.steps) break;
  }
  return { losses, mu: mu.data, logSigma: logSigma.data };
}
