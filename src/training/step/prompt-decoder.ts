/** SAM's frozen mask decoder under the training loss: prompt sets in, loss and its gradient along the prompts out. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { PixelConvention } from '../../core/mask/resize-map.ts';
import { MASK_PROMPT_LIMIT } from '../../core/networks/coarse-mask.ts';
import { gridSize, type SamConfig } from '../../core/networks/config.ts';
import { weightsFrom } from '../../core/networks/ops.ts';
import { samMaskDecoder } from '../../core/networks/sam-mask-decoder.ts';
import { lowResSize, samMaskEmbedding } from '../../core/networks/sam-prompt-encoder.ts';
import type { SamFeatures } from '../../core/onnx/networks.ts';
import { maskLoss, type MaskLoss } from './mask-loss.ts';
import { repeat } from '../tfjs/gradients.ts';
import { resizeBilinear } from '../tfjs/resize.ts';
import { tfjsOps, type Tf } from '../tfjs/tfjs-ops.ts';

type Tensor = tfjs.Tensor;

export interface DecodedLoss {
  /** Per prompt set. [R] */
  bce: Float32Array;
  dice: Float32Array;
}

/**
 * n target images with their true masks, kept on the device until disposed of. Prompt sets come as [R, m, c] with R a
 * multiple of n, image after image: R / n sets each.
 */
export interface DecoderTargets {
  loss(prompts: FloatTensor): DecodedLoss;
  /** Also the gradient of the mean over the R sets of BCE + Dice, along the prompts [R, m, c] and along the coarse masks [n, 1, h, w]. */
  lossAndGradient(prompts: FloatTensor): DecodedLoss & { gradient: Float32Array; coarseGradient?: Float32Array };
  /** Logits at the size of the truth. [R, S, S] */
  logits(prompts: FloatTensor): Float32Array;
  dispose(): void;
}

export interface PromptDecoder {
  /** Much of its work is of the image alone (a fuser): images go one at a time. */
  sharesImages: boolean;
  /**
   * images: SAM's view of n images, embedding [n, c, g, g] and SAM 2's finer maps [n, ...]; truth [n, S, S] of 0 and 1; coarse: logits
   * that go as mask prompts with all prompts of their image [n, 1, h, w]
   */
  targets(images: SamFeatures, truth: FloatTensor, coarse?: FloatTensor): DecoderTargets;
  dispose(): void;
}

/**
 * samWeights: SAM's tensors by name; what the decoder asks for is put on the device once. convention: of the way from logits to the
 * square on which they meet the truth, as the engine goes it (`Geometry.toSquare`).
 */
export function createPromptDecoder(
  tf: Tf,
  samWeights: (name: string) => FloatTensor,
  config: SamConfig,
  convention: PixelConvention = 'aligned',
): PromptDecoder {
  const kept = new Map<string, Tensor>();
  const upload = ({ data, shape }: FloatTensor): Tensor => tf.keep(tf.tensor(data, [...shape], 'float32'));
  const weights = weightsFrom((name) => {
    const tensor = kept.get(name) ?? upload(samWeights(name));
    kept.set(name, tensor);
    return tensor;
  });
  return {
    sharesImages: config.sam2?.fuser !== undefined,
    targets({ embedding, highRes0, highRes1 }, truth, coarse) {
      const images = { embedding: upload(embedding), finer: [highRes0, highRes1].flatMap((map) => (map ? [upload(map)] : [])) };
      const [count, height, width] = truth.shape as [number, number, number];
      const masks = upload({ data: truth.data, shape: [count, height * width] });
      /** One row of x per image -> one per prompt set; a single image stays single and broadcasts. */
      const perSet = (x: Tensor, sets: number): Tensor => {
        if (count === 1 || sets === count) return x;
        const [, ...rest] = x.shape;
        const size = x.size / count;
        return tf.reshape(repeat(tf, tf.reshape(x, [count, 1, size]), [count, sets / count, size]), [sets, ...rest]);
      };
      /** Mask prompts of coarse masks, as the engine makes them. [n, 1, h, w] -> [n, c, g, g] */
      const denseOf = (logits: Tensor): Tensor => {
        const ops = tfjsOps(tf, { frozenWeights: true });
        const side = lowResSize(config);
        const limited = ops.clip(logits, -MASK_PROMPT_LIMIT, MASK_PROMPT_LIMIT);
        return samMaskEmbedding(ops, weights, config, resizeBilinear(tf, limited, side, side, 'half-pixel'));
      };
      /** [R, S * S] */
      const decode = (prompts: Tensor, given: Tensor | undefined): Tensor => {
        const ops = tfjsOps(tf, { frozenWeights: true });
        const sets = prompts.shape[0];
        const [fine, coarser] = images.finer.map((map) => perSet(map, sets));
        const highRes = fine && coarser && { highRes: { highRes0: fine, highRes1: coarser } };
        const dense = given && { dense: perSet(denseOf(given), sets) };
        const inputs = { embedding: perSet(images.embedding, sets), prompts, ...highRes, ...dense };
        const { logits } = samMaskDecoder(ops, weights, config, inputs, 'single');
        return tf.reshape(resizeBilinear(tf, logits, height, width, convention), [-1, height * width]);
      };
      const lossOf = (prompts: Tensor, given: Tensor | undefined): MaskLoss =>
        maskLoss(tf, decode(prompts, given), perSet(masks, prompts.shape[0]));
      const sets = ({ data, shape }: FloatTensor): Tensor => tf.tensor(data, [...shape], 'float32');
      return {
        loss(prompts) {
          const { bce, dice } = tf.tidy(() => {
            const found = lossOf(sets(prompts), coarse && sets(coarse));
            return { bce: found.bce, dice: found.dice };
          });
          return { bce: taken(bce), dice: taken(dice) };
        },
        lossAndGradient(prompts) {
          let parts: MaskLoss | undefined;
          const [gradient, coarseGradient] = tf.tidy(() =>
            tf.grads((...[z, given]: Tensor[]) => {
              parts = lossOf(z as Tensor, given);
              tf.keep(parts.bce);
              tf.keep(parts.dice);
              return parts.total;
            })([sets(prompts), ...(coarse ? [sets(coarse)] : [])]),
          ) as [Tensor, Tensor | undefined];
          const { bce, dice } = parts as unknown as MaskLoss;
          const along = coarseGradient && { coarseGradient: taken(coarseGradient) };
          return { bce: taken(bce), dice: taken(dice), gradient: taken(gradient), ...along };
        },
        logits: (prompts) => taken(tf.tidy(() => decode(sets(prompts), coarse && sets(coarse)))),
        dispose: () => tf.dispose([images.embedding, ...images.finer, masks]),
      };
    },
    dispose() {
      tf.dispose([...kept.values()]);
      kept.clear();
    },
  };
}

/** A tensor's values; the tensor is disposed of. (A value returned from `tf.tidy` is searched for tensors, number by number.) */
export function taken(tensor: Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

/**
 * Prompt sets decoded at once on a SAM of this size: two at SAM's own, which keeps a step below 2 GB. SAM 2's finer maps add 12.6 MB an
 * image and as much a set, some 60 MB at the peak (measured at full size on tfjs-node, two sets): the same number fits.
 */
export function chunkFor(config: SamConfig): number {
  return Math.max(1, Math.floor((2 * 64 ** 2 * 256) / (gridSize(config) ** 2 * config.outChans)));
}
