/** From an episode to the frozen inputs of one reference-target pair, and from several pairs to a batch. */
import { createByteCache } from '../../core/common/byte-cache.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { ImageFeatures } from '../../core/engine/image-features.ts';
import type { SamResize } from '../../core/image/preprocess.ts';
import { reduceLabels, type LabelReduction } from '../../core/mask/label-reduction.ts';
import type { Random } from '../../core/common/random.ts';
import type { Tensor } from '../../core/onnx/session.ts';
import { annotateForTraining } from './simulate-annotation.ts';
import { both, drawAugmentation, drawCrop, type Augmentation, type DrawnAugmentation } from './augment.ts';
import type { FrozenFeatures } from './frozen-features.ts';
import type { GrownMarks } from './grown-marks.ts';
import { joinedFloats } from '../../core/common/joined.ts';
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
  /** Share of training references that are marked by boxes, points or scribbles instead of masks. */
  marks?: { share: number; grown: GrownMarks };
}

/** phase: how annotations are drawn, and whether images may be altered. */
export type PairMaker = (episode: Episode, random: Random, phase: 'training' | 'evaluation') => Promise<PreparedPair>;

const LABEL_BYTES = 256 * 2 ** 20;
/** Share of the square below which a crop does not show its class any more, and the whole image is taken. */
const MIN_SHOWN = 0.005;

export function createPairMaker(options: PairMakerOptions): PairMaker {
  const { dataset, features, annotation, marks } = options;
  const kept = createByteCache<LabelMap>({ maxBytes: LABEL_BYTES, sizeOf: ({ data }) => data.byteLength });
  const labelsOf = (image: DatasetImage, altered?: DrawnAugmentation): Promise<LabelMap> =>
    kept.get(`${altered?.variant.name ?? ''} ${image.key}`, async () => {
      const labels = await dataset.labels(image);
      return labelsOnSquare(altered?.labels(labels) ?? labels, features.square, options.resize);
    });

  interface Seen {
    labels: LabelMap;
    features: ImageFeatures;
  }
  /** pair: the alteration that both images of a pair share. */
  const seen = async ({ image, classId, pair, own }: Looked): Promise<Seen> => {
    const crop = both(pair, own);
    const whole = await labelsOf(image, pair);
    const labels = own ? await labelsOf(image, crop) : whole;
    const shown = (map: LabelMap): number => countOf(map, classId);
    const isLost = own !== undefined && shown(whole) > 0 && shown(labels) < MIN_SHOWN * labels.data.length;
    const used = isLost ? pair : crop;
    return { labels: isLost ? whole : labels, features: await features.image(image.file, used?.variant) };
  };

  return async (episode, random, phase) => {
    const { augmentation } = options;
    const { classId } = episode;
    const training = phase === 'training';
    const pair = training ? drawAugmentation(augmentation, random) : undefined;
    const ownOf = ({ key }: DatasetImage): DrawnAugmentation | undefined => (training ? drawCrop(augmentation, key, random) : undefined);
    const [referenceOwn, targetOwn] = [ownOf(episode.reference), ownOf(episode.target)];
    const { labels: referenceLabels, features: reference } = await seen({ image: episode.reference, classId, pair, own: referenceOwn });
    const { labels: targetLabels, features: target } = await seen({ image: episode.target, classId, pair, own: targetOwn });

    const object = classMask(referenceLabels, classId);
    const isMarked = training && marks !== undefined && random() < marks.share && object.data.includes(1);
    const { mask: marked, reduction } = isMarked
      ? await marks.grown.marked(reference, object, random)
      : { mask: annotateForTraining(object, annotation, random, phase), reduction: options.labelReduction };
    const cells = reduceLabels(marked, features.gridOf(reference), reduction);
    // Points and strokes never fall alike twice; masks and boxes do.
    const high = await features.masked(reference, cells, !isMarked && (annotation === 'mask' || annotation === 'box'));
    const pseudo = await features.pseudo(high, cells, target);
    const truth = classMask(targetLabels, classId).data;
    return { episode, reference, target, annotation: marked.data, cells, pseudo, truth, ignored: ignoredPixels(targetLabels) };
  };
}

interface Looked {
  image: DatasetImage;
  classId: number;
  pair: DrawnAugmentation | undefined;
  own: DrawnAugmentation | undefined;
}

function countOf({ data }: LabelMap, classId: number): number {
  return data.reduce((count, label) => count + (label === classId ? 1 : 0), 0);
}

/** Pairs as one batch. Ignored pixels count as background in the loss, as in the public code. */
export function batchOf(pairs: readonly PreparedPair[], square: number, channelFactors: FloatTensor | undefined): TrainingBatch {
  const [first] = pairs as [PreparedPair];
  const [, , rows, columns] = first.reference.mid.shape as [number, number, number, number];
  const cells = [pairs.length, 1, rows, columns];
  const stacked = (tensors: readonly Tensor[]): FloatTensor => {
    const [{ shape }] = tensors as [Tensor];
    return { data: joinedFloats(tensors.map(({ data }) => data)), shape: [tensors.length, ...shape.slice(1)] };
  };
  /** SAM 2's finer maps, which all targets have or none. */
  const finer = <K extends 'highRes0' | 'highRes1'>(name: K): { [Name in K]?: FloatTensor } => {
    const maps = pairs.flatMap(({ target: { [name]: map } }) => (map ? [map] : []));
    return maps.length === 0 ? {} : ({ [name]: stacked(maps) } as { [Name in K]: FloatTensor });
  };
  return {
    referenceMid: stacked(pairs.map(({ reference }) => reference.mid)),
    targetMid: stacked(pairs.map(({ target }) => target.mid)),
    referenceMask: { data: joinedFloats(pairs.map((pair) => pair.cells)), shape: cells },
    pseudo: { data: joinedFloats(pairs.map(({ pseudo }) => pseudo.data)), shape: cells },
    image: {
      embedding: stacked(pairs.map(({ target }) => target.embedding)),
      ...finer('highRes0'),
      ...finer('highRes1'),
    },
    truth: { data: joinedFloats(pairs.map(({ truth }) => truth)), shape: [pairs.length, square, square] },
    ...(channelFactors && { channelFactors }),
  };
}
