import { describe, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import {
  ownBackboneSchema,
  promptEncoderConfigSchema,
  samBackboneSchema,
  samConfigSchema,
} from '../../../src/core/checkpoint/config-schema.ts';
import {
  DINOV2_VIT_B14,
  PROMPT_ENCODER,
  RESNET50_DEEP,
  SAM_VIT_B,
  SAM_VIT_H,
  SAM_VIT_L,
  VGG16_BN,
} from '../../../src/core/model/config.ts';

/** Keys as they stand in a manifest. */
function snakeKeys(config: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]): [string, unknown] => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** What is wrong with a configuration, as one text; empty when nothing is. */
function problems(schema: ZodType, json: unknown): string {
  const result = schema.safeParse(json);
  return result.success ? '' : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

const SAM = snakeKeys(SAM_VIT_B);
const ENCODER = snakeKeys(PROMPT_ENCODER);
const DINO = snakeKeys(DINOV2_VIT_B14);

describe('the published configurations come back as they are', () => {
  const known: [name: string, schema: ZodType, config: object][] = [
    ['SAM ViT-B', samConfigSchema, SAM_VIT_B],
    ['SAM ViT-L', samConfigSchema, SAM_VIT_L],
    ['SAM ViT-H', samConfigSchema, SAM_VIT_H],
    ['prompt encoder', promptEncoderConfigSchema, PROMPT_ENCODER],
    ['ResNet-50', ownBackboneSchema, RESNET50_DEEP],
    ['VGG-16', ownBackboneSchema, VGG16_BN],
    ['DINOv2-B', ownBackboneSchema, DINOV2_VIT_B14],
    ['SAM as backbone', samBackboneSchema, { kind: 'sam', midBlocks: [3, 7] }],
  ];
  test.each(known)('%s', (_, schema, config) => {
    expect(schema.parse(snakeKeys(config))).toEqual(config);
  });

  test('the input side of ResNet and VGG is 512 unless said otherwise', () => {
    for (const config of [RESNET50_DEEP, VGG16_BN]) {
      const json = snakeKeys(config);
      delete json['image_size'];
      expect(ownBackboneSchema.parse(json)).toMatchObject({ imageSize: 512 });
    }
  });
});

describe('refused, by name', () => {
  const sam: [change: Record<string, unknown>, message: string][] = [
    [{ image_size: 1000 }, 'image_size must be a multiple of patch_size'],
    [{ embed_dim: 770 }, 'embed_dim must be a multiple of num_heads'],
    [{ out_chans: 250 }, 'out_chans must be a multiple of'],
    [{ decoder_heads: 3 }, 'out_chans must be a multiple of 2 * decoder_heads'],
    [{ out_chans: 12, decoder_heads: 2 }, 'out_chans must be a multiple of 8'],
    [{ mask_in_chans: 6 }, 'mask_in_chans'],
    [{ depth: 0 }, 'depth'],
    [{ depth: 2.5 }, 'depth'],
    [{ depth: -1 }, 'depth'],
    [{ mlp_ratio: 0 }, 'mlp_ratio'],
    [{ mlp_ratio: Infinity }, 'mlp_ratio'],
    [{ global_attn_indexes: [-1] }, 'global_attn_indexes'],
    [{ global_attn_indexes: 2 }, 'global_attn_indexes'],
    [{ use_rel_pos: true }, 'use_rel_pos'],
    [{ window_size: undefined }, 'window_size'],
  ];
  test.each(sam)('SAM with %j', (change, message) => {
    expect(problems(samConfigSchema, { ...SAM, ...change })).toContain(message);
  });

  test('numbers that would fill the memory before the weights are compared', () => {
    for (const key of ['depth', 'decoder_depth', 'num_multimask_outputs', 'iou_head_depth', 'window_size', 'image_size']) {
      expect(problems(samConfigSchema, { ...SAM, [key]: 1_000_000 })).toContain(key);
    }
    expect(problems(samConfigSchema, { ...SAM, image_size: 16_384, patch_size: 1 })).toContain('at most 1024 patches');
    for (const [config, key, value] of [
      [RESNET50_DEEP, 'layers', [3, 4, 1_000_000, 3]],
      [VGG16_BN, 'convs', [2, 2, 3, 3, 1_000_000]],
      [DINOV2_VIT_B14, 'depth', 1_000_000],
    ] as const) {
      expect(problems(ownBackboneSchema, { ...snakeKeys(config), [key]: value })).toContain(key);
    }
  });

  test('prompt encoders', () => {
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, num_heads: 3 })).toContain('dim must be a multiple of num_heads');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, dim: 33 })).toContain('dim');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, dropout2d: 1.1 })).toContain('dropout2d');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, mask_gain: Infinity })).toContain('mask_gain');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, pseudo_norm: 'l2' })).toContain('pseudo_norm');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, probabilistic: 1 })).toContain('probabilistic');
    expect(problems(promptEncoderConfigSchema, { ...ENCODER, stacked_heads: true })).toContain('stacked_heads needs probabilistic');
    expect(promptEncoderConfigSchema.parse({ ...ENCODER, probabilistic: false, stacked_heads: true })).toMatchObject({
      stackedHeads: true,
    });
  });

  test('backbones', () => {
    expect(problems(ownBackboneSchema, { ...DINO, image_size: 500 })).toContain('image_size must be a multiple of patch_size');
    expect(problems(ownBackboneSchema, { ...DINO, num_heads: 7 })).toContain('embed_dim must be a multiple of num_heads');
    for (const ends of [
      [6, 6, 12],
      [10, 6, 12],
      [6, 10, 13],
    ]) {
      expect(problems(ownBackboneSchema, { ...DINO, stage_ends: ends })).toContain('stage_ends must ascend and end within depth');
    }
    expect(problems(ownBackboneSchema, { ...snakeKeys(VGG16_BN), widths: [1, 2, 3, 4] })).toContain('widths');
    expect(problems(ownBackboneSchema, { ...snakeKeys(RESNET50_DEEP), dilate: [0, 1, 1] })).toContain('dilate');
    expect(problems(samBackboneSchema, { kind: 'sam', mid_blocks: [] })).toContain('mid_blocks');
    expect(problems(samBackboneSchema, { kind: 'sam', mid_blocks: [1.5] })).toContain('mid_blocks');
  });
});
