/** Agreement of two ways of computing one model: on features of images, and on the resulting masks. */
import { aboveZero } from '../mask/resize-map.ts';
import { coarsePrompt } from '../engine/methods/coarse-prompt.ts';
import type { SamMask } from '../engine/methods/stable-mask.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import type { Raster } from '../image/pillow-resize.ts';
import { geometryOf, gridOf, type Geometry } from '../image/geometry.ts';
import { reduceLabels, type BinaryMask } from '../mask/label-reduction.ts';
import { iou } from '../mask/metrics.ts';
import { maskExtent } from '../mask/raster.ts';
import { boxPrompts, decodeSamPrompts } from '../engine/methods/sam-prompts.ts';
import { preprocessOf, type BackboneFeatures, type Networks, type SamFeatures } from '../onnx/networks.ts';
import type { Tensor } from '../onnx/session.ts';

/** An image with something marked in it. */
export interface AnnotatedImage {
  image: Raster;
  /** At the image's own size, with at least one marked pixel. */
  mask: BinaryMask;
}

/** Over all values of one kind of feature, of all images. */
export interface Agreement {
  /** 1 = the same direction. */
  cosine: number;
  /** Largest difference. */
  maxAbs: number;
  /** The same as a share of the largest magnitude. */
  maxRelative: number;
  /** Root mean square of the differences as a share of that of the values. */
  rms: number;
}

export interface IouAgreement {
  mean: number;
  worst: number;
}

export interface ModelAgreement {
  /** SAM's embedding. */
  embedding: Agreement;
  /** The backbone's mid-level features. */
  mid: Agreement;
  high: Agreement;
  /** SAM 2's finer maps for the decoder, on strides 4 and 8. */
  highRes0?: Agreement;
  highRes1?: Agreement;
  /** IoU of the masks SAM draws for the box around what is marked. */
  maskIou: IouAgreement;
  /** IoU of the masks predicted in every image from the one before it in its sequence; absent without a prompt encoder. */
  predictionIou?: IouAgreement;
}

export const FEATURE_MAPS = ['embedding', 'mid', 'high', 'highRes0', 'highRes1'] as const;
type Features = SamFeatures & BackboneFeatures;

/**
 * Runs both on every image.
 *
 * @param model the model of both
 * @param reference what to compare with: fp32 on the CPU
 * @param sequences of one image or more; masks are predicted in every image from the one before it
 */
export async function measureAgreement(
  model: Model,
  reference: Networks,
  other: Networks,
  sequences: Iterable<readonly AnnotatedImage[]> | AsyncIterable<readonly AnnotatedImage[]>,
): Promise<ModelAgreement> {
  const geometry = geometryOf(preprocessOf(model));
  const maps = { embedding: comparison(), mid: comparison(), high: comparison(), highRes0: comparison(), highRes1: comparison() };
  const { sam2 } = model.manifest.sam.config;
  const boxes: number[] = [];
  const predictions: number[] = [];
  for await (const examples of sequences) {
    let before: { example: AnnotatedImage; features: readonly [Features, Features] } | undefined;
    for (const example of examples) {
      const features = [await reference.encode(example.image), await other.encode(example.image)] as const;
      for (const name of FEATURE_MAPS) {
        const [mine, theirs] = [features[0][name], features[1][name]];
        if (mine && theirs) maps[name].add(mine, theirs);
      }
      const drawn = [
        await boxMask(reference, geometry, features[0], example),
        await boxMask(other, geometry, features[1], example),
      ] as const;
      boxes.push(iou(...drawn));
      if (model.manifest.prompt_encoder && before) {
        const { example: marked, features: from } = before;
        const predicted = (networks: Networks, i: 0 | 1) => predictedMask(model, networks, geometry, marked, from[i], features[i]);
        predictions.push(iou(await predicted(reference, 0), await predicted(other, 1)));
      }
      before = { example, features };
    }
  }
  return {
    embedding: maps.embedding.result(),
    mid: maps.mid.result(),
    high: maps.high.result(),
    ...(sam2 && { highRes0: maps.highRes0.result(), highRes1: maps.highRes1.result() }),
    maskIou: summary(boxes),
    ...(predictions.length > 0 && { predictionIou: summary(predictions) }),
  };
}

function summary(ious: readonly number[]): IouAgreement {
  return { mean: ious.reduce((sum, value) => sum + value, 0) / ious.length, worst: Math.min(...ious) };
}

/** The mask for a box, which is the least ambiguous of SAM's prompts. [side * side] */
async function boxMask(networks: Networks, geometry: Geometry, features: Features, { image, mask }: AnnotatedImage): Promise<Uint8Array> {
  const { boxXyxy } = maskExtent(mask);
  if (boxXyxy === undefined) throw new Error('an image for comparing has nothing marked in it');
  const { width, height } = image;
  const { all } = await decodeSamPrompts(networks, geometry, { key: '', ...features, width, height }, boxPrompts(boxXyxy));
  return aboveZero((all[0] as SamMask).logits); // token 0: a rule that chooses among tokens would turn a small difference into a large one
}

/** Decoded from the mean prompt. [side * side] */
async function predictedMask(
  { manifest: { prompt_encoder: plan } }: Model,
  networks: Networks,
  geometry: Geometry,
  marked: AnnotatedImage,
  from: Features,
  target: Features,
): Promise<Uint8Array> {
  if (plan === undefined) throw new Error('there is no prompt encoder');
  const { width, height } = marked.image;
  const cells = reduceLabels(marked.mask, gridOf(geometry, { mid: from.mid, width, height }), plan.label_reduction);
  const code = await networks.encodeReference(from.mid, cells);
  const pseudo = await networks.similarity(await networks.maskedHigh(from, cells), cells, target.high, plan.config.pseudoNorm);
  const { mu, coarse } = await networks.promptDistribution(target.mid, pseudo, code);
  return aboveZero((await networks.decodePrompts(target, mu, coarsePrompt(target, [coarse]))).logits.data);
}

/** Sums over pairs of tensors. */
function comparison(): { add(a: Tensor, b: Tensor): void; result(): Agreement } {
  let [dot, ofA, ofB, ofDifference, largest, maxAbs] = [0, 0, 0, 0, 0, 0];
  return {
    add({ data: a }, { data: b }) {
      if (a.length !== b.length) throw new Error(`features of ${a.length} and of ${b.length} values cannot be compared`);
      for (let i = 0; i < a.length; i++) {
        const x = a[i] as number;
        const y = b[i] as number;
        dot += x * y;
        ofA += x * x;
        ofB += y * y;
        ofDifference += (x - y) ** 2;
        largest = Math.max(largest, Math.abs(x));
        maxAbs = Math.max(maxAbs, Math.abs(x - y));
      }
    },
    result: () => ({
      cosine: dot / Math.sqrt(ofA * ofB),
      maxAbs,
      maxRelative: maxAbs / largest,
      rms: Math.sqrt(ofDifference / ofA),
    }),
  };
}
