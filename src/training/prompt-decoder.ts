/** SAM's frozen mask decoder under the training loss: prompt sets in, loss and its slope along the prompts out. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { FloatTensor } from '../core/checkpoint/weight-file.ts';
import type { SamConfig } from '../core/model/config.ts';
import { weightsFrom } from '../core/model/ops.ts';
import { samMaskDecoder } from '../core/model/sam-mask-decoder.ts';
import { maskLoss } from './mask-loss.ts';
import { tfjsOps, type Tf } from './tfjs-ops.ts';

type Tensor = tfjs.Tensor;

export interface DecodedLoss {
  /** Per prompt set. [R] */
  bce: Float32Array;
  dice: Float32Array;
  /** Slope of the mean over the R sets of BCE + Dice. [R, m, c] */
  gradient: Float32Array;
}

/** One target image with its true mask, kept on the device until disposed of. */
export interface DecoderTarget {
  /** prompts [R, m, c] */
  lossAndGradient(prompts: FloatTensor): DecodedLoss;
  /** Logits at the size of the truth. prompts [R, m, c] -> [R, S, S] */
  logits(prompts: FloatTensor): Float32Array;
  /** Loss of each set, without the slope. prompts [R, m, c] -> [R] each */
  loss(prompts: FloatTensor): { bce: Float32Array; dice: Float32Array };
  dispose(): void;
}

export interface PromptDecoder {
  /** embedding [1, c, g, g], truth [S, S] of 0 and 1 */
  target(embedding: FloatTensor, truth: FloatTensor): DecoderTarget;
  dispose(): void;
}

/** samWeights: SAM's tensors by name; what the decoder asks for is put on the device once. */
export function createPromptDecoder(tf: Tf, samWeights: (name: string) => FloatTensor, config: SamConfig): PromptDecoder {
  const kept = new Map<string, Tensor>();
  const upload = ({ data, shape }: FloatTensor): Tensor => tf.keep(tf.tensor(data, [...shape], 'float32'));
  const weights = weightsFrom((name) => {
    const tensor = kept.get(name) ?? upload(samWeights(name));
    kept.set(name, tensor);
    return tensor;
  });
  return {
    target(embedding, truth) {
      const image = upload(embedding);
      const [height, width] = truth.shape as [number, number];
      const mask = upload({ data: truth.data, shape: [1, height * width] });
      /** [R, S * S] */
      const decode = (prompts: Tensor): Tensor => {
        const ops = tfjsOps(tf);
        const { logits } = samMaskDecoder(ops, weights, config, { embedding: image, prompts }, 'single');
        return tf.reshape(ops.resizeAligned(logits, height, width), [-1, height * width]);
      };
      const values = (tensor: Tensor): Float32Array => tensor.dataSync() as Float32Array;
      const sets = ({ data, shape }: FloatTensor): Tensor => tf.tensor(data, [...shape], 'float32');
      return {
        lossAndGradient: (prompts) =>
          tf.tidy(() => {
            let parts: { bce: Tensor; dice: Tensor } | undefined;
            const gradient = tf.grad((z) => {
              const { total, bce, dice } = maskLoss(tf, decode(z), mask);
              parts = { bce: tf.keep(bce), dice: tf.keep(dice) };
              return total;
            })(sets(prompts));
            const { bce, dice } = parts as unknown as { bce: Tensor; dice: Tensor };
            const result = { bce: values(bce), dice: values(dice), gradient: values(gradient) };
            tf.dispose([bce, dice]);
            return result;
          }),
        logits: (prompts) => tf.tidy(() => values(decode(sets(prompts)))),
        loss: (prompts) =>
          tf.tidy(() => {
            const { bce, dice } = maskLoss(tf, decode(sets(prompts)), mask);
            return { bce: values(bce), dice: values(dice) };
          }),
        dispose: () => tf.dispose([image, mask]),
      };
    },
    dispose() {
      tf.dispose([...kept.values()]);
      kept.clear();
    },
  };
}
