/** References made ready for the methods, each computed once and shared by all who ask for it. */
import { sha256Hex } from '../common/sha256.ts';
import { createByteCache, type ByteCache } from '../common/byte-cache.ts';
import { tensorBytes, type EncodedImages, type ImageFeatures, type ImageMaps } from './image-features.ts';
import { ProsamError } from '../common/errors.ts';
import type { Notice } from '../common/notice.ts';
import { gridOf, type Geometry } from '../image/geometry.ts';
import { joinedReading, type ImageReading } from '../image/values/reading.ts';
import type { Alteration } from '../image/alterations.ts';
import type { Raster } from '../image/pillow-resize.ts';
import { mirrorRows } from '../image/pixels.ts';
import { parseAnnotation, type DrawnAnnotation } from '../mask/annotation.ts';
import { coordinateNotices } from '../mask/coordinates.ts';
import { sameSize } from '../mask/draw-annotation.ts';
import { fullMaskNotices } from '../mask/full-mask.ts';
import { reduceLabels, type BinaryMask, type LabelReduction } from '../mask/label-reduction.ts';
import type { SamPrompt } from './methods/sam-prompts.ts';
import type { ImageSource, LoadedImage } from './ports.ts';
import { drawnAnnotation, labelReductionOf, resolveMask, treatmentOf, type AnnotationUse } from './resolve-annotation.ts';
import type { ImageInput, Reference } from './types.ts';

/** One reference, its annotation reduced to the cells of the feature grid. */
export interface PreparedReference {
  /** Stands for image, annotation and reduction. */
  key: string;
  features: ImageMaps;
  /** At the image's own size. */
  mask: BinaryMask;
  /** Facts about the annotation that a caller should know; those about the image are in `features`. */
  notices?: readonly Notice[];
  /** 0/1 per cell. */
  cells: Float32Array;
  /** SAM's view of the image, for the methods that compare embeddings; computed when asked for. */
  sam(): Promise<ImageFeatures>;
}

interface ReferenceOptions extends ImageReading {
  /** @default 'predict' */
  use?: AnnotationUse;
  labelReduction?: LabelReduction;
  grow?: boolean;
  /** Reduction that the prompt encoder in use was trained with. */
  trainedReduction?: LabelReduction;
}

/** A reference's image and the object's pixels, for those who need no features. */
export interface DrawnReference {
  /** Stands for image and annotation. */
  key: string;
  image: LoadedImage;
  /** Facts about the annotation that a caller should know. */
  notices(size: { width: number; height: number }): readonly Notice[];
  /** At the image's own size. @throws MASK_*, ANNOTATION_* */
  mask(size: { width: number; height: number }): Promise<BinaryMask>;
}

/** Copies of a reference's image with its annotation, one for each alteration. */
export type AlteredCopies = (
  reference: Pick<PreparedReference, 'mask'> & { image: ImageInput; reading: ImageReading },
  alterations: readonly Alteration[],
) => Promise<{ maps: ImageMaps; mask: BinaryMask }[]>;

export interface ReferenceStore {
  /** Computes networks only for the mask of an annotation that SAM grows. */
  drawn(reference: Reference, options: Omit<ReferenceOptions, 'labelReduction' | 'trainedReduction'>): Promise<DrawnReference>;
  reference(reference: Reference, options: ReferenceOptions): Promise<PreparedReference>;
  /** The same annotation on the mirrored, darkened image: something new to predict when there is only one reference. */
  mirrored(reference: PreparedReference, input: ImageInput, reading: ImageReading): Promise<{ features: ImageFeatures; mask: BinaryMask }>;
  /** The same annotation on altered copies of the image, which is decoded once at most. */
  altered: AlteredCopies;
  /** Forgets everything. */
  clear(): void;
}

interface ReferenceStoreParts {
  images: EncodedImages;
  source: ImageSource;
  geometry: Geometry;
  /** Bytes of references kept in memory, beside what `images` keeps. */
  maxBytes: number;
  /** SAM's logits for prompts on an image, at the image's own size. */
  decode: (image: ImageFeatures, prompts: readonly SamPrompt[]) => Promise<Float32Array | undefined>;
}

const MIRROR_GAIN = 0.85;
const MIRROR_OFFSET = 10;

export function createReferenceStore({ images, source, geometry, maxBytes, decode }: ReferenceStoreParts): ReferenceStore {
  const references: ByteCache<Omit<PreparedReference, 'sam'>> = createByteCache({
    maxBytes,
    // A kept reference keeps its maps alive, also when the image cache has dropped them.
    sizeOf: ({ mask, features: { mid, high, state } }) => mask.data.byteLength + tensorBytes([mid, high, ...(state ? [state] : [])]),
  });

  return {
    async drawn(reference, { use = 'predict', grow, ...reading }) {
      const parsed = parseAnnotation(reference);
      const image = await source.load(reference.image, joinedReading(reference, reading));
      const annotation = await drawnAnnotation(parsed, (file, choice) => source.loadMask(file, choice));
      const { grown } = treatmentOf(annotation.kind, use, grow);
      return {
        key: await fingerprint(`${image.key} ${grown} drawn`, annotation),
        image,
        notices: (size) => coordinateNotices(annotation, size),
        async mask(size) {
          const seen = grown ? await images.features(image) : undefined;
          return resolveMask(annotation, size, seen && ((prompts) => decode(seen, prompts)));
        },
      };
    },
    async reference(reference, { use = 'predict', grow, labelReduction, trainedReduction, ...reading }) {
      const parsed = parseAnnotation(reference);
      const loaded = await source.load(reference.image, joinedReading(reference, reading));
      const annotation = await drawnAnnotation(parsed, (file, choice) => source.loadMask(file, choice));
      const treatment = treatmentOf(annotation.kind, use, grow);
      const reduction = labelReductionOf(treatment, { asked: labelReduction, trained: trainedReduction });
      const key = await fingerprint(`${loaded.key} ${treatment.grown} ${JSON.stringify(reduction)}`, annotation);
      const found = await references.get(key, async () => {
        // Only an annotation that is to grow is decoded on its own image: SAM need not see the others.
        const seen = treatment.grown ? await images.features(loaded) : undefined;
        // Of what SAM saw, which may be many times larger, nothing is needed afterwards.
        const features = seen ? mapsOf(seen) : await images.maps(loaded);
        const mask = await resolveMask(annotation, features, seen && ((prompts) => decode(seen, prompts)));
        const cells = reduceLabels(sameSize(mask, features.width, features.height), gridOf(geometry, features), reduction);
        if (reduction.kind !== 'nearest' && cells.every((cell) => cell === 0)) {
          throw new ProsamError('MASK_EMPTY', 'the annotation reaches no cell of the feature grid. Mark more of the object.');
        }
        const marked = mask.data.reduce((sum, value) => sum + value, 0);
        const notices = [...coordinateNotices(annotation, features), ...fullMaskNotices(marked, features)];
        return { key, features, mask, cells, notices };
      });
      return { ...found, sam: () => images.features(loaded) };
    },
    async mirrored(reference, input, reading) {
      const loaded = await source.load(input, reading);
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
    async altered({ image, reading, mask }, alterations) {
      const loaded = await source.load(image, reading);
      let whole: Promise<Raster> | undefined;
      const found: { maps: ImageMaps; mask: BinaryMask }[] = [];
      for (const { name, ofImage, ofMask } of alterations) {
        const decode = async (): Promise<Raster> => ofImage(await (whole ??= loaded.decode()));
        found.push({ maps: await images.maps({ key: `${loaded.key}-${name}`, decode }), mask: ofMask(mask) });
      }
      return found;
    },
    clear: () => references.clear(),
  };
}

/** The backbone's maps alone. */
function mapsOf({ key, width, height, notices, mid, high, state }: ImageFeatures): ImageMaps {
  return { key, width, height, ...(notices && { notices }), mid, high, ...(state && { state }) };
}

/** sha256 over a text and an annotation, pixels included. */
async function fingerprint(text: string, annotation: DrawnAnnotation): Promise<string> {
  const pixels: Uint8Array[] = [];
  const json = JSON.stringify(annotation, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    pixels.push(value);
    return `pixels ${value.length}`;
  });
  return sha256Hex(`${text} ${json}`, ...pixels);
}
