/** From a step's gradients to new weights: clipping, AdamW, moving average. */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { adamWStep, type AdamWState } from './optimizer.ts';

export interface UpdateOptions {
  lr: number;
  weightDecay: number;
  clipNorm?: number | undefined;
  averageDecay?: number | undefined;
}

/** Norm over all parameters. */
export function gradientNorm(gradients: ReadonlyMap<string, Float32Array>): number {
  let sum = 0;
  for (const values of gradients.values()) for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** In place. norm: of the gradients. */
export function update(
  parameters: ReadonlyMap<string, FloatTensor>,
  gradients: ReadonlyMap<string, Float32Array>,
  norm: number,
  state: AdamWState,
  average: ReadonlyMap<string, FloatTensor> | undefined,
  { lr, weightDecay, clipNorm = Infinity, averageDecay = 0 }: UpdateOptions,
): void {
  const shrink = norm > clipNorm ? clipNorm / norm : 1;
  const used = shrink === 1 ? gradients : new Map([...gradients].map(([name, values]) => [name, values.map((value) => value * shrink)]));
  adamWStep(parameters, used, state, lr, { weightDecay });
  for (const [name, { data }] of average ?? []) {
    const now = (parameters.get(name) as FloatTensor).data;
    for (let i = 0; i < data.length; i++) data[i] = averageDecay * (data[i] as number) + (1 - averageDecay) * (now[i] as number);
  }
}
