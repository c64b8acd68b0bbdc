/**
 * PerSAM-F as published (Zhang et al., 2023): two numbers are learned on the references, how much each of SAM's three masks for one point
 * counts, because the object may be a whole or a part. They are learned on low-resolution logits, kept for the references, and no decoder
 * is ever changed. SAM refines the mixed mask twice, each time with its box.
 *
 * What the paper leaves open: cells of several references are one pool, and their losses are added. An empty mixed mask is refined without
 * a box; of an empty mask there is no second refinement.
 */
import { createByteCache, type ByteCache } from '../../../common/byte-cache.ts';
import { runSteps } from '../../../mask/cooperative.ts';
import { cellShares, type BinaryMask } from '../../../mask/label-reduction.ts';
import type { Geometry } from '../../../image/geometry.ts';
import type { Networks } from '../../../onnx/networks.ts';
import type { ImageFeatures } from '../../image-features.ts';
import type { PreparedReference } from '../../references.ts';
import { samResult } from '../mask-prompts.ts';
import type { MethodContext, RunMethod } from '../method.ts';
import { lowResSide } from '../sam-prompts.ts';
import { locationPrior } from './location-prior.ts';
import { decodeRound, pixelBox, pointPrompts, type DecodeContext, type Round } from './mask-rounds.ts';
import { learnWeights, mixed, type MaskWeights, type MixtureExample } from './mask-weights.ts';
import { markedEmbedding, peakVector, sizeInSam } from './object-vector.ts';

/** All that references teach. */
interface Taught {
  vector: Float32Array;
  weights: MaskWeights;
}

const CACHE_BYTES = 2 ** 22;
/** One for each engine: the numbers belong to its decoder. */
const caches = new WeakMap<Networks, ByteCache<Taught>>();

function cacheOf(networks: Networks): ByteCache<Taught> {
  const known = caches.get(networks);
  if (known) return known;
  const made = createByteCache<Taught>({ maxBytes: CACHE_BYTES, sizeOf: ({ vector }) => vector.byteLength + 3 * 8 });
  caches.set(networks, made);
  return made;
}

export const persamF: RunMethod = async (context, target, references) => {
  const key = references.map((reference) => reference.key).join(' ');
  const { vector, weights } = await cacheOf(context.networks).get(key, () => teach(context, references));
  context.lap('reference');
  const { rounds } = await fineTunedRounds(context, target, vector, weights);
  context.lap('decode');
  const result = samResult(context, target, (rounds.at(-1) as Round).best);
  context.lap('resize');
  return result;
};

/** Shared by all who ask for the same references: nobody's signal ends it. */
async function teach({ networks, geometry }: MethodContext, references: readonly PreparedReference[]): Promise<Taught> {
  const context = { networks, geometry, checkpoint: () => undefined };
  const seen: ImageFeatures[] = [];
  for (const reference of references) seen.push(await reference.sam());
  const vector = peakVector(seen.map((features, i) => markedEmbedding(geometry, features, (references[i] as PreparedReference).mask)));
  const examples: MixtureExample[] = [];
  for (const [i, features] of seen.entries()) {
    const { logits } = await threeMasks(context, features, vector);
    examples.push(visibleExample(geometry, features, logits, (references[i] as PreparedReference).mask));
  }
  const { weights } = await runSteps(learnWeights(examples));
  return { vector, weights };
}

/** Logits, and the truth at their size, where they show the image: a pixel is marked if more than half of it is. */
function visibleExample(geometry: Geometry, features: ImageFeatures, logits: MixtureExample['logits'], mask: BinaryMask): MixtureExample {
  const side = lowResSide(features);
  const { width, height, square } = sizeInSam(geometry, features);
  const [spanX, spanY] = [(features.width * square) / width, (features.height * square) / height];
  const shares = Float32Array.from(cellShares(mask, { columns: side, rows: side, spanX, spanY }));
  const shown = (data: Float32Array) => geometry.visible({ data, width: side, height: side }, features.width, features.height).data;
  const [whole, part, subpart] = logits;
  const truth = shown(shares);
  return {
    logits: [shown(whole), shown(part), shown(subpart)],
    truth: new Uint8Array(truth.map((share) => (share > 0.5 ? 1 : 0))),
  };
}

/** SAM's three masks for the one point where an image is most like the vector. */
export async function threeMasks(context: DecodeContext, image: ImageFeatures, vector: Float32Array) {
  const { similarity, most } = await runSteps(locationPrior(context.geometry, image, vector));
  const points = pointPrompts(context, image, most);
  const { masks } = await decodeRound(context, image, points);
  return { similarity, most, points, logits: masks.map(({ logits }) => logits) as unknown as MixtureExample['logits'] };
}

/** The mixed mask of a target, and its refinements. */
export async function fineTunedRounds(context: DecodeContext, target: ImageFeatures, vector: Float32Array, weights: MaskWeights) {
  const { geometry } = context;
  const first = await threeMasks(context, target, vector);
  const mixture = mixed(first.logits, weights);
  const second = await decodeRound(context, target, first.points, mixture, pixelBox(geometry, target, mixture));
  const box = pixelBox(geometry, target, second.best.logits);
  const third = box && (await decodeRound(context, target, first.points, second.best.logits, box));
  return { first, mixture, rounds: third === undefined ? [second] : [second, third] };
}
