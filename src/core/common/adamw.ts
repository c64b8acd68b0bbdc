/** AdamW with decoupled weight decay (Loshchilov and Hutter, 2019), in plain arrays: the same on every engine, and easy to save. */
/** Weights by name. */
type Parameters = ReadonlyMap<string, { readonly data: Float32Array }>;

export interface AdamWOptions {
  /** @default 1e-6 (the paper), on every parameter */
  weightDecay?: number;
  /** @default [0.9, 0.999] */
  betas?: readonly [number, number];
  /** @default 1e-8 */
  epsilon?: number;
}

export interface AdamWState {
  /** Steps taken. */
  step: number;
  /** Running means of the gradients and of their squares, by parameter. */
  mean: Map<string, Float32Array>;
  square: Map<string, Float32Array>;
}

export function adamWState(parameters: Parameters): AdamWState {
  const zeros = (): Map<string, Float32Array> => new Map([...parameters].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  return { step: 0, mean: zeros(), square: zeros() };
}

/** One step, in place on parameters and state. Parameters without a gradient stay as they are. */
export function adamWStep(
  parameters: Parameters,
  gradients: ReadonlyMap<string, Float32Array>,
  state: AdamWState,
  lr: number,
  options: AdamWOptions = {},
): void {
  const { weightDecay = 1e-6, betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8 } = options;
  state.step++;
  const stepSize = lr / (1 - beta1 ** state.step);
  const rootCorrection = Math.sqrt(1 - beta2 ** state.step);
  for (const [name, gradient] of gradients) {
    const { data } = parameters.get(name) as { data: Float32Array };
    const mean = state.mean.get(name) as Float32Array;
    const square = state.square.get(name) as Float32Array;
    for (let i = 0; i < data.length; i++) {
      const g = gradient[i] as number;
      const m = beta1 * (mean[i] as number) + (1 - beta1) * g;
      const v = beta2 * (square[i] as number) + (1 - beta2) * g * g;
      mean[i] = m;
      square[i] = v;
      data[i] = (data[i] as number) * (1 - lr * weightDecay) - (stepSize * m) / (Math.sqrt(v) / rootCorrection + epsilon);
    }
  }
}
