/** Cases of PerSAM and PerSAM-F as published, and of the decoder's hooks alone. */
import { locationPrior } from '../../../src/core/engine/methods/persam-paper/location-prior.ts';
import { learnWeights, mixed } from '../../../src/core/engine/methods/persam-paper/mask-weights.ts';
import { type DecodeContext, type Round } from '../../../src/core/engine/methods/persam-paper/mask-rounds.ts';
import { markedEmbedding, meanVector, peakVector } from '../../../src/core/engine/methods/persam-paper/object-vector.ts';
import { fineTunedRounds, threeMasks } from '../../../src/core/engine/methods/persam-paper/persam-f.ts';
import { persamRounds } from '../../../src/core/engine/methods/persam-paper/persam-paper.ts';
import type { ImageFeatures } from '../../../src/core/engine/image-features.ts';
import { samConfigSchema } from '../../../src/core/checkpoint/config-schema.ts';
import { joinedFloats } from '../../../src/core/common/joined.ts';
import { geometryOf, type Geometry } from '../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../src/core/image/preprocess.ts';
import { runStepsSync } from '../../../src/core/mask/cooperative.ts';
import type { Ops, Weights } from '../../../src/core/networks/ops.ts';
import { samMaskDecoder, type Guidance } from '../../../src/core/networks/sam-mask-decoder.ts';
import { POINT_KINDS, samMaskEmbedding, samPointEmbeddings } from '../../../src/core/networks/sam-prompt-encoder.ts';
import type { Decoded, Networks } from '../../../src/core/onnx/networks.ts';
import type { Tensor } from '../../../src/core/onnx/session.ts';
import type { CaseRunners } from '../cases.ts';
import { execute } from '../execute.ts';
import type { GoldenCase } from '../golden-set.ts';

type Values = Record<string, ArrayLike<number>>;

/** The image encoder that the weights do not have: embeddings are inputs. */
const NO_ENCODER = { embed_dim: 16, depth: 1, num_heads: 1, global_attn_indexes: [], window_size: 1, mlp_ratio: 1 };

/** SAM's decoder for points with a case's weights: an image's embedding and what is said about it. */
async function decode(golden: GoldenCase, inputs: Record<string, Tensor>): Promise<Decoded> {
  const [name] = golden.entry.weights as [string];
  const config = samConfigSchema.parse({ ...NO_ENCODER, ...golden.set.manifest.weights[name]?.config });
  const out = await execute(golden.set, name, inputs, <T>(ops: Ops<T>, weights: Weights<T>, i: Readonly<Record<string, T>>) => {
    const dense = i['mask'] !== undefined && { dense: samMaskEmbedding(ops, weights, config, i['mask']) };
    const guidance: Guidance<T> = {
      ...(i['bias'] !== undefined && { bias: i['bias'] }),
      ...(i['vector'] !== undefined && { vector: i['vector'] }),
    };
    const prompts = samPointEmbeddings(ops, weights, config, i['xy'] as T, i['kinds'] as T);
    return { ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as T, prompts, ...dense, guidance }, 'all') };
  });
  return out as unknown as Decoded;
}

/** One image's map as a batch. [c, g, g] -> [1, c, g, g] */
function batch({ data, shape }: { data: Float32Array; shape: readonly number[] }): Tensor {
  return { data, shape: [1, ...shape] };
}

interface Scene {
  context: DecodeContext;
  geometry: Geometry;
  reference: ImageFeatures;
  target: ImageFeatures;
  /** Of the reference. */
  truth: { data: Uint8Array; width: number; height: number };
}

function sceneOf(golden: GoldenCase): Scene {
  const geometry = geometryOf({ resize: 'longest-side', samSize: golden.param('side') as number, normalisation: IMAGENET });
  const image = (name: string, [height, width]: readonly number[]): ImageFeatures => {
    const embedding = batch(golden.floats(name));
    return { key: name, width: width as number, height: height as number, mid: embedding, high: embedding, embedding };
  };
  const { data, shape } = golden.bytes('ref_mask');
  const networks = {
    sam2: undefined,
    drawsPrompts: false,
    decodePoints: ({ embedding }, xy, kinds, mask, guidance) =>
      decode(golden, { embedding, xy, kinds, ...(mask && { mask }), ...guidance }),
  } satisfies Partial<Networks> as unknown as Networks;
  return {
    context: { networks, geometry, checkpoint: () => undefined },
    geometry,
    reference: image('ref_embedding', shape),
    target: image('target_embedding', golden.param('size') as number[]),
    truth: { data, width: shape[1] as number, height: shape[0] as number },
  };
}

/** Values of the rounds under their numbers: the first of them is the second decoding. */
function roundValues(rounds: readonly Round[]): Values {
  const out: Values = {};
  for (const [i, { masks, best }] of rounds.entries()) {
    out[`logits_${i + 2}`] = joinedFloats(masks.map(({ logits }) => logits));
    out[`iou_${i + 2}`] = masks.map(({ iou }) => iou);
    out[`best_${i + 2}`] = [masks.indexOf(best)];
  }
  return out;
}

function lastMask({ geometry, target }: Scene, rounds: readonly Round[]): Uint8Array {
  const { logits } = (rounds.at(-1) as Round).best;
  const side = Math.sqrt(logits.length);
  return geometry.lowToMask({ data: logits, width: side, height: side }, target.width, target.height);
}

async function persam(golden: GoldenCase): Promise<Values> {
  const scene = sceneOf(golden);
  const { context, geometry, reference, target, truth } = scene;
  const marked = markedEmbedding(geometry, reference, truth, golden.param('mask_value') as number);
  const vector = meanVector([marked]);
  const prior = runStepsSync(locationPrior(geometry, target, vector));
  const placed: number[] = [];
  const networks: Networks = {
    ...context.networks,
    decodePoints: (image, xy, kinds, mask, guidance) => {
      if (guidance) placed.push(...xy.data.slice(0, 4));
      return context.networks.decodePoints(image, xy, kinds, mask, guidance);
    },
  };
  const { first, rounds } = await persamRounds({ ...context, networks }, target, vector, prior);
  return {
    ref_cells: marked.cells,
    target_vector: vector,
    similarity_low: prior.low,
    similarity: prior.similarity.data,
    points: [...prior.most, ...prior.least],
    attention_bias: prior.bias,
    prompt_xy: placed,
    logits_1: first.logits,
    ...roundValues(rounds),
    box: rounds[1]?.box ?? [],
    mask: lastMask(scene, rounds),
  };
}

async function persamF(golden: GoldenCase): Promise<Values> {
  const scene = sceneOf(golden);
  const { context, geometry, reference, target, truth } = scene;
  const marked = markedEmbedding(geometry, reference, truth, golden.param('mask_value') as number);
  const vector = peakVector([marked]);
  const own = await threeMasks(context, reference, vector);
  const atImage = own.logits.map((data) => {
    const side = Math.sqrt(data.length);
    return geometry.lowToImage({ data, width: side, height: side }, truth.width, truth.height).data;
  }) as unknown as typeof own.logits;
  const { weights, first, last } = runStepsSync(
    learnWeights([{ logits: atImage, truth: truth.data }], {
      steps: golden.param('steps') as number,
      learningRate: golden.param('lr') as number,
      epsilon: golden.param('eps') as number,
      weightDecay: golden.param('weight_decay') as number,
    }),
  );
  const drawn = await fineTunedRounds(context, target, vector, weights);
  return {
    ref_cells: marked.cells,
    target_vector: vector,
    ref_point: own.most,
    ref_logits: joinedFloats(own.logits),
    weights,
    loss_first_last: [first.dice, first.focal, last.dice, last.focal],
    similarity: drawn.first.similarity.data,
    points: drawn.first.most,
    logits_1: joinedFloats(drawn.first.logits),
    mixed_logits: mixed(drawn.first.logits, weights),
    ...roundValues(drawn.rounds),
    box_1: drawn.rounds[0]?.box ?? [],
    box_2: drawn.rounds[1]?.box ?? [],
    mask: lastMask(scene, drawn.rounds),
  };
}

/** All four masks with each hook alone, with both, and with none; a padding point follows the points. */
async function hooks(golden: GoldenCase): Promise<Values> {
  const kindOf: Record<number, (typeof POINT_KINDS)[number]> = { [-1]: 'padding', 0: 'negative', 1: 'positive' };
  const xy = [...golden.floats('xy').data, 0, 0];
  const labels = [...golden.floats('labels').data, -1];
  const kinds = labels.flatMap((label) => POINT_KINDS.map((kind) => (kind === kindOf[label] ? 1 : 0)));
  const inputs = {
    embedding: batch(golden.floats('embedding')),
    xy: { data: Float32Array.from(xy), shape: [1, labels.length, 2] },
    kinds: { data: Float32Array.from(kinds), shape: [1, labels.length, POINT_KINDS.length] },
  };
  const bias = { bias: batch(golden.floats('attention_bias')) };
  const vector = { vector: batch(golden.floats('vector')) };
  const out: Values = {};
  for (const [name, given] of Object.entries({ plain: {}, attention: bias, vector, both: { ...bias, ...vector } })) {
    const { logits, iou } = await decode(golden, { ...inputs, ...given });
    out[`logits_${name}`] = logits.data;
    out[`iou_${name}`] = iou.data;
  }
  return out;
}

export const persamCases: CaseRunners = { persam, persam_f: persamF, persam_decoder_hooks: hooks };
