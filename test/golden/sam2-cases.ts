/** Cases of SAM 2's image model, by kind: one kind may have several cases, each with its own weights and configuration. */
import { decodeSamPrompts, logitsAtImageSize, maskPrompt, type SamPrompt } from '../../src/core/engine/methods/sam-prompts.ts';
import { stableMask, type SamMask } from '../../src/core/engine/methods/stable-mask.ts';
import { geometryOf } from '../../src/core/image/geometry.ts';
import { IMAGENET, samInput, type PreprocessConfig } from '../../src/core/image/preprocess.ts';
import { resizeMap } from '../../src/core/mask/resize-map.ts';
import { gridSize, type StabilityRule } from '../../src/core/networks/config.ts';
import { hieraPositions } from '../../src/core/networks/hiera.ts';
import type { Ops, Weights } from '../../src/core/networks/ops.ts';
import { PIECE } from '../../src/core/networks/pieces.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { samDensePositions, samMaskEmbedding, samPointEmbeddings } from '../../src/core/networks/sam-prompt-encoder.ts';
import { sam2ImageEncoder } from '../../src/core/networks/sam2-image-encoder.ts';
import type { Decoded, Networks } from '../../src/core/onnx/networks.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import type { CaseRunners } from './cases.ts';
import { valuesOf } from './execute.ts';
import type { GoldenCase } from './golden-set.ts';

import { configOf, decode, features, inRowsAndColumns, pointRows, run, type Named, type Values } from './sam2-inputs.ts';

/** Everything a decoder gives for one kind of prompts, row by row. */
async function decoded(
  golden: GoldenCase,
  inputs: Named<Tensor>,
  prompts: <T>(ops: Ops<T>, weights: Weights<T>, i: Readonly<Named<T>>) => T,
  dense: <T>(ops: Ops<T>, weights: Weights<T>, i: Readonly<Named<T>>) => T | undefined = () => undefined,
): Promise<Values> {
  const config = configOf(golden);
  const out = (await run(golden, inputs, (ops, weights, i) => ({
    ...decode(ops, weights, config, i, prompts(ops, weights, i), 'all', dense(ops, weights, i)),
  }))) as unknown as Decoded;
  const rows = out.iou.shape[0] as number;
  const tokens = out.iou.shape[1] as number;
  const size = out.logits.data.length / rows / tokens;
  const masksOf = (row: number): SamMask[] =>
    Array.from({ length: tokens }, (_, i) => ({
      logits: out.logits.data.subarray((row * tokens + i) * size, (row * tokens + i + 1) * size),
      iou: out.iou.data[row * tokens + i] as number,
    }));
  const all = Array.from({ length: rows }, (_, row) => masksOf(row));
  const stable = all.map((masks) => stableMask(masks, config.sam2.stability as StabilityRule));
  const logitsOf = (masks: readonly SamMask[]): number[] => masks.flatMap(({ logits }) => Array.from(logits));
  return {
    low_res_logits: logitsOf(all.map((masks) => masks[0] as SamMask)),
    iou: all.map((masks) => (masks[0] as SamMask).iou),
    multimask_logits: logitsOf(all.flatMap((masks) => masks.slice(1))),
    multimask_iou: all.flatMap((masks) => masks.slice(1).map(({ iou }) => iou)),
    object_score_logits: out.objectScore?.data ?? [],
    stability: stable.map(({ stability }) => stability),
    stable_logits: logitsOf(stable.map(({ mask }) => mask)),
    stable_iou: stable.map(({ mask }) => mask.iou),
  };
}

async function promptEncoder(golden: GoldenCase): Promise<Values> {
  const config = configOf(golden);
  const orders = {
    sparse_points: ['points', 'padding'],
    sparse_boxes: ['boxes', 'padding'],
    sparse_boxes_and_points: ['boxes', 'points', 'padding'],
    sparse_boxes_sam1: ['boxes'],
    sparse_points_and_boxes_sam1: ['points', 'boxes'],
  } as const;
  const out: Values = {};
  for (const [name, order] of Object.entries(orders)) {
    const inputs = { ...pointRows(golden, order) };
    const { sparse } = await run(golden, inputs, (ops, weights, i) => ({
      sparse: samPointEmbeddings(ops, weights, config, i['xy'] as never, i['kinds'] as never),
    }));
    out[name] = (sparse as Tensor).data;
  }
  const dense = await run(golden, { mask: golden.floats('mask') }, (ops, weights, i) => ({
    dense_mask: samMaskEmbedding(ops, weights, config, i['mask'] as never),
  }));
  return { ...out, ...valuesOf(dense) };
}

async function ownPrompts(golden: GoldenCase): Promise<Values> {
  const config = configOf(golden);
  const prefixed = (prefix: string, values: Values): Values =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]));
  const points = { ...features(golden), ...pointRows(golden, ['points', 'padding']) };
  const boxes = { ...features(golden), ...pointRows(golden, ['boxes', 'padding']), mask: golden.floats('mask') };
  const prompts = <T>(ops: Ops<T>, weights: Weights<T>, i: Readonly<Named<T>>): T =>
    samPointEmbeddings(ops, weights, config, i['xy'] as T, i['kinds'] as T);
  const dense = <T>(ops: Ops<T>, weights: Weights<T>, i: Readonly<Named<T>>): T => samMaskEmbedding(ops, weights, config, i['mask'] as T);
  // No prompt at all is an empty list: the decoder's own tokens alone.
  const none = <T>(_: Ops<T>, __: Weights<T>, i: Readonly<Named<T>>): T => i['prompts'] as T;
  const empty = { ...features(golden), prompts: { data: new Float32Array(0), shape: [1, 0, config.outChans] } };
  return {
    ...prefixed('points', await decoded(golden, points, prompts)),
    ...prefixed('boxes_mask', await decoded(golden, boxes, prompts, dense)),
    ...prefixed('none', await decoded(golden, empty, none)),
  };
}

async function imageEncoder(golden: GoldenCase): Promise<Values> {
  const config = configOf(golden);
  const grid = gridSize(config);
  const outputs = await run(golden, { image: golden.floats('image') }, (ops, weights, i) => {
    const found = sam2ImageEncoder(ops, weights, config, config.encoder, i['image'] as never, PIECE);
    const nchw = (map: never) => ops.transpose(map, [0, 3, 1, 2]);
    return {
      pos_embed: hieraPositions(ops, weights.under('image_encoder.trunk.'), config.encoder, config.imageSize / 4),
      after_patch_and_pos: found.patches,
      ...Object.fromEntries(found.allBlocks.map((block, n) => [`after_block_${n}`, block])),
      fpn_2: nchw(found.levels.fpn2 as never),
      fpn_3: nchw(found.levels.fpn3 as never),
      embedding: found.embedding,
      high_res_0: inRowsAndColumns(ops, found.highRes.highRes0, grid, 2),
      high_res_1: inRowsAndColumns(ops, found.highRes.highRes1, grid, 1),
    };
  });
  return valuesOf(outputs);
}

async function endToEnd(golden: GoldenCase): Promise<Values> {
  const config = configOf(golden);
  const inputs = { image: golden.floats('image'), prompts: golden.floats('prompts') };
  const [height, width] = golden.param('size') as [number, number];
  const view = await run(golden, { image: inputs.image }, (ops, weights, i) => {
    const { embedding, highRes } = sam2ImageEncoder(ops, weights, config, config.encoder, i['image'] as never, PIECE);
    return { embedding, ...highRes };
  });
  const out = (await run(golden, { ...view, prompts: inputs.prompts }, (ops, weights, i) => {
    const highRes = { highRes0: i['highRes0'] as never, highRes1: i['highRes1'] as never };
    const decoderInputs = { embedding: i['embedding'] as never, highRes, prompts: i['prompts'] as never };
    return { ...samMaskDecoder(ops, weights, config, decoderInputs, 'all') };
  })) as unknown as Decoded;
  const side = out.logits.shape[3] as number;
  const low = out.logits.data.subarray(0, side * side);
  return {
    low_res_logits: low,
    iou: out.iou.data.subarray(0, 1),
    object_score_logits: out.objectScore?.data ?? [],
    multimask_logits: out.logits.data.subarray(side * side),
    upsampled: resizeMap({ data: low, width: side, height: side }, width, height, 'aligned').data,
  };
}

/** The whole way of a click: photo, preprocessing, encoder, points in photo pixels, masks of the photo's size. */
async function predictor(golden: GoldenCase): Promise<Values> {
  const config = configOf(golden);
  const preprocess: PreprocessConfig = { resize: 'stretch-float', samSize: config.imageSize, normalisation: IMAGENET };
  const { data, shape } = golden.bytes('photo');
  const [height, width] = shape as [number, number];
  const image = samInput({ data, width, height, channels: 3 }, preprocess);
  const side = config.imageSize;
  const view = await run(golden, { image: { data: image, shape: [1, 3, side, side] } }, (ops, weights, i) => {
    const { embedding, highRes } = sam2ImageEncoder(ops, weights, config, config.encoder, i['image'] as never, PIECE);
    return { embedding, ...highRes };
  });
  const decodePoints = async (features: unknown, xy: Tensor, kinds: Tensor): Promise<Decoded> =>
    (await run(golden, { ...(features as Named<Tensor>), xy, kinds }, (ops, weights, i) => {
      const highRes = { highRes0: i['highRes0'] as never, highRes1: i['highRes1'] as never };
      const prompts = samPointEmbeddings(ops, weights, config, i['xy'] as never, i['kinds'] as never);
      return { ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, highRes, prompts }, 'all') };
    })) as unknown as Decoded;
  const networks = {
    sam2: config.sam2,
    decodePoints: ({ embedding, highRes0, highRes1 }, xy, kinds) => decodePoints({ embedding, highRes0, highRes1 }, xy, kinds),
  } as Networks;
  const geometry = geometryOf(preprocess);
  const [points, labels, [x0, y0, x1, y1]] = [golden.floats('points').data, golden.floats('labels').data, golden.floats('box').data];
  // Meta's predictor counts pixels: p stands for the middle of a pixel of the network's input, wherever that lies in the photo's.
  const prompt = (x: number | undefined, y: number | undefined, kind: SamPrompt['kind']): SamPrompt => ({
    x: (x as number) + (0.5 * width) / side,
    y: (y as number) + (0.5 * height) / side,
    kind,
  });
  const prompts = [
    prompt(x0, y0, 'boxTopLeft'),
    prompt(x1, y1, 'boxBottomRight'),
    ...Array.from(labels, (label, i) => prompt(points[2 * i], points[2 * i + 1], label === 1 ? 'positive' : 'negative')),
  ];
  const target = { ...view, key: '', width, height } as never;
  const { all, single } = await decodeSamPrompts(networks, geometry, target, prompts);
  const named = (prefix: string, masks: readonly SamMask[]): Values => ({
    [`${prefix}_masks`]: masks.flatMap(({ logits }) => Array.from(logitsAtImageSize(geometry, { width, height }, logits).data)),
    [`${prefix}_iou`]: masks.map(({ iou }) => iou),
    [`${prefix}_low_res`]: masks.flatMap(({ logits }) => Array.from(maskPrompt(networks, logits))),
  });
  return { ...named('multi', all.slice(1)), ...named('single', [single]), preprocessed: image };
}

/** Forward cases, on whatever runs the networks. */
export const sam2Cases: CaseRunners = {
  sam2_image_encoder: imageEncoder,
  sam2_dense_pe: async (golden) => {
    const config = configOf(golden);
    const grid = gridSize(config);
    const outputs = await run(golden, {}, (ops, weights) => {
      const cells = samDensePositions(ops, weights, config); // [1, g * g, c]
      return { dense_pe: ops.reshape(ops.transpose(cells, [0, 2, 1]), [1, config.outChans, grid, grid]) };
    });
    return valuesOf(outputs);
  },
  sam2_prompt_encoder: promptEncoder,
  sam2_mask_decoder: (golden) =>
    decoded(golden, { ...features(golden), prompts: golden.floats('prompts') }, (_, __, i) => i['prompts'] as never),
  sam2_mask_decoder_nshot: (golden) =>
    decoded(golden, { ...features(golden), a: golden.floats('prompts_a'), b: golden.floats('prompts_b') }, (ops, _, i) =>
      ops.concat([i['a'] as never, i['b'] as never], 1),
    ),
  sam2_mask_decoder_own_prompts: ownPrompts,
  sam2_end_to_end: endToEnd,
  sam2_predictor: predictor,
  sam2_stability: (golden) => {
    const [{ data: logits, shape }, { data: ious }] = [golden.floats('logits'), golden.floats('ious')];
    const [rows, tokens, height, width] = shape as [number, number, number, number];
    const size = height * width;
    const config = {
      predObjScores: true,
      dynamicMultimaskStabilityDelta: golden.param('delta') as number,
      dynamicMultimaskStabilityThresh: golden.param('thresh') as number,
    };
    const chosen = Array.from({ length: rows }, (_, row) => {
      const at = (i: number): number => row * tokens + i;
      const masks = Array.from({ length: tokens }, (__, i) => ({
        logits: logits.subarray(at(i) * size, (at(i) + 1) * size),
        iou: ious[at(i)] as number,
      }));
      return stableMask(masks, config);
    });
    return {
      stability: chosen.map(({ stability }) => stability),
      stable_logits: chosen.flatMap(({ mask }) => Array.from(mask.logits)),
      stable_iou: chosen.map(({ mask }) => mask.iou),
    };
  },
};
