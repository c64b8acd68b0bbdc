/** The prompt encoder's way forward, and its way back from slopes along mu and log sigma to slopes along its weights. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { FloatTensor } from '../core/checkpoint/weight-file.ts';
import type { PromptEncoderConfig } from '../core/model/config.ts';
import { weightsFrom, type Weights } from '../core/model/ops.ts';
import { encodeReference, encodeTarget } from '../core/model/variational-prompt-encoder.ts';
import { taken } from './prompt-decoder.ts';
import { tfjsOps, type Tf } from './tfjs-ops.ts';

type Tensor = tfjs.Tensor;
/** [B, m, c] each */
type Distribution = { mu: Tensor; logSigma?: Tensor };
type Parameters = ReadonlyMap<string, FloatTensor>;

/** What the prompt encoder reads of a batch of B reference-target pairs. */
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

export interface EncoderPass {
  /** [B, m, c] each; log sigma is zero in the deterministic variant. */
  forward(parameters: Parameters): { mu: Float32Array; logSigma: Float32Array };
  /** Slopes by parameter name of a loss whose slopes along mu and log sigma are given. [B, m, c] each */
  backward(parameters: Parameters, gradMu: Float32Array, gradLogSigma: Float32Array): Map<string, Float32Array>;
}

export function encoderPass(tf: Tf, config: PromptEncoderConfig, batch: EncoderBatch): EncoderPass {
  const ops = tfjsOps(tf);
  const tensor = ({ data, shape }: FloatTensor): Tensor => tf.tensor(data, [...shape], 'float32');
  const factors = (part: 0 | 1): { channelFactors: Tensor } | undefined => {
    if (batch.channelFactors === undefined) return undefined;
    const { data, shape } = batch.channelFactors;
    const [, images, channels] = shape as [number, number, number];
    const size = images * channels;
    return { channelFactors: tensor({ data: data.subarray(part * size, (part + 1) * size), shape: [images, channels, 1] }) };
  };
  const encode = (weights: Weights<Tensor>): Distribution => {
    const { prototype, queries } = encodeReference(ops, weights, config, {
      mid: tensor(batch.referenceMid),
      mask: tensor(batch.referenceMask),
      ...factors(1),
    });
    const { mu, logSigma } = encodeTarget(ops, weights, config, {
      mid: tensor(batch.targetMid),
      pseudo: tensor(batch.pseudo),
      prototype,
      queries,
      ...factors(0),
    });
    return { mu, ...(logSigma && { logSigma }) };
  };
  return {
    forward(parameters) {
      const { mu, logSigma } = tf.tidy(() => encode(weightsFrom((name) => tensor(parameters.get(name) as FloatTensor))));
      const values = taken(mu);
      return { mu: values, logSigma: logSigma ? taken(logSigma) : new Float32Array(values.length) };
    },
    backward(parameters, gradMu, gradLogSigma) {
      const names = [...parameters.keys()];
      const slopes = tf.tidy(() => {
        const along = (x: Tensor, slope: Float32Array): Tensor => tf.sum(tf.mul(x, tf.tensor(slope, x.shape)));
        return tf.grads((...given: Tensor[]) => {
          const { mu, logSigma } = encode(weightsFrom((name) => given[names.indexOf(name)] as Tensor));
          const first = along(mu, gradMu);
          return logSigma ? tf.add(first, along(logSigma, gradLogSigma)) : first;
        })(names.map((name) => tensor(parameters.get(name) as FloatTensor)));
      });
      return new Map(names.map((name, i) => [name, taken(slopes[i] as Tensor)]));
    },
  };
}
