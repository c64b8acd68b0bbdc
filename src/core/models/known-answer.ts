/** Numbers that prove an installation: what a model made of an image when it was added, against what it makes of it here and now. */
import type { Model } from '../checkpoint/model-folder.ts';
import type { FloatTensor } from '../checkpoint/read-tensors.ts';
import { safetensorsBytes, tensorToWrite, type TensorToWrite } from '../checkpoint/formats/safetensors.ts';
import { ProsamError } from '../common/errors.ts';
import { geometryOf, gridOf } from '../image/geometry.ts';
import { reduceLabels, type BinaryMask } from '../mask/label-reduction.ts';
import { coarsePrompt } from '../engine/methods/coarse-prompt.ts';
import { resizeNearest } from '../mask/resize-map.ts';
import { decodeSamPrompts } from '../engine/methods/sam-prompts.ts';
import type { AnnotatedImage } from './compare-precision.ts';
import { preprocessOf, type BackboneFeatures, type Networks, type SamFeatures } from '../onnx/networks.ts';
import type { Tensor } from '../onnx/session.ts';

/** Largest deviation of one stage from its known answer. */
export interface StageAgreement {
  stage: string;
  /** Number of values compared. */
  values: number;
  largestDifference: number;
  /** Root of the mean squared difference, as a share of that of the known values. */
  relative: number;
}

type Encoded = SamFeatures & BackboneFeatures;

/** Number of values kept of a large map. */
const KEPT = 256;
/** A mask that is smaller than its picture, by its side. */
const SMALL_MASK = /^in\.reference_mask_\d+$/;
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * The file to keep beside a model: the image, and of every stage's output up to 256 values.
 * @throws what the networks throw; ENGINE_FAILED for outputs that are no numbers
 */
export async function makeKnownAnswer(model: Model, networks: Networks, example: AnnotatedImage): Promise<Uint8Array> {
  const { image, mask } = example;
  const tensors: Record<string, TensorToWrite> = {
    'in.reference': { dtype: 'U8', shape: [3, image.height, image.width], bytes: planesOf(image.data) },
    'in.reference_mask': { dtype: 'U8', shape: [mask.height, mask.width], bytes: mask.data },
  };
  for (const [stage, { data }] of await stagesOf(model, networks, example)) {
    if (!data.every(Number.isFinite))
      throw new ProsamError('ENGINE_FAILED', `${model.id}: ${stage} gave values that are no numbers. The weights are damaged.`);
    const kept = Float32Array.from(keptPositions(data.length), (at) => data[at] as number);
    tensors[`out.${stage}`] = tensorToWrite(kept, [kept.length]);
  }
  return safetensorsBytes(tensors, { made: 'cpu, fp32' });
}

/** known: the tensors of such a file. One agreement for every stage it has. @throws MODEL_INVALID for a file that is no known answer */
export async function compareKnownAnswer(
  model: Model,
  networks: Networks,
  known: ReadonlyMap<string, FloatTensor>,
): Promise<StageAgreement[]> {
  const stages = await stagesOf(model, networks, imageIn(known, 'in.reference'), imageIn(known, 'in.target', true));
  const found = [...stages].flatMap(([stage, { data }]) => {
    const wanted = known.get(`out.${stage}`)?.data;
    return wanted === undefined ? [] : [agreementOf(stage, data, wanted)];
  });
  if (found.length === 0)
    throw new ProsamError('MODEL_INVALID', `${model.id}: the known answer holds none of this model's outputs. Add the model again.`);
  return found;
}

/** Everything a model computes on the way from a marked image to a mask. */
async function stagesOf(model: Model, networks: Networks, reference: AnnotatedImage, target = reference): Promise<Map<string, Tensor>> {
  const stages = new Map<string, Tensor>();
  const geometry = geometryOf(preprocessOf(model));
  const encoded = async (name: string, { image }: AnnotatedImage): Promise<Encoded> => {
    const features = await networks.encode({ ...image, channels: 3 });
    stages.set(`${name}_embedding`, features.embedding);
    stages.set(`${name}_mid`, features.mid);
    return features;
  };
  const seen = await encoded('reference', reference);
  const other = target === reference ? seen : await encoded('target', target);
  const { prompt_encoder: encoder } = model.manifest;
  if (encoder === undefined) {
    const { width, height } = target.image;
    const image = { ...other, key: '', width, height };
    const [x, y] = someMarked(reference.mask);
    const [first] = (await decodeSamPrompts(networks, geometry, image, [{ x, y, kind: 'positive' }])).all;
    if (first) stages.set('point_logits', { data: first.logits, shape: [first.logits.length] });
    return stages;
  }
  const { width, height } = reference.image;
  const cells = reduceLabels(reference.mask, gridOf(geometry, { mid: seen.mid, width, height }), encoder.label_reduction);
  const pseudo = await networks.similarity(await networks.maskedHigh(seen, cells), cells, other.high, encoder.config.pseudoNorm);
  const distribution = await networks.promptDistribution(other.mid, pseudo, await networks.encodeReference(seen.mid, cells));
  const { mu, logSigma, coarse } = distribution;
  stages.set('pseudo_mask', pseudo).set('mu', mu);
  if (logSigma) stages.set('log_sigma', logSigma);
  if (coarse) stages.set('coarse', coarse);
  return stages.set('low_res_logits', (await networks.decodePrompts(other, mu, coarsePrompt(other, [coarse]))).logits);
}

/** Spread over a map without a step that could follow its rows; the same on every machine. */
export function keptPositions(length: number): number[] {
  if (length <= KEPT) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: KEPT }, (_, i) => Math.floor((((i + 1) * GOLDEN_RATIO) % 1) * length));
}

/** known: all values of the output, or those at the kept positions. */
function agreementOf(stage: string, data: Float32Array, known: Float32Array): StageAgreement {
  const positions = known.length === data.length ? undefined : keptPositions(data.length);
  const values = known.length;
  let largestDifference = positions !== undefined && positions.length !== values ? Infinity : 0;
  let squares = 0;
  let knownSquares = 0;
  for (const [i, wanted] of known.entries()) {
    const difference = Math.abs((data[positions?.[i] ?? i] ?? NaN) - wanted);
    // NaN compares as neither smaller nor larger, and must not pass.
    largestDifference = difference <= largestDifference ? largestDifference : Number.isNaN(difference) ? Infinity : difference;
    squares += difference ** 2;
    knownSquares += wanted ** 2;
  }
  const relative = Number.isFinite(largestDifference) ? Math.sqrt(squares / Math.max(knownSquares, Number.MIN_VALUE)) : Infinity;
  return { stage, values, largestDifference, relative: squares === 0 ? 0 : relative };
}

function imageIn(known: ReadonlyMap<string, FloatTensor>, name: string): AnnotatedImage;
function imageIn(known: ReadonlyMap<string, FloatTensor>, name: string, optional: true): AnnotatedImage | undefined;
function imageIn(known: ReadonlyMap<string, FloatTensor>, name: string, optional = false): AnnotatedImage | undefined {
  const planes = known.get(name);
  const small = [...known].find(([key]) => SMALL_MASK.test(key))?.[1];
  const mask = known.get('in.reference_mask') ?? small;
  if (planes === undefined && optional) return undefined;
  const [channels, height = 0, width = 0] = planes?.shape ?? [];
  const [rows = 0, columns = 0] = mask?.shape ?? [];
  if (planes === undefined || mask === undefined || channels !== 3 || mask.data.length !== rows * columns || rows * columns === 0)
    throw new ProsamError('MODEL_INVALID', 'the known answer holds no marked image. Add the model again.');
  const size = height * width;
  const data = Uint8Array.from({ length: 3 * size }, (_, i) => planes.data[(i % 3) * size + Math.floor(i / 3)] as number);
  const marked = { data: Uint8Array.from(mask.data), width: columns, height: rows };
  const enlarged = { data: resizeNearest(marked.data, marked, { width, height }), width, height };
  return { image: { data, width, height, channels: 3 }, mask: mask === small ? enlarged : marked };
}

/** Interleaved pixels as three planes. */
function planesOf(pixels: Uint8Array): Uint8Array {
  const size = pixels.length / 3;
  return pixels.map((_, i) => pixels[(i % size) * 3 + Math.floor(i / size)] as number);
}

/** The marked pixel in the middle of all, by number. */
function someMarked({ data, width }: BinaryMask): [x: number, y: number] {
  const marked = [...data.keys()].filter((i) => data[i] === 1);
  const middle = marked[Math.floor(marked.length / 2)] ?? 0;
  return [(middle % width) + 0.5, Math.floor(middle / width) + 0.5];
}
