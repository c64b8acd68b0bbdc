/**
 * Pairs on which a prompt encoder is held to its starting answers (learning without forgetting: Li and Hoiem, 2016). They need no data but
 * those of the run: the concept is whatever SAM's part sees at a random point of one image, the target another image.
 */
import { reduceLabels, type LabelReduction } from '../../core/mask/label-reduction.ts';
import { uniformInt, type Random } from '../../core/common/random.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import type { Networks } from '../../core/onnx/networks.ts';
import type { PromptDistribution } from '../../core/onnx/prompt-encoder-networks.ts';
import type { Tensor } from '../../core/onnx/session.ts';
import type { EncoderBatch } from '../step/encoder-gradients.ts';
import type { Answers } from '../step/keep-loss.ts';
import type { DatasetImage } from '../types.ts';
import type { FrozenFeatures } from './frozen-features.ts';
import type { GrownMarks } from './grown-marks.ts';
import { joinedFloats } from '../../core/common/joined.ts';

export interface RehearsedPair {
  /** [1, C, h, w] */
  referenceMid: Tensor;
  targetMid: Tensor;
  /** Marked cells. [h * w] */
  cells: Float32Array;
  /** [1, 1, h, w] */
  pseudo: Tensor;
  /** Answers of the starting encoder. */
  start: PromptDistribution;
}

export interface RehearsalOptions {
  networks: Networks;
  features: FrozenFeatures;
  marks: GrownMarks;
  config: PromptEncoderConfig;
  labelReduction: LabelReduction;
  /** Weights the run starts from. */
  start: ReadonlyMap<string, FloatTensor>;
}

/** images: to draw from, at least one */
export type Rehearse = (images: readonly DatasetImage[], random: Random) => Promise<RehearsedPair>;

export function createRehearsal({ networks, features, marks, config, labelReduction, start }: RehearsalOptions): Rehearse {
  const encoder = networks.promptEncoder(config, start);
  return async (images, random) => {
    const image = (): DatasetImage => images[uniformInt(random, 0, images.length - 1)] as DatasetImage;
    const reference = await features.image(image().file);
    const target = await features.image(image().file);
    const cells = reduceLabels(await marks.objectAnywhere(reference, random), features.gridOf(reference), labelReduction);
    const pseudo = await features.pseudo(await features.masked(reference, cells, false), cells, target);
    const code = await encoder.encodeReference(reference.mid, cells);
    const answers = await encoder.promptDistribution(target.mid, pseudo, code);
    return { referenceMid: reference.mid, targetMid: target.mid, cells, pseudo, start: answers };
  };
}

/** Several pairs as one batch of the prompt encoder. Nothing is dropped out: what is compared is what predicts. */
export function rehearsedBatch(pairs: readonly RehearsedPair[]): EncoderBatch {
  const stacked = (tensors: readonly Tensor[]): FloatTensor => ({
    data: joinedFloats(tensors.map(({ data }) => data)),
    shape: [tensors.length, ...(tensors[0] as Tensor).shape.slice(1)],
  });
  const pseudo = stacked(pairs.map((pair) => pair.pseudo));
  return {
    referenceMid: stacked(pairs.map(({ referenceMid }) => referenceMid)),
    targetMid: stacked(pairs.map(({ targetMid }) => targetMid)),
    referenceMask: { data: joinedFloats(pairs.map(({ cells }) => cells)), shape: pseudo.shape },
    pseudo,
  };
}

/** The starting encoder's answers, in the order of the batch. */
export function rehearsedAnswers(pairs: readonly RehearsedPair[]): Answers {
  const coarse = pairs.flatMap(({ start }) => (start.coarse ? [start.coarse.data] : []));
  return { mu: joinedFloats(pairs.map(({ start }) => start.mu.data)), ...(coarse.length > 0 && { coarse: joinedFloats(coarse) }) };
}
