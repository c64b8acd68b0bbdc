/** SAM 2 as others publish it: every form opens, is recognised, and gives the numbers of Meta's own code. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CheckpointTensors } from '../../../../src/core/checkpoint/checkpoint.ts';
import { samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { samTensors } from '../../../../src/core/checkpoint/names/sam.ts';
import { aboutSam2 } from '../../../../src/core/checkpoint/names/sam2.ts';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { describeSam } from '../../../../src/core/models/detect-sam.ts';
import { parseSam2Facts } from '../../../../src/core/models/transformers-config.ts';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../../golden/checkpoint-writers.ts';
import { sam2OfTransformers } from '../../../golden/foreign-names.ts';
import { GoldenCase, openGoldenSet, type CaseEntry } from '../../../golden/golden-set.ts';
import { sam2Cases } from '../../../golden/sam2-cases.ts';
import { sourcesOf } from '../../cli/models/place.ts';
import { expectCode } from '../expect-error.ts';

const GOLDEN = 'test/golden/sam2-data';
const { manifest } = openGoldenSet(GOLDEN);
const CONFIG = samConfigSchema.parse(manifest.weights['sam2']?.config);
const FACTS = parseSam2Facts(JSON.stringify((manifest.weights['sam2_hf'] as { hf_config?: unknown }).hf_config), 'config.json');
/** Image encoder and mask decoder; prompt encoder. */
const CASES = ['sam2_end_to_end', 'sam2_mask_decoder_own_prompts'];

const folder = mkdtempSync(join(tmpdir(), 'prosam-published-sam2-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let places = 0;
const place = (name: string): string => join(folder, `${places++}-${name}`);

const meta = sourcesOf(join(GOLDEN, 'weights/sam2.safetensors'));
/** With a few tensors of the video part. */
const video = sourcesOf(join(GOLDEN, 'weights/sam2_hf.safetensors'));
const image = sam2OfTransformers(meta.filter(({ name }) => /^(image_encoder|sam_|no_mem_embed)/.test(name)));
const under = (prefix: string, tensors: readonly TensorSource[]): TensorSource[] =>
  tensors.map((one) => ({ ...one, name: prefix + one.name }));

interface Form {
  write: (path: string) => void;
  version: '2.1' | undefined;
  videoTensors: number;
  /** Share of an output's largest magnitude within which values of half precision lie: twice what was measured. @default the cases' own bounds */
  rounded?: number;
}

const other: TensorSource = { name: 'optimizer.step', shape: [1], values: () => Float32Array.of(7) };
const FORMS: Record<string, Form> = {
  'Meta’s .pt': { write: (path) => writeTorch(path, meta, { inside: 'model' }), version: '2.1', videoTensors: 14 },
  'Meta’s names in safetensors': { write: (path) => writeSafetensors(path, meta), version: '2.1', videoTensors: 14 },
  'Meta’s names under a prefix, beside others': {
    write: (path) => writeSafetensors(path, [...under('model.', meta), other]),
    version: '2.1',
    videoTensors: 14,
  },
  'Hugging Face’s Sam2VideoModel': { write: (path) => writeSafetensors(path, video), version: '2.1', videoTensors: 6 },
  'Hugging Face’s Sam2Model': { write: (path) => writeSafetensors(path, image), version: undefined, videoTensors: 0 },
  'Hugging Face’s Sam2VideoModel in shards': {
    write(path) {
      mkdirSync(path);
      writeShards(path, video, 3);
    },
    version: '2.1',
    videoTensors: 6,
  },
  'Hugging Face’s Sam2Model under a prefix, with one of the two tied names': {
    write: (path) =>
      writeSafetensors(
        path,
        under(
          'module.',
          image.filter(({ name }) => name !== 'shared_image_embedding.positional_embedding'),
        ),
      ),
    version: undefined,
    videoTensors: 0,
  },
  'Meta’s names in float16': { write: (path) => writeSafetensors(path, meta, 'F16'), version: '2.1', videoTensors: 14, rounded: 0.035 },
  'Hugging Face’s names in bfloat16': { write: (path) => writeSafetensors(path, image, 'BF16'), version: undefined, videoTensors: 0, rounded: 0.12 }, // prettier-ignore
};

const named = (tensors: CheckpointTensors): CheckpointTensors => samTensors(tensors, 'sam2');

describe('SAM 2', () => {
  it.each(Object.entries(FORMS))('is read from %s', async (_, { write, version, videoTensors, rounded }) => {
    const path = place('sam2');
    write(path);
    const { tensors, folder: real, file } = await openCheckpoint(path);
    expect(aboutSam2(tensors)).toEqual({ version, videoTensors });
    expect(describeSam(named(tensors), path, { facts: FACTS })).toEqual(CONFIG);

    const entry = { file: relative(GOLDEN, join(real, file)), config: manifest.weights['sam2']?.config as Record<string, unknown> };
    const set = { dir: GOLDEN, manifest: { ...manifest, weights: { sam2: entry } }, engines: {} };
    for (const one of manifest.cases.filter(({ name }) => CASES.includes(name)))
      await expectNumbers(new GoldenCase(set, one), one, rounded);
  });

  it('keeps nothing of the video part, and every tensor of the image model once', async () => {
    const path = place('sam2.pt');
    writeTorch(path, meta, { inside: 'model' });
    const fromMeta = named((await openCheckpoint(path)).tensors);
    expect(fromMeta.size).toBe(263);
    const theirs = place('sam2.safetensors');
    writeSafetensors(theirs, video);
    const fromTransformers = named((await openCheckpoint(theirs)).tensors);
    expect([...fromTransformers.keys()].sort()).toEqual([...fromMeta.keys()].sort());
    for (const [name, { shape }] of fromMeta) expect(fromTransformers.get(name)?.shape, name).toEqual(shape);
  });

  it('may have no object score', async () => {
    const path = place('sam2.safetensors');
    writeSafetensors(path, meta.filter(({ name }) => !/obj_score/.test(name))); // prettier-ignore
    const { tensors } = await openCheckpoint(path);
    expect(describeSam(named(tensors), path, { facts: FACTS }).sam2).toMatchObject({ predObjScores: false });
  });
});

async function expectNumbers(golden: GoldenCase, entry: CaseEntry, rounded?: number): Promise<void> {
  const actual = await (sam2Cases[entry.kind as string] as (typeof sam2Cases)[string])(golden);
  expect(Object.keys(actual).sort()).toEqual(expect.arrayContaining(Object.keys(entry.expected).sort()));
  for (const [output, { atol = 0 }] of Object.entries(entry.expected)) {
    const wanted = Array.from(golden.expected(output).data);
    // One pixel more or less over a threshold is not a matter of rounding's size.
    if (rounded !== undefined && /stab/.test(output)) continue;
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const values = actual[output] as ArrayLike<number>;
    const difference = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (values[i] as number))), 0);
    expect(values.length, output).toBe(wanted.length);
    expect(difference, output).toBeLessThanOrEqual(rounded === undefined ? atol : rounded * largest);
  }
}

describe('relatives of SAM 2', () => {
  const like = (...names: string[]): CheckpointTensors =>
    new Map(
      names.map((name) => [
        name,
        { dtype: 'F32', shape: [1], byteLength: 4, parts: [{ file: 'x', offset: 0, byteLength: 4, shape: [1] }] },
      ]),
    );
  it.each([
    ['EdgeTAM', ['image_encoder.trunk.body.stem.conv1.c.weight', 'sam_mask_decoder.conv_s0.weight', 'spatial_perceiver.latents']],
    ['EdgeTAM', ['vision_encoder.backbone.timm_model.stem.conv1.c.weight', 'mask_decoder.conv_s0.weight', 'mask_decoder.iou_token.weight']],
    ['EfficientTAM', ['image_encoder.trunk.pos_embed', 'image_encoder.trunk.blocks.0.norm1.weight', 'sam_mask_decoder.iou_token.weight']],
    ['SAM 3', ['detector.backbone.x', 'tracker.sam_mask_decoder.iou_token.weight', 'tracker.maskmem_tpos_enc']],
    ['SAM 3', ['detector_model.vision_encoder.x', 'tracker_model.mask_decoder.conv_s0.weight']],
    ['another trunk', ['sam_mask_decoder.conv_s0.weight', 'trunk.weight']],
  ] as const)('%s is refused by name', (name, tensors) => {
    expectCode('CHECKPOINT_MISMATCH', () => named(like(...tensors)), name, 'Use a SAM 2 or SAM 2.1 checkpoint');
  });
});
