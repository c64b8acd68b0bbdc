/** Learns many single prompts for one image and mask side by side: independent searches that share the decoder's runs. */
import type { FloatTensor } from '../../../core/checkpoint/read-tensors.ts';
import { adamWState, adamWStep, type AdamWState } from '../../../core/common/adamw.ts';
import type { DecoderTargets } from '../../step/prompt-decoder.ts';

export interface ManyPromptsOptions {
  lr: number;
  /** @default 1e-6 */
  weightDecay?: number;
  maxSteps: number;
  /** Each search stops by itself once its best loss has not dropped by `least` for `steps` steps on end. */
  patience: { steps: number; least: number };
  /** Prompt sets decoded at once. */
  chunk: number;
  /** After each step: searches that go on. */
  onStep?: (step: number, active: number) => void;
}

export interface LearnedPrompt {
  /** [m, c] */
  prompt: Float32Array;
  /** Loss of the last step, before its update. */
  loss: number;
  /** Taken. */
  steps: number;
  /** Whether the loss came to rest before the steps ran out. */
  converged: boolean;
}

interface Search {
  parameter: FloatTensor;
  parameters: Map<string, FloatTensor>;
  state: AdamWState;
  best: number;
  bestStep: number;
  result: LearnedPrompt;
  done: boolean;
}

/** target: one image. starts: values of [m, c] each; they stay as they are. */
export function learnManyPrompts(
  target: DecoderTargets,
  starts: readonly Float32Array[],
  shape: readonly [number, number],
  { lr, weightDecay, maxSteps, patience, chunk, onStep }: ManyPromptsOptions,
): LearnedPrompt[] {
  const searches = starts.map((start): Search => {
    const parameter = { data: start.slice(), shape };
    const parameters = new Map([['z', parameter]]);
    const result = { prompt: parameter.data, loss: NaN, steps: 0, converged: false };
    return { parameter, parameters, state: adamWState(parameters), best: Infinity, bestStep: 0, result, done: false };
  });
  const size = shape[0] * shape[1];
  for (let step = 0; step < maxSteps; step++) {
    const active = searches.filter(({ done }) => !done);
    if (active.length === 0) break;
    for (let from = 0; from < active.length; from += chunk) {
      const some = active.slice(from, from + chunk);
      const data = new Float32Array(some.length * size);
      some.forEach(({ parameter }, i) => data.set(parameter.data, i * size));
      const { bce, dice, gradient } = target.lossAndGradient({ data, shape: [some.length, ...shape] });
      for (const [i, search] of some.entries()) {
        const loss = (bce[i] as number) + (dice[i] as number);
        // The decoder gives the gradient of the mean over its rows.
        const own = gradient.slice(i * size, (i + 1) * size).map((value) => value * some.length);
        adamWStep(search.parameters, new Map([['z', own]]), search.state, lr, { ...(weightDecay !== undefined && { weightDecay }) });
        Object.assign(search.result, { loss, steps: step + 1 });
        if (loss < search.best - patience.least) Object.assign(search, { best: loss, bestStep: step });
        if (step - search.bestStep < patience.steps) continue;
        search.done = true;
        search.result.converged = true;
      }
    }
    onStep?.(step + 1, active.length);
  }
  return searches.map(({ result }) => result);
}
