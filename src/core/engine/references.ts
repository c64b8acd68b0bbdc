/** Images and references made ready for the methods, each computed once and shared by whoever asks. */
import { createByteCache, type ByteCache } from '../common/byte-cache.ts';
import { tensorBytes, type EncodedImages, type ImageFeatures, type ImageMaps } from './image-features.ts';
import { ProsamError } from '../common/errors.ts';
import { mirrorRows } from '../image/mirror.ts';
import { geometryOf, type Geometry, type PreprocessConfig } from '../image/preprocess.ts';
import { isSparse, maskFromAnnotation, sameSize, type Annotation, type DrawnAnnotation } from '../mask/annotation.ts';
import { reduceLabels, type BinaryMask, type Grid, type LabelReduction } from '../mask/label-reduction.ts';
import type { ImageSource } from './ports.ts';
import type { ImageInput, Reference } from './types.ts';

/** One reference, its mark reduced to the cells of the feature grid. */
export interface PreparedReference {
  /** Stands for image, mark and reduction. */
  key: string;
  features: ImageMaps;
  /** At the image's own size. */
  mask: BinaryMask;
  /** 0/1 per cell. */
  cells: Float32Array;
}

export interface FeatureStore {
  readonly geometry: Geometry;
  /** onComputed: called where no cache had them. */
  image(input: ImageInput, onComputed?: () => void): Promise<ImageFeatures>;
  /** trainedReduction: what the prompt encoder in use was trained with. */
  reference(
    reference: Reference,
    options: { labelReduction?: LabelReduction; grow?: boolean; trainedReduction?: LabelReduction },
  ): Promise<PreparedReference>;
  /** The same mark on the mirrored, darkened image: something new to predict when there is only one reference. */
  mirrored(reference: PreparedReference, input: ImageInput): Promise<{ features: ImageFeatures; mask: BinaryMask }>;
  gridOf(features: ImageMaps): Grid;
  /** Forgets everything in memory; resolves when the slow cache has been written. */
  close(): Promise<void>;
}

export interface FeatureStoreParts {
  images: EncodedImages;
  source: ImageSource;
  preprocess: PreprocessConfig;
  /** What a mark is reduced with when nothing else is asked for. */
  labelReduction: LabelReduction;
  /** Bytes of references kept in memory, beside what `images` keeps. */
  maxBytes: number;
  /** Turns a mark into an object mask with SAM. */
  grow(features: ImageFeatures, annotation: DrawnAnnotation): Promise<BinaryMask>;
}

const MIRROR_GAIN = 0.85;
const MIRROR_OFFSET = 10;

export function createFeatureStore(parts: FeatureStoreParts): FeatureStore {
  const { images, source, preprocess } = parts;
  const geometry = geometryOf(preprocess);
  const references: ByteCache<PreparedReference> = createByteCache({
    maxBytes: parts.maxBytes,
    // A kept reference keeps its maps alive, also when the image cache has dropped them.
    sizeOf: ({ mask, features: { mid, high, state } }) => mask.data.byteLength + tensorBytes([mid, high, ...(state ? [state] : [])]),
  });

  const drawn = async (annotation: Annotation): Promise<DrawnAnnotation> => {
    if (!('file' in annotation)) return annotation;
    const { data, width, height } = await source.loadGrey(annotation.file);
    const marked = data.map((value) => (value > 127 ? 1 : 0));
    return { kind: annotation.kind === 'mask-file' ? 'mask' : 'scribble-mask', mask: { data: marked, width, height } };
  };

  return {
    geometry,
    gridOf: (features) => gridOf(geometry, features),
    image: async (input, onComputed) => images.features(await source.load(input), onComputed),
    async reference(reference, options) {
      const loaded = await source.load(reference.image);
      const annotation = await drawn(reference.annotation);
      const grow = options.grow ?? annotation.kind === 'points';
      const reduction =
        options.labelReduction ?? (isSparse(annotation) && !grow ? { kind: 'any' } : (options.trainedReduction ?? parts.labelReduction));
      const key = await fingerprint(`${loaded.key} ${grow} ${JSON.stringify(reduction)}`, annotation);
      return references.get(key, async () => {
        // Only a mark that is to grow is decoded on its own image: SAM need not see the others.
        const seen = grow ? await images.features(loaded) : undefined;
        const features = seen ?? (await images.maps(loaded));
        const marked = maskFromAnnotation(annotation, features.width, features.height);
        const mask = seen ? await parts.grow(seen, annotation) : marked;
        const cells = reduceLabels(sameSize(mask, features.width, features.height), gridOf(geometry, features), reduction);
        if (reduction.kind !== 'nearest' && cells.every((cell) => cell === 0)) {
          throw new ProsamError('MASK_EMPTY', 'the mark reaches no cell of the feature grid. Mark more of the object.');
        }
        return { key, features, mask, cells };
      });
    },
    async mirrored(reference, input) {
      const loaded = await source.load(input);
      const features = await images.features({
        key: `${loaded.key}-mirrored`,
        decode: async () => {
          const raster = await loaded.decode();
          const data = mirrorRows(raster.data, raster.width, 3).map((value) =>
            Math.min(255, Math.round(value * MIRROR_GAIN + MIRROR_OFFSET)),
          );
          return { ...raster, data };
        },
      });
      const { width, height } = reference.mask;
      return { features, mask: { data: mirrorRows(reference.mask.data, width, 1), width, height } };
    },
    async close() {
      references.clear();
      await images.close();
    },
  };
}

/** The cells of an image's maps, and the pixels of the image that they span. */
export function gridOf(geometry: Geometry, { mid, width, height }: Pick<ImageMaps, 'mid' | 'width' | 'height'>): Grid {
  const [, , rows, columns] = mid.shape as [number, number, number, number];
  return { columns, rows, ...geometry.gridSpan(width, height) };
}

/** sha256 over a text and an annotation, pixels included. */
async function fingerprint(text: string, annotation: DrawnAnnotation): Promise<string> {
  const pixels: Uint8Array[] = [];
  const json = JSON.stringify(annotation, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    pixels.push(value);
    return `pixels ${value.length}`;
  });
  const head = new TextEncoder().encode(`${text} ${json}`);
  const bytes = new Uint8Array(pixels.reduce((sum, part) => sum + part.length, head.length));
  bytes.set(head);
  let at = head.length;
  for (const part of pixels) {
    bytes.set(part, at);
    at += part.length;
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
