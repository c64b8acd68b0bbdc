import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { manifestJson } from '../../../../src/core/checkpoint/config-json.ts';
import { parseManifest, type Manifest } from '../../../../src/core/checkpoint/manifest.ts';
import { samTensors } from '../../../../src/core/checkpoint/names/sam.ts';
import type { CheckpointTensors } from '../../../../src/core/checkpoint/checkpoint.ts';
import { efficientNetBlocks } from '../../../../src/core/networks/efficientnet.ts';
import { tensorsNeeded, outputShapes } from '../../../../src/core/onnx/emit.ts';
import {
  decodePointsGraph,
  decodePromptsGraph,
  encodeReferenceGraph,
  encodeTargetGraph,
  imageEncoderGraph,
} from '../../../../src/core/onnx/model-graphs.ts';
import { expectCode } from '../expect-error.ts';

type Json = Record<string, unknown>;
const TINY = JSON.parse(readFileSync('models/tiny/manifest.json', 'utf8').replace('"licence"', '"license"')) as Json & {
  sam: Json;
  prompt_encoder: { config: Json } & Json;
};
const SAM = {
  file: TINY.sam['file'],
  encoder: { kind: 'efficientnet-lite2', taps: [3, 6, 14, 20], context: { blocks: 2, heads: 8, mlp_dim: 1024 } },
  decoder: {
    ...{ kind: 'sam2', decoder_depth: 2, decoder_heads: 8, decoder_mlp_dim: 1024, object_score: false, iou_sigmoid: true },
    ...{ fuser_blocks: 3, fuser_dim: 512, num_multimask_outputs: 3, mask_in_chans: 16 },
  },
  ...{ image_size: 512, resize: 'stretch', mean: [127, 127, 127], std: [128, 128, 128], prompts: 'drawn', upsample: 'half_pixel' },
};
const PHOTO = {
  ...TINY,
  sam: SAM,
  backbone: { kind: 'sam', mid: ['tap2', 'tap3'], high: ['tap3'] },
  prompt_encoder: { ...TINY.prompt_encoder, config: { ...TINY.prompt_encoder.config, mid_channels: 472, dim: 256, dense: 'coarse' } },
  upstream: { trunk: 'by others' },
};
const parse = (json: unknown): Manifest => parseManifest(JSON.stringify(json), 'manifest.json');
const refuse = (change: { encoder?: Json; decoder?: Json; sam?: Json; backbone?: unknown }, ...parts: string[]): void => {
  const sam = { ...SAM, encoder: { ...SAM.encoder, ...change.encoder }, decoder: { ...SAM.decoder, ...change.decoder }, ...change.sam };
  expectCode(
    'MODEL_INVALID',
    () => parse({ ...PHOTO, sam, ...(change.backbone !== undefined && { backbone: change.backbone }) }),
    ...parts,
  );
};

describe('a manifest with encoder and decoder apart', () => {
  test('is read as any other', () => {
    const { sam, backbone, prompt_encoder: encoder } = parse(PHOTO);
    expect(sam.config).toEqual({
      imageSize: 512,
      encoder: { kind: 'efficientnet-lite2', taps: [3, 6, 14, 20], context: { blocks: 2, heads: 8, mlpDim: 1024 } },
      sam2: { predObjScores: false, fuser: { blocks: 3, dim: 512 } },
      ...{ outChans: 256, maskInChans: 16, decoderDepth: 2, decoderMlpDim: 1024, decoderHeads: 8 },
      ...{ numMultimaskOutputs: 3, iouHeadDepth: 3, iouHeadHiddenDim: 256 },
    });
    expect(sam).toMatchObject({ prompts: 'drawn', upsample: 'half_pixel' });
    expect(backbone).toEqual({ kind: 'sam', midTaps: [2, 3], highTaps: [3] });
    expect(encoder?.config.dense).toBe('coarse');
  });

  test('counts the cells of references inclusively, unless it says otherwise', () => {
    const reduced = (json: Json): unknown =>
      parse({ ...PHOTO, prompt_encoder: { ...PHOTO.prompt_encoder, label_reduction: json } }).prompt_encoder?.label_reduction;
    expect(reduced({ kind: 'area', threshold: 0.25 })).toEqual({ kind: 'area', threshold: 0.25, inclusive: true });
    expect(reduced({ kind: 'area', threshold: 0.25, inclusive: false })).toEqual({ kind: 'area', threshold: 0.25, inclusive: false });
    expect(reduced({ kind: 'any' })).toEqual({ kind: 'any' });
    expect(parse(TINY).prompt_encoder?.label_reduction).toEqual({ kind: 'area', threshold: 0.25 });
  });

  test('goes through the memory and back', () => {
    const once = parse(PHOTO);
    expect(parse(manifestJson(once))).toEqual(once);
  });

  test('is refused by name', () => {
    refuse({ encoder: { taps: [3, 6, 15, 20] } }, 'sam.encoder', 'strides 4, 8, 16, 32');
    refuse({ encoder: { taps: [3, 6, 14, 21] } }, 'sam.encoder.taps[3]');
    refuse({ encoder: { kind: 'efficientnet-b0' } }, 'sam.encoder.kind');
    refuse({ decoder: { fuser_dim: undefined } }, 'fuser_dim');
    refuse({ decoder: { decoder_heads: 24 } }, 'decoder_heads');
    refuse({ encoder: { context: { blocks: 2, heads: 7, mlp_dim: 8 } } }, 'context.heads');
    refuse({ sam: { image_size: 500 } }, 'sam.image_size');
    refuse({ sam: { prompts: 'sung' } }, 'sam.prompts');
    refuse({ backbone: { kind: 'sam', mid: ['tap4'], high: ['tap3'] } }, 'backbone.mid[0]');
    refuse({ backbone: { kind: 'sam', mid_blocks: [1] } }, 'backbone');
    expectCode('MODEL_INVALID', () => parse({ ...TINY, backbone: PHOTO.backbone }), 'backbone');
  });
});

describe('its networks', () => {
  const manifest = parse(PHOTO);
  const sizeOf = (shapes: ReadonlyMap<string, readonly number[]>, wanted: (name: string) => boolean = () => true): number =>
    [...shapes].filter(([name]) => wanted(name)).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const needed = tensorsNeeded(
    imageEncoderGraph(manifest),
    decodePromptsGraph(manifest),
    decodePromptsGraph(manifest, true),
    decodePointsGraph(manifest, true),
  );

  test('have as many parameters as the published weights', () => {
    expect(sizeOf(needed)).toBe(10_051_224);
    expect(sizeOf(needed, (name) => name.startsWith('image_encoder.trunk.'))).toBe(4_330_184);
    expect(sizeOf(tensorsNeeded(encodeReferenceGraph(manifest), encodeTargetGraph(manifest)))).toBe(1_451_521);
  });

  test('give maps of four strides, and the backbone two of them', () => {
    expect(outputShapes(imageEncoderGraph(manifest))).toEqual({
      ...{ embedding: [1, 256, 32, 32], highRes0: [1, 128 * 128, 32], highRes1: [1, 64 * 64, 64] },
      ...{ mid: [1, 472, 32, 32], high: [1, 352, 32, 32] },
    });
    expect(efficientNetBlocks().map(({ cell }) => cell)).toEqual([
      2,
      4,
      4,
      4,
      8,
      8,
      8,
      ...Array<number>(8).fill(16),
      ...Array<number>(6).fill(32),
    ]);
  });

  test('find their tensors under the names of SAM 2', () => {
    const theirs = [...needed.keys()].map((name) =>
      name
        .replace(/^(prompt_encoder|mask_decoder)\./, 'sam_$1.')
        .replace(
          /(^sam_mask_decoder\.transformer\.layers\.\d+\.mlp\.)lin([12])\./,
          (_, head: string, n: string) => `${head}layers.${Number(n) - 1}.`,
        ),
    );
    const tensors = new Map(theirs.map((name) => [name, { dtype: 'F16', shape: [1] }])) as unknown as CheckpointTensors;
    expect([...samTensors(tensors, 'file').keys()].sort()).toEqual([...needed.keys()].sort());
  });
});
