import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { safetensorsBytes } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import type { FloatTensor } from '../../../../src/core/checkpoint/read-tensors.ts';
import { PROMPT_ENCODER, type PromptEncoderConfig } from '../../../../src/core/networks/config.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { initialParameters, promptEncoderShapes } from '../../../../src/training/step/parameters.ts';
import { FIRST_LOG_SIGMA, promptEncoderFromCheckpoint } from '../../../../src/training/loop/warm-start.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { dict, pickle, tensor, torchFile } from '../../core/checkpoint/torch-file.ts';

const CONFIG: PromptEncoderConfig = { ...PROMPT_ENCODER, midChannels: 12, dim: 8, numPrompts: 5, numHeads: 2 };
const PLAIN: PromptEncoderConfig = { ...CONFIG, probabilistic: false };

/** The names of VRP-SAM's own files, written out so that a slip in the map cannot hide. */
const VRP_SAM_NAMES: Readonly<Record<string, string>> = {
  'reduce.weight': 'downsample_query.0.weight',
  'fuse.weight': 'merge_1.0.weight',
  queries: 'transformer_decoder.supp_q_feat.weight',
  'ref_cross.attn.in_proj_weight': 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn.in_proj_weight',
  'ref_cross.attn.in_proj_bias': 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn.in_proj_bias',
  'ref_cross.attn.out_proj.weight': 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn.out_proj.weight',
  'ref_cross.attn.out_proj.bias': 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn.out_proj.bias',
  'ref_cross.norm.weight': 'transformer_decoder.transformer_cross_attention_layers_0.0.norm.weight',
  'ref_cross.norm.bias': 'transformer_decoder.transformer_cross_attention_layers_0.0.norm.bias',
  'ref_self.attn.in_proj_weight': 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn.in_proj_weight',
  'ref_self.attn.in_proj_bias': 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn.in_proj_bias',
  'ref_self.attn.out_proj.weight': 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn.out_proj.weight',
  'ref_self.attn.out_proj.bias': 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn.out_proj.bias',
  'ref_self.norm.weight': 'transformer_decoder.transformer_self_attention_layers_0.0.norm.weight',
  'ref_self.norm.bias': 'transformer_decoder.transformer_self_attention_layers_0.0.norm.bias',
  'tgt_cross.attn.in_proj_weight': 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn.in_proj_weight',
  'tgt_cross.attn.in_proj_bias': 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn.in_proj_bias',
  'tgt_cross.attn.out_proj.weight': 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn.out_proj.weight',
  'tgt_cross.attn.out_proj.bias': 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn.out_proj.bias',
  'tgt_cross.norm.weight': 'transformer_decoder.transformer_cross_attention_layers.0.norm.weight',
  'tgt_cross.norm.bias': 'transformer_decoder.transformer_cross_attention_layers.0.norm.bias',
  'tgt_self.attn.in_proj_weight': 'transformer_decoder.transformer_self_attention_layers.0.self_attn.in_proj_weight',
  'tgt_self.attn.in_proj_bias': 'transformer_decoder.transformer_self_attention_layers.0.self_attn.in_proj_bias',
  'tgt_self.attn.out_proj.weight': 'transformer_decoder.transformer_self_attention_layers.0.self_attn.out_proj.weight',
  'tgt_self.attn.out_proj.bias': 'transformer_decoder.transformer_self_attention_layers.0.self_attn.out_proj.bias',
  'tgt_self.norm.weight': 'transformer_decoder.transformer_self_attention_layers.0.norm.weight',
  'tgt_self.norm.bias': 'transformer_decoder.transformer_self_attention_layers.0.norm.bias',
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosam-warm-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Tensors = ReadonlyMap<string, FloatTensor>;

/** Different random values in every tensor, biases and norms too. */
function someParameters(config: PromptEncoderConfig): Map<string, FloatTensor> {
  const random = seededRandom(3);
  const out = initialParameters(config, random);
  for (const { data } of out.values()) data.forEach((value, i) => (data[i] = value + random()));
  return out;
}

function renamed(tensors: Tensors, name: (ours: string) => string): Map<string, FloatTensor> {
  return new Map([...tensors].map(([ours, value]) => [name(ours), value]));
}

async function safetensorsFile(tensors: Tensors): Promise<string> {
  const path = join(folder, 'some.safetensors');
  const entries = [...tensors].map(([name, { data, shape }]) => [
    name,
    { dtype: 'F32' as const, shape, bytes: new Uint8Array(data.buffer) },
  ]);
  await writeFile(path, safetensorsBytes(Object.fromEntries(entries) as Parameters<typeof safetensorsBytes>[0]));
  return path;
}

async function torchCheckpoint(tensors: Tensors): Promise<string> {
  const path = join(folder, 'some.pth');
  const list = [...tensors];
  const entries = list.map(([name, { shape }], i) => [name, tensor({ shape, key: String(i) })]);
  const storages = Object.fromEntries(list.map(([, { data }], i) => [String(i), new Uint8Array(data.buffer)]));
  await writeFile(path, torchFile(pickle(dict(Object.fromEntries(entries) as Record<string, Uint8Array>)), storages));
  return path;
}

/** What VRP-SAM saves: everything under `module.`, with the backbone and its counters. */
function vrpSamCheckpoint(): { own: Map<string, FloatTensor>; all: Map<string, FloatTensor> } {
  const own = someParameters(PLAIN);
  const all = renamed(own, (name) => `module.${VRP_SAM_NAMES[name] as string}`);
  for (const name of ['layer0.0.weight', 'layer4.2.bn3.running_mean'])
    all.set(`module.${name}`, { data: Float32Array.of(1, 2), shape: [2] });
  return { own, all };
}

const start = (path: string, config = CONFIG): ReturnType<typeof promptEncoderFromCheckpoint> =>
  promptEncoderFromCheckpoint(path, config, seededRandom(1));

describe('promptEncoderFromCheckpoint', () => {
  test('an earlier version: the same numbers, in order', async () => {
    const own = someParameters(CONFIG);
    const { parameters, from, notes } = await start(await safetensorsFile(own));
    expect({ from, notes }).toEqual({ from: 'prosam', notes: [] });
    expect([...parameters]).toEqual([...own]);
  });

  test('the model that comes with the package', async () => {
    const tiny: PromptEncoderConfig = { ...CONFIG, midChannels: 192, dim: 64, numPrompts: 50, numHeads: 4 };
    const { parameters, from } = await start('models/tiny/prompt-encoder.safetensors', tiny);
    expect(from).toBe('prosam');
    expect([...parameters].map(([name, { shape }]) => [name, shape])).toEqual([...promptEncoderShapes(tiny)]);
  });

  test.each([
    ['torch.save', torchCheckpoint],
    ['safetensors', safetensorsFile],
  ])('a VRP-SAM checkpoint of %s: its numbers under our names, its backbone left out', async (_, write) => {
    const { own, all } = vrpSamCheckpoint();
    const { parameters, from, notes } = await start(await write(all));
    expect(from).toBe('vrp-sam');
    expect([...parameters].slice(0, own.size)).toEqual([...own]);
    expect([...parameters].map(([name, { shape }]) => [name, shape])).toEqual([...promptEncoderShapes(CONFIG)]);
    expect(notes.join('\n')).toMatch(/no heads[\s\S]*backbone \(2 tensors\)/);
  });

  test('heads it lacks: the mean is the prompts themselves, sigma is small', async () => {
    const { parameters } = await start(await safetensorsFile(vrpSamCheckpoint().all));
    const values = (name: string): number[] => [...(parameters.get(name) as FloatTensor).data];
    expect(values('mu_head.weight').map((value, i) => value === (i % 8 === Math.floor(i / 8) ? 1 : 0))).not.toContain(false);
    expect(values('mu_head.bias')).toEqual(Array(8).fill(0));
    expect(values('log_sigma_head.bias')).toEqual(Array(8).fill(FIRST_LOG_SIGMA));
    const weight = values('log_sigma_head.weight');
    const std = Math.sqrt(weight.reduce((sum, value) => sum + value * value, 0) / 64);
    expect(std).toBeGreaterThan(0.007);
    expect(std).toBeLessThan(0.013);
  });

  test('the same seed gives the same heads', async () => {
    const path = await safetensorsFile(vrpSamCheckpoint().all);
    expect(await start(path)).toEqual(await start(path));
    const other = await promptEncoderFromCheckpoint(path, CONFIG, seededRandom(2));
    expect(other.parameters.get('log_sigma_head.weight')).not.toEqual((await start(path)).parameters.get('log_sigma_head.weight'));
  });

  test('VRP-SAM into VRP-SAM needs no heads', async () => {
    const { own, all } = vrpSamCheckpoint();
    const { parameters, notes } = await start(await torchCheckpoint(all), PLAIN);
    expect([...parameters]).toEqual([...own]);
    expect(notes).toHaveLength(1);
  });

  test('a version with heads into one without leaves them out and says so; the other way makes them', async () => {
    const probabilistic = await start(await safetensorsFile(someParameters(CONFIG)), PLAIN);
    expect(probabilistic.parameters.size).toBe(promptEncoderShapes(PLAIN).size);
    expect(probabilistic.notes.join()).toContain('mu_head.weight');
    const plain = await start(await safetensorsFile(someParameters(PLAIN)));
    expect(plain.parameters.size).toBe(promptEncoderShapes(CONFIG).size);
    expect(plain.notes.join()).toContain('no heads');
  });

  test('two layers in a row change nothing at first, and are read back once trained', async () => {
    const stacked: PromptEncoderConfig = { ...PLAIN, stackedHeads: true };
    const { parameters } = await start(await safetensorsFile(someParameters(PLAIN)), stacked);
    for (const head of ['mu_head', 'log_sigma_head']) {
      const identity = Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0));
      expect(parameters.get(`${head}.weight`)?.data, head).toEqual(identity);
      expect(parameters.get(`${head}.bias`)?.data, head).toEqual(new Float32Array(8));
    }
    const own = someParameters(stacked);
    expect([...(await start(await safetensorsFile(own), stacked)).parameters]).toEqual([...own]);
  });

  test('CHECKPOINT_MISMATCH: every shape and name that differs', async () => {
    const path = await torchCheckpoint(vrpSamCheckpoint().all);
    await expectRejection(
      'CHECKPOINT_MISMATCH',
      start(path, { ...CONFIG, numPrompts: 6, midChannels: 24 }),
      'some.pth',
      'reduce.weight should be [8, 24, 1, 1], is [8, 12, 1, 1]',
      'queries should be [6, 8]',
    );
    const less = vrpSamCheckpoint().all;
    less.delete('module.transformer_decoder.transformer_self_attention_layers.0.norm.bias');
    await expectRejection('CHECKPOINT_MISMATCH', start(await torchCheckpoint(less)), 'missing: tgt_self.norm.bias [8]');
    const more = someParameters(CONFIG);
    more.set('ref_cross.gate', { data: Float32Array.of(1), shape: [1] });
    await expectRejection('CHECKPOINT_MISMATCH', start(await safetensorsFile(more)), 'not part of this network: ref_cross.gate');
    const half = someParameters(CONFIG);
    half.delete('mu_head.bias');
    await expectRejection('CHECKPOINT_MISMATCH', start(await safetensorsFile(half)), 'missing: mu_head.bias');
  });

  test('CHECKPOINT_MISMATCH: some other network', async () => {
    const other = new Map([['conv1.weight', { data: Float32Array.of(1), shape: [1] }]]);
    await expectRejection('CHECKPOINT_MISMATCH', start(await safetensorsFile(other)), 'VRP-SAM', 'conv1.weight', 'from scratch');
  });

  test('CHECKPOINT_INVALID: numbers that are none', async () => {
    const own = someParameters(CONFIG);
    (own.get('queries') as FloatTensor).data[3] = NaN;
    await expectRejection('CHECKPOINT_INVALID', start(await safetensorsFile(own)), 'queries');
  });

  test('MODEL_NOT_FOUND: no such file', async () => {
    await expectRejection('MODEL_NOT_FOUND', start(join(folder, 'none.pth')), 'none.pth');
  });
});
