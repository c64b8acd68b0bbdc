/** SAM 2.1 at full size: the files a user has, and everything the image model computes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from '../../src/core/checkpoint/checkpoint.ts';
import { aboutSam2 } from '../../src/core/checkpoint/names/sam2.ts';
import { stableMask } from '../../src/core/engine/methods/stable-mask.ts';
import { resizeMap } from '../../src/core/mask/resize-map.ts';
import { gridSize, type HieraConfig, type SamConfig, type StabilityRule } from '../../src/core/networks/config.ts';
import { PIECE } from '../../src/core/networks/pieces.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { samDensePositions } from '../../src/core/networks/sam-prompt-encoder.ts';
import { sam2ImageEncoder } from '../../src/core/networks/sam2-image-encoder.ts';
import type { NetworkDefinition } from '../../src/core/onnx/emit.ts';
import type { Runtime, Tensor } from '../../src/core/onnx/session.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../test/golden/checkpoint-writers.ts';
import { executeOnnx } from '../../test/golden/execute.ts';
import { sam2OfTransformers } from '../../test/golden/foreign-names.ts';
import { hashedImage, hashedNoise } from '../../test/golden/hash-weights.ts';
import { inRowsAndColumns } from '../../test/golden/sam2-inputs.ts';
import { ROUNDED, type Form, type PartOf } from './full-size-form.ts';

type Named = Record<string, Tensor>;

/** Hugging Face's names and shapes, as their list has them. */
function ofTransformers(weights: readonly TensorSource[], partOf: PartOf, list?: string): TensorSource[] {
  const renamed = sam2OfTransformers(weights);
  if (list === undefined) return renamed;
  const sorted = (tensors: readonly TensorSource[]): string[] => tensors.map(({ name, shape }) => `${name} [${shape.join()}]`).sort();
  const [got, wanted] = [sorted(renamed), sorted(partOf(list))];
  const odd = got.find((one, i) => one !== wanted[i]);
  if (odd !== undefined || got.length !== wanted.length)
    throw new Error(`expected the ${wanted.length} tensors of ${list}, got ${got.length}, such as ${odd ?? 'fewer'}`);
  return renamed;
}

const inMeta =
  (file: string): Form['write'] =>
  (folder, weights, partOf) => {
    const path = join(folder, file);
    writeTorch(path, [...weights, ...partOf('sam2.1_video_part')], { inside: 'model' });
    return path;
  };

const inTransformers =
  (file: string, type: 'F32' | 'F16', list?: string): Form['write'] =>
  (folder, weights, partOf) => {
    const path = join(folder, file);
    writeSafetensors(path, [...ofTransformers(weights, partOf, list), ...partOf('sam2.1_video_part_hf')], type);
    return path;
  };

const inShards =
  (name: string, count: number, type: 'F32' | 'BF16'): Form['write'] =>
  (folder, weights, partOf) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeShards(path, ofTransformers(weights, partOf), count, type);
    return path;
  };

export const SAM2_FORMS: Readonly<Record<'sam2.1_hiera_tiny' | 'sam2.1_hiera_base_plus', readonly [Form, ...Form[]]>> = {
  'sam2.1_hiera_tiny': [
    { name: 'Meta .pt', write: inMeta('sam2.1_hiera_tiny.pt') },
    { name: 'Hugging Face Sam2VideoModel', write: inTransformers('sam2.1-hiera-tiny.safetensors', 'F32', 'sam2.1_hiera_tiny_hf') },
    { name: 'Hugging Face float16', write: inTransformers('sam2.1-hiera-tiny-f16.safetensors', 'F16'), rounded: ROUNDED.F16 },
    { name: 'Hugging Face bfloat16 shards', write: inShards('sam2.1-hiera-tiny-bf16', 2, 'BF16'), rounded: ROUNDED.BF16 },
  ],
  'sam2.1_hiera_base_plus': [
    { name: 'Meta .pt', write: inMeta('sam2.1_hiera_base_plus.pt') },
    { name: 'Hugging Face shards', write: inShards('sam2.1-hiera-base-plus', 3, 'F32') },
  ],
};

/** Drawn once and never trained: no parameter. */
const BUFFER = /positional_encoding_gaussian_matrix$/;

/** Are these the image model's parameters, and the video part known for what it is? read: under the networks' names. */
export function checkSam2(path: string, all: Checkpoint['tensors'], read: Checkpoint['tensors'], parameters: number): void {
  const about = aboutSam2(all);
  const found = [...read].reduce((sum, [name, { shape }]) => sum + (BUFFER.test(name) ? 0 : shape.reduce((a, b) => a * b, 1)), 0);
  if (found !== parameters) throw new Error(`${path}: expected ${parameters} parameters, got ${found}`);
  if (about === undefined || (about.version === '2.1' ? about.videoTensors !== 160 : about.videoTensors !== 0))
    throw new Error(`${path}: expected SAM 2.1's 160 video tensors or none, got ${JSON.stringify(about)}`);
}

/** Image encoder, then the mask decoder on what it sees, with fifty made-up prompts and with three sets of seven. */
export async function runSam2(file: Checkpoint, config: SamConfig, runtime: Runtime): Promise<Named> {
  const grid = gridSize(config);
  const { imageSize: side, outChans: width } = config;
  const trunk = config.encoder as HieraConfig;
  const ends = trunk.stages.map((_, i) => trunk.stages.slice(0, i + 1).reduce((sum, count) => sum + count, 0) - 1);
  const encoder: NetworkDefinition = {
    name: 'sam 2 image encoder',
    inputs: { image: [1, 3, side, side] },
    build: <T>(ops: never, weights: never, i: Readonly<Record<string, T>>) => {
      const seen = sam2ImageEncoder<T>(ops, weights, config, trunk, i['image'] as T, PIECE);
      const nchw = (map: T): T => (ops as { transpose(x: T, axes: number[]): T }).transpose(map, [0, 3, 1, 2]);
      return {
        ...Object.fromEntries(ends.map((block, stage) => [`stage_${stage}`, seen.allBlocks[block] as T])),
        fpn_2: nchw(seen.levels.fpn2),
        fpn_3: nchw(seen.levels.fpn3),
        image_embedding: seen.embedding,
        high_res_0: inRowsAndColumns<T>(ops, seen.highRes.highRes0, grid, 2),
        high_res_1: inRowsAndColumns<T>(ops, seen.highRes.highRes1, grid, 1),
        ...seen.highRes,
      };
    },
  };
  const decoder: NetworkDefinition = {
    name: 'sam 2 mask decoder',
    inputs: {
      embedding: [1, width, grid, grid],
      highRes0: [1, 16 * grid * grid, width / 8],
      highRes1: [1, 4 * grid * grid, width / 4],
      prompts: ['B', 'm', width],
    },
    build: (ops, weights, i) => {
      const highRes = { highRes0: i['highRes0'] as never, highRes1: i['highRes1'] as never };
      const inputs = { embedding: i['embedding'] as never, highRes, prompts: i['prompts'] as never };
      return {
        ...samMaskDecoder(ops, weights, config, inputs, 'all'),
        positions: ops.reshape(ops.transpose(samDensePositions(ops, weights, config), [0, 2, 1]), [1, width, grid, grid]),
      };
    },
  };
  const image = { data: hashedImage(side), shape: [1, 3, side, side] };
  const { highRes0, highRes1, ...seen } = (await executeOnnx(encoder, file, { image }, runtime)) as Record<string, Tensor>;
  const decode = async (name: string, sets: number, count: number): Promise<Named> => {
    const prompts = { data: hashedNoise(name, sets * count * width), shape: [sets, count, width] };
    const inputs = { embedding: seen['image_embedding'], highRes0, highRes1, prompts } as Named;
    return outputsOf(await executeOnnx(decoder, file, inputs, runtime), config);
  };
  const one = await decode('prompts', 1, 50);
  const sets = await decode('prompts_sets', 3, 7);
  const upsampled = resizeMap({ data: (one['low_res_logits'] as Tensor).data, width: 4 * grid, height: 4 * grid }, 512, 512, 'aligned');
  return {
    ...seen,
    ...one,
    ...Object.fromEntries(['low_res_logits', 'iou', 'object_score_logits'].map((name) => [`sets_${name}`, sets[name] as Tensor])),
    upsampled_512: { data: upsampled.data, shape: [1, 1, 512, 512] },
  };
}

/** The decoder's tokens apart: the first is the single mask, the others those of ambiguous prompts. */
function outputsOf({ logits, iou, objectScore, positions }: Named, config: SamConfig): Named {
  const [rows, tokens, height, width] = (logits as Tensor).shape as [number, number, number, number];
  const size = height * width;
  const maskOf = (row: number, token: number): { logits: Float32Array; iou: number } => {
    const at = row * tokens + token;
    return { logits: (logits as Tensor).data.subarray(at * size, (at + 1) * size), iou: (iou as Tensor).data[at] as number };
  };
  const joined = (of: readonly number[], each: number, value: (row: number, token: number) => Float32Array): Float32Array => {
    const out = new Float32Array(rows * of.length * each);
    for (let row = 0; row < rows; row++)
      of.forEach((token, i) => {
        out.set(value(row, token), (row * of.length + i) * each);
      });
    return out;
  };
  const others = Array.from({ length: tokens - 1 }, (_, i) => i + 1);
  const all = [0, ...others];
  const ofLogits = (of: readonly number[]): Tensor => ({
    data: joined(of, size, (row, token) => maskOf(row, token).logits),
    shape: [rows, of.length, height, width],
  });
  const ofIou = (of: readonly number[]): Tensor => ({
    data: joined(of, 1, (row, token) => Float32Array.of(maskOf(row, token).iou)),
    shape: [rows, of.length],
  });
  const stability = Float32Array.from({ length: rows }, (_, row) => {
    return stableMask(
      all.map((token) => maskOf(row, token)),
      config.sam2?.stability as StabilityRule,
    ).stability;
  });
  return {
    dense_pe: positions as Tensor,
    low_res_logits: ofLogits([0]),
    iou: ofIou([0]),
    multimask_logits: ofLogits(others),
    multimask_iou: ofIou(others),
    object_score_logits: objectScore as Tensor,
    stability: { data: stability, shape: [rows, 1] },
  };
}
