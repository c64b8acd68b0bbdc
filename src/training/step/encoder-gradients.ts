/** Forward and backward pass of the prompt encoder on one tape: dL/dmu and dL/dlog sigma to parameter gradients. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import { weightsFrom, type Weights } from '../../core/networks/ops.ts';
import { encodeReference, encodeTarget } from '../../core/networks/variational-prompt-encoder.ts';
import { taken } from './prompt-decoder.ts';
import { tfjsOps, type Tf } from '../tfjs/tfjs-ops.ts';

type Tensor = tfjs.Tensor;

/** Inputs of the prompt encoder for a batch of B reference-target pairs. */
export interface EncoderBatch {
  /** [B, C, h, w] */
  referenceMid: FloatTensor;
  /** Annotation on the feature grid. [B, 1, h, w] */
  referenceMask: FloatTensor;
  /** [B, C, h, w] */
  targetMid: FloatTensor;
  /** [B, 1, h, w] */
  pseudo: FloatTensor;
  /** Outcome of Dropout2d, 0 or 1 / (1 - p) per channel: target first, as the public code draws it. [2, B, c] */
  channelFactors?: FloatTensor;
}

/** Encoder's outputs, or the loss's slopes along them. [B, m, c] each; log sigma is zero in the deterministic variant. */
export interface DistributionValues {
  mu: Float32Array;
  logSigma: Float32Array;
  /** Logits of the coarse mask, where the encoder has one. [B, 1, h, w] */
  coarse?: Float32Array;
}

/**
 * Runs the encoder forward, asks `gradientsAt` for dL/dmu, dL/dlog sigma and dL/dcoarse, and runs the backward pass.
 * -> gradients by parameter name
 */
export function encoderGradients(
  tf: Tf,
  config: PromptEncoderConfig,
  batch: EncoderBatch,
  parameters: ReadonlyMap<string, FloatTensor>,
  gradientsAt: (values: DistributionValues) => DistributionValues,
): Map<string, Float32Array> {
  const ops = tfjsOps(tf);
  const tensor = ({ data, shape }: FloatTensor): Tensor => tf.tensor(data, [...shape], 'float32');
  const factors = (part: 0 | 1): { channelFactors: Tensor } | undefined => {
    if (batch.channelFactors === undefined) return undefined;
    const { data, shape } = batch.channelFactors;
    const [, images, channels] = shape as [number, number, number];
    const size = images * channels;
    return { channelFactors: tensor({ data: data.subarray(part * size, (part + 1) * size), shape: [images, channels, 1] }) };
  };
  const encode = (weights: Weights<Tensor>): { mu: Tensor; logSigma?: Tensor; coarse?: Tensor } => {
    const { prototype, queries } = encodeReference(ops, weights, config, {
      mid: tensor(batch.referenceMid),
      mask: tensor(batch.referenceMask),
      ...factors(1),
    });
    const { mu, logSigma, coarse } = encodeTarget(ops, weights, config, {
      mid: tensor(batch.targetMid),
      pseudo: tensor(batch.pseudo),
      prototype,
      queries,
      ...factors(0),
    });
    return { mu, ...(logSigma && { logSigma }), ...(coarse && { coarse }) };
  };
  const names = [...parameters.keys()];
  const along = (x: Tensor, gradient: Float32Array): Tensor => tf.sum(tf.mul(x, tf.tensor(gradient, x.shape)));
  const gradients = tf.tidy(() =>
    tf.grads((...given: Tensor[]) => {
      const { mu, logSigma, coarse } = encode(weightsFrom((name) => given[names.indexOf(name)] as Tensor));
      const gradients = untaped(tf, () => {
        const values = mu.dataSync() as Float32Array;
        return gradientsAt({
          mu: values,
          logSigma: (logSigma?.dataSync() as Float32Array | undefined) ?? new Float32Array(values.length),
          ...(coarse && { coarse: coarse.dataSync() as Float32Array }),
        });
      });
      const first = along(mu, gradients.mu);
      const both = logSigma ? tf.add(first, along(logSigma, gradients.logSigma)) : first;
      return coarse && gradients.coarse ? tf.add(both, along(coarse, gradients.coarse)) : both;
    })(names.map((name) => tensor(parameters.get(name) as FloatTensor))),
  );
  return new Map(names.map((name, i) => [name, taken(gradients[i] as Tensor)]));
}

/**
 * Runs `work` as if nothing were being recorded around it: what it differentiates itself has a tape of its own, freed at its end.
 * The library has no call for that; with its one shared tape the decoder's graphs would all stay alive until the encoder's end.
 */
function untaped<T>(tf: Tf, work: () => T): T {
  const { state } = tf.engine();
  const { activeTape, gradientDepth } = state;
  Object.assign(state, { activeTape: null, gradientDepth: 0 });
  try {
    return work();
  } finally {
    Object.assign(state, { activeTape, gradientDepth });
  }
}
