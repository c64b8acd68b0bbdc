/** From an episode to the frozen inputs of one reference-target pair, and from several pairs to a batch. */
import { createByteCache } from '../../core/common/byte-cache.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { ImageFeatures } from '../../core/engine/image-features.ts';
import type { SamResize } from '../../core/image/preprocess.ts';
import { reduceLabels, type LabelReduction } from '../../core/mask/label-reduction.ts';
import type { Random } from '../../core/common/random.ts';
import type { Tensor } from '../../core/onnx/session.ts';
import { annotateForTraining } from './simulate-annotation.ts';
import { drawAugmentation, type Augmentation } from './augment.ts';
import type { FrozenFeatures } from './frozen-features.ts';
import { classMask, ignoredPixels, labelsOnSquare } from './label-square.ts';
import type { TrainingBatch } from '../step/training-step.ts';
import type { AnnotationMode, Dataset, DatasetImage, Episode, LabelMap } from '../types.ts';

export interface PreparedPair {
  episode: Episode;
  reference: ImageFeatures;
  target: ImageFeatures;
  /** 0/1 on the square: what is marked in the reference. [S * S] */
  annotation: Uint8Array;
  /** Marked cells. [h * w] */
  cells: Float32Array;
  /** [1, 1, h, w] */
  pseudo: Tensor;
  /** 0/1 on the square. [S * S] */
  truth: Uint8Array;
  /** 1 on pixels that do not count. [S * S] */
  ignored: Uint8Array;
}

export interface PairMakerOptions {
  dataset: Pick<Dataset, 'labels'>;
  features: FrozenFeatures;
  resize: SamResize;
  annotation: AnnotationMode;
  labelReduction: LabelReduction;
  augmentation?: Augmentation;
}

/** phase: how annotations are drawn, and whether images may be altered. */
export type PairMaker = (episode: Episode, random: Random, phase: 'training' | 'evaluation') => Promise<PreparedPair>;

const LABEL_BYTES = 256 * 2 ** 20;

export function createPairMaker(options: PairMakerOptions): PairMaker {
  const { dataset, features, annotation } = options;
  const kept = createByteCache<LabelMap>({ maxBytes: LABEL_BYTES, sizeOf: ({ data }) => data.byteLength });
  const labelsOf = (image: DatasetImage): Promise<LabelMap> =>
    kept.get(image.key, async () => labelsOnSquare(await dataset.labels(image), features.square, options.resize));

  return async (episode, random, phase) => {
    const altered = phase === 'training' ? drawAugmentation(options.augmentation, random) : undefined;
    const seen = (labels: LabelMap): LabelMap => altered?.labels(labels) ?? labels;
    const [referenceLabels, targetLabels] = [seen(await labelsOf(episode.reference)), seen(await labelsOf(episode.target))];
    const reference = await features.image(episode.reference.file, altered?.variant);
    const target = await features.image(episode.target.file, altered?.variant);

    const marked = annotateForTraining(classMask(referenceLabels, episode.classId), annotation, random, phase);
    const cells = reduceLabels(marked, features.gridOf(reference), options.labelReduction);
    // Points and strokes never fall alike twice; masks and boxes do.
    const high = await features.masked(reference, cells, annotation === 'mask' || annotation === 'box');
    const pseudo = await features.pseudo(high, cells, target);
    const truth = classMask(targetLabels, episode.classId).data;
    return { episode, reference, target, annotation: marked.data, cells, pseudo, truth, ignored: ignoredPixels(targetLabels) };
  };
}

/** Pairs as one batch. Ignored pixels count as background in the loss, as in the public code. */
export function batchOf(pairs: readonly PreparedPair[], square: number, channelFactors: FloatTensor | undefined): TrainingBatch {
  const [first] = pairs as [PreparedPair];
  const [, , rows, columns] = first.reference.mid.shape as [number, number, number, number];
  const cells = [pairs.length, 1, rows, columns];
  const stacked = (tensors: readonly Tensor[]): FloatTensor => {
    const [{ shape }] = tensors as [Tensor];
    return { data: joined(tensors.map(({ data }) => data)), shape: [tensors.length, ...shape.slice(1)] };
  };
  /** SAM 2's finer maps, which all targets have or none. */
  const finer = <K extends 'highRes0' | 'highRes1'>(name: K): { [Name in K]?: FloatTensor } => {
    const maps = pairs.flatMap(({ target: { [name]: map } }) => (map ? [map] : []));
    return maps.length === 0 ? {} : ({ [name]: stacked(maps) } as { [Name in K]: FloatTensor });
  };
  return {
    referenceMid: stacked(pairs.map(({ reference }) => reference.mid)),
    targetMid: stacked(pairs.map(({ target }) => target.mid)),
    referenceMask: { data: joined(pairs.map((pair) => pair.cells)), shape: cells },
    pseudo: { data: joined(pairs.map(({ pseudo }) => pseudo.data)), shape: cells },
    image: {
      embedding: stacked(pairs.map(({ target }) => target.embedding)),
      ...finer('highRes0'),
      ...finer('highRes1'),
    },
    truth: { data: joined(pairs.map(({ truth }) => truth)), shape: [pairs.length, square, square] },
    ...(channelFactors && { channelFactors }),
  };
}

function joined(parts: readonly ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
