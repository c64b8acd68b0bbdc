/** DINOv2 with registers and DINOv3 as their authors and Hugging Face publish them: under our names, described by nothing but themselves. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CheckpointTensors } from '../../../../src/core/checkpoint/checkpoint.ts';
import { ownBackboneSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { backboneTensors } from '../../../../src/core/checkpoint/names/backbone.ts';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../../../src/core/checkpoint/read-tensors.ts';
import { describeBackbone } from '../../../../src/core/models/detect-backbone.ts';
import { backboneFinal, backboneTrunk } from '../../../../src/core/networks/backbone.ts';
import type { DinoConfig } from '../../../../src/core/networks/dino/config.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../../golden/checkpoint-writers.ts';
import { dinov2OfTransformers, dinov3OfTransformers } from '../../../golden/foreign-names.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';
import { expectCode } from '../expect-error.ts';

const GOLDEN = 'test/golden/dino-data';
const { weights } = openGoldenSet(GOLDEN).manifest;
const NAMES = Object.keys(weights);
const folder = mkdtempSync(join(tmpdir(), 'prosam-dino-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let places = 0;
const place = (name: string): string => join(folder, `${places++}-${name}`);

const configOf = (name: string): DinoConfig => ownBackboneSchema.parse(weights[name]?.config) as DinoConfig;
const isDinov3 = (name: string): boolean => configOf(name).kind === 'dinov3';

/** As transformers' save_pretrained wrote it. */
const published = (name: string): string => join(GOLDEN, weights[name]?.file as string);

/** Values under our names. */
async function valuesIn(path: string) {
  const checkpoint = await openCheckpoint(path);
  const { tensors } = backboneTensors(checkpoint.tensors, path);
  return readFloatTensors({ ...checkpoint, tensors });
}

/** The published file's tensors under the names of Meta's code, with all that its checkpoints of DINOv3 hold. */
async function ofMeta(name: string): Promise<TensorSource[]> {
  const values = await valuesIn(published(name));
  const sources = [...values].flatMap(([key, { data, shape }]): TensorSource[] => {
    if (key.endsWith('.attn.v.bias')) return [];
    if (!key.endsWith('.attn.q.bias')) return [{ name: key, shape, values: () => Float32Array.from(data) }];
    const width = data.length;
    const bias = new Float32Array(3 * width).fill(7); // of the keys, for which the mask has zeros
    bias.set(data);
    bias.set(values.get(key.replace('.q.', '.v.'))?.data as Float32Array, 2 * width);
    const mask = Float32Array.from({ length: 3 * width }, (_, i) => (Math.floor(i / width) === 1 ? 0 : 1));
    const whole = key.replace('.q.bias', '.qkv.bias');
    return [
      { name: whole, shape: [3 * width], values: () => bias },
      { name: `${whole}_mask`, shape: [3 * width], values: () => mask },
    ];
  });
  const periods: TensorSource = { name: 'rope_embed.periods', shape: [3], values: () => Float32Array.of(1, 10, 100) };
  return isDinov3(name) ? [...sources, periods] : sources;
}

const ofTransformers = async (name: string): Promise<TensorSource[]> =>
  (isDinov3(name) ? dinov3OfTransformers : dinov2OfTransformers)(await ofMeta(name));

/** As transformers 5 names a model's tensors in memory. */
const inMemory = (sources: readonly TensorSource[]): TensorSource[] =>
  sources.map((one) => ({
    ...one,
    name: one.name
      .replace(/^layer\./, 'model.layer.')
      .replace(/attention\.attention\.(.)[a-z]+\./, 'attention.$1_proj.')
      .replace('attention.output.dense', 'attention.o_proj'),
  }));

type Form = [form: string, write: (name: string) => Promise<string>];
const FORMS: readonly Form[] = [
  ['Hugging Face’s file', (name) => Promise.resolve(published(name))],
  ['Hugging Face’s names written by the tests', async (name) => file(await ofTransformers(name))],
  ['Hugging Face’s names in shards', async (name) => shards(await ofTransformers(name))],
  ['a larger model’s file', async (name) => file(prefixed(await ofTransformers(name), 'backbone.dino.'))],
  ['a state dict of transformers 5', async (name) => torch(inMemory(await ofTransformers(name)))],
  ['Meta’s .pth', async (name) => torch(await ofMeta(name))],
  ['Meta’s names of distributed training', async (name) => torch(prefixed(await ofMeta(name), 'module.'))],
];

const prefixed = (sources: readonly TensorSource[], prefix: string): TensorSource[] =>
  sources.map((one) => ({ ...one, name: prefix + one.name }));

function file(sources: readonly TensorSource[]): string {
  const path = place('model.safetensors');
  writeSafetensors(path, sources);
  return path;
}

function torch(sources: readonly TensorSource[]): string {
  const path = place('model.pth');
  writeTorch(path, sources);
  return path;
}

function shards(sources: readonly TensorSource[]): string {
  const path = place('shards');
  mkdirSync(path);
  writeShards(path, sources, 3);
  return path;
}

describe.each(NAMES)('%s', (name) => {
  it.each(FORMS)('is read from %s, and described by itself', async (_, write) => {
    const path = await write(name);
    const config = configOf(name);
    const { kind, tensors } = backboneTensors((await openCheckpoint(path)).tensors, path);
    const { numHeads: heads, imageSize, stageEnds } = config;
    const described = describeBackbone(kind, tensors, path, { heads, imageSize: config.kind === 'dinov3' ? imageSize : 1 });
    // No shape tells where maps are taken, nor at which speed positions turn.
    expect({ ...described, stageEnds, ...('ropeTheta' in config && { ropeTheta: config.ropeTheta }) }).toEqual(config);
    expect(await valuesIn(path)).toEqual(await valuesIn(published(name)));
  });

  it('has what its networks ask for', async () => {
    const config = configOf(name);
    const needed = tensorsNeeded({
      ...{ name, inputs: { image: [1, 3, config.imageSize, config.imageSize] } },
      build: (ops, values, i) => {
        const { mid, state } = backboneTrunk(ops, values, config, i['image'] as never);
        return { mid, high: backboneFinal(ops, values, config, state) };
      },
    });
    const values = await valuesIn(published(name));
    for (const [key, shape] of needed) expect(values.get(key)?.shape, key).toEqual(shape);
  });
});

describe('refused', () => {
  const like = (names: Record<string, number[]>): CheckpointTensors =>
    new Map(
      Object.entries(names).map(([name, shape]) => [
        name,
        { dtype: 'F32', shape, byteLength: 0, parts: [{ file: 'x', offset: 0, byteLength: 0, shape }] },
      ]),
    );
  const refused = (tensors: CheckpointTensors, ...parts: string[]) =>
    expectCode(
      'CHECKPOINT_MISMATCH',
      () => {
        const named = backboneTensors(tensors, 'x');
        return describeBackbone(named.kind, named.tensors, 'x');
      },
      ...parts,
    );
  const small2 = { 'patch_embed.proj.weight': [384, 3, 14, 14], pos_embed: [1, 1370, 384], 'blocks.0.ls1.gamma': [384] };
  const small3 = { 'patch_embed.proj.weight': [384, 3, 16, 16], storage_tokens: [1, 4, 384], 'blocks.0.ls1.gamma': [384] };

  it('gated MLPs, of Meta and of Hugging Face', () => {
    refused(like({ ...small2, 'blocks.0.mlp.w12.weight': [1, 384] }), 'expected DINOv2 with plain MLPs', 'SwiGLU', 'ViT-S, B or L/14');
    refused(like({ ...small3, 'blocks.0.mlp.w1.weight': [1, 384] }), 'expected DINOv3 with plain MLPs', 'SwiGLU', 'ViT-S, B or L/16');
    const transformers2 = { 'embeddings.patch_embeddings.projection.weight': [1536, 3, 14, 14] };
    refused(like({ ...transformers2, 'encoder.layer.0.mlp.weights_in.weight': [8192, 1536] }), 'expected DINOv2', 'SwiGLU');
    const transformers3 = { 'embeddings.patch_embeddings.weight': [384, 3, 16, 16] };
    refused(like({ ...transformers3, 'layer.0.mlp.gate_proj.weight': [1536, 384] }), 'expected DINOv3', 'SwiGLU');
  });

  it('biases of DINOv3’s keys: beside the others, or without the mask that says they do not count', () => {
    const transformers = { 'embeddings.patch_embeddings.weight': [384, 3, 16, 16] };
    refused(like({ ...transformers, 'layer.0.attention.k_proj.bias': [384] }), 'whose keys have no bias');
    const whole = { 'blocks.0.attn.qkv.bias': [1152] };
    refused(like({ ...small3, ...whole }), 'whose keys have no bias');
    refused(like({ ...small3, ...whole, 'blocks.0.attn.qkv.bias_mask': [1152] }), 'blocks.0.mlp.fc1.weight');
    refused(like({ ...small3, 'blocks.3.attn.qkv.bias': [1151] }), 'block 3 do not go together (bias)');
  });

  it('a part of queries, keys and values that is missing or fits no other', () => {
    const part = (letter: string, rows: number) => ({ [`layer.2.attention.${letter}_proj.weight`]: [rows, 384] });
    const transformers = { 'embeddings.patch_embeddings.weight': [384, 3, 16, 16] };
    refused(like({ ...transformers, ...part('q', 384), ...part('v', 384) }), 'block 2 do not go together (weight)');
  });

  it('positions that are no square beside one for the class token, as timm keeps them with registers', () => {
    refused(like({ ...small2, pos_embed: [1, 1369, 384], reg_token: [1, 4, 384] }), 'got 1369 positions');
  });
});
