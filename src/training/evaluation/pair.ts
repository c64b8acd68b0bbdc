/** One reference-target pair as every contestant sees it: images, annotation, truth and ignored pixels on one grid of pixels. */
import { readFile } from 'node:fs/promises';
import { createByteCache } from '../../core/common/byte-cache.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { decodeImage } from '../../core/image/node/decode.ts';
import { pillowResize } from '../../core/image/pillow-resize.ts';
import { longestSideSize, type Size } from '../../core/image/preprocess.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { resizeNearest } from '../../core/mask/resize-map.ts';
import { uniformInt } from '../../core/common/random.ts';
import type { EngineInfo, ImageInput } from '../../core/engine/types.ts';
import { annotateForTraining } from '../batches/simulate-annotation.ts';
import { randomFor } from '../step/seeds.ts';
import { classMask, ignoredPixels } from '../batches/label-square.ts';
import { ANNOTATION_MODES, type AnnotationMode, type Dataset, type DatasetImage, type Episode, type LabelMap } from '../types.ts';

/** The size images are compared at: that of a network's input without its padding, or undefined for each image's own. */
export type Frame = EngineInfo['input'] | undefined;

export interface Pair {
  episode: Episode;
  reference: ImageInput;
  target: ImageInput;
  /** The object in the reference. */
  referenceMask: BinaryMask;
  /** Annotated mask of the reference, and the kind of annotation. */
  annotation: { mask: BinaryMask; mode: Exclude<AnnotationMode, 'mixed'> };
  /** The object in the target, at the size that is compared. */
  truth: BinaryMask;
  /** Size of the target as it is predicted. */
  targetSize: { width: number; height: number };
  /** Per pixel of the truth. Non-zero: counts neither as object nor as background. */
  ignore: Uint8Array;
}

export interface PairMakerOptions {
  dataset: Pick<Dataset, 'labels' | 'reading' | 'onNotice'>;
  frame: Frame;
  /** Side of the square on which masks are compared. @default the frame's */
  compareAt?: number | undefined;
  annotation: AnnotationMode;
  seed: number;
}

interface Sized {
  image: ImageInput;
  labels: LabelMap;
  /** On the square on which masks are compared. */
  compared: LabelMap;
}

/** Pixels of images kept: a reference often serves several targets. */
const MAX_BYTES = 128 * 2 ** 20;
const DRAWN_MODES = ANNOTATION_MODES.filter((mode) => mode !== 'mixed');

/** index: number of the episode within its fold; the annotation depends on it and the seed alone. */
export type MakePair = (episode: Episode, index: number) => Promise<Pair>;

/** @throws DATASET_INVALID, IMAGE_*, FILE_NOT_FOUND (from the returned function) */
export function createPairMaker({ dataset, frame, compareAt, annotation, seed }: PairMakerOptions): MakePair {
  const cache = createByteCache<Sized>({
    maxBytes: MAX_BYTES,
    sizeOf: ({ image, labels }) => labels.data.byteLength * (typeof image === 'string' ? 1 : 4),
  });
  const sized = (image: DatasetImage): Promise<Sized> =>
    cache.get(image.key, async () => {
      const labels = await dataset.labels(image);
      return frame === undefined
        ? { image: image.file, labels, compared: labels }
        : onFrame(image, labels, { ...frame, dataset }, compareAt ?? frame.side);
    });

  return async (episode, index) => {
    const [reference, target] = await Promise.all([sized(episode.reference), sized(episode.target)]);
    const referenceMask = classMask(reference.labels, episode.classId);
    const random = randomFor(seed, 'annotations', index);
    const mode =
      annotation === 'mixed' ? (DRAWN_MODES[uniformInt(random, 0, DRAWN_MODES.length - 1)] as Pair['annotation']['mode']) : annotation;
    return {
      episode,
      reference: reference.image,
      target: target.image,
      referenceMask,
      annotation: { mask: annotateForTraining(referenceMask, mode, random, 'evaluation'), mode },
      truth: classMask(target.compared, episode.classId),
      targetSize: { width: target.labels.width, height: target.labels.height },
      ignore: ignoredPixels(target.compared),
    };
  };
}

/** Pillow's antialiased bilinear for the image and nearest for the labels, as the paper's code prepares both. */
async function onFrame(
  image: DatasetImage,
  labels: LabelMap,
  { side, resize, dataset }: NonNullable<Frame> & { dataset: Pick<Dataset, 'reading' | 'onNotice'> },
  compareAt: number,
): Promise<Sized> {
  const raster = await decodeImage(await readImage(image), image.file, dataset.reading);
  raster.notices?.forEach((notice) => dataset.onNotice?.(notice, image.file));
  if (raster.width !== labels.width || raster.height !== labels.height) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${image.file}: expected labels of its size, ${raster.width} x ${raster.height}, got ${labels.width} x ${labels.height}. Correct the label file.`,
    );
  }
  const fit = (to: number): Size =>
    resize === 'longest-side' ? longestSideSize(raster.width, raster.height, to) : { width: to, height: to };
  const labelsAt = (size: Size): LabelMap => ({ data: resizeNearest(labels.data, labels, size), ...size });
  const size = fit(side);
  const { data } = pillowResize(raster, size.width, size.height);
  const onSquare = labelsAt(size);
  return { image: { data, ...size, channels: 3 }, labels: onSquare, compared: compareAt === side ? onSquare : labelsAt(fit(compareAt)) };
}

async function readImage({ file }: DatasetImage): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw new ProsamError('FILE_NOT_FOUND', `expected the image ${file}, but it cannot be read. Check the data folder.`, { cause });
  });
}
