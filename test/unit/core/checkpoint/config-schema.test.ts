import { describe, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import {
  ownBackboneSchema,
  promptEncoderConfigSchema,
  samBackboneSchema,
  samConfigSchema,
} from '../../../../src/core/checkpoint/config-schema.ts';
import { samConfigJson, snakeKeys } from '../../../../src/core/checkpoint/config-json.ts';
import {
  DINOV2_VIT_B14,
  DINOV2_VIT_L14,
  DINOV2_VIT_S14,
  DINOV2_VIT_S14_REG,
  DINOV3_VIT_S16,
} from '../../../../src/core/networks/dino/config.ts';
import {
  MOBILE_SAM,
  PROMPT_ENCODER,
  RESNET50_DEEP,
  SAM_VIT_B,
  SAM_VIT_H,
  SAM_VIT_L,
  VGG16,
  VGG16_BN,
} from '../../../../src/core/networks/config.ts';

/** What is wrong with a configuration, as one text; empty when nothing is. */
function problems(schema: ZodType, json: unknown): string {
  const result = schema.safeParse(json);
  return result.success ? '' : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

const SAM = samConfigJson(SAM_VIT_B);
const MOBILE = samConfigJson(MOBILE_SAM);
const ENCODER = snakeKeys(PROMPT_ENCODER);
const DINO = snakeKeys(DINOV2_VIT_B14);
const DINO3 = snakeKeys(DINOV3_VIT_S16);

describe('the published configurations come back as they are', () => {
  test.each([
    ['SAM ViT-B', SAM_VIT_B],
    ['SAM ViT-L', SAM_VIT_L],
    ['SAM ViT-H', SAM_VIT_H],
    ['MobileSAM', MOBILE_SAM],
  ])('%s', (_, config) => {
    expect(samConfigSchema.parse(samConfigJson(config))).toEqual(config);
  });

  const known: [name: string, schema: ZodType, config: object][] = [
    ['prompt encoder', promptEncoderConfigSchema, PROMPT_ENCODER],
    ['ResNet-50', ownBackboneSchema, RESNET50_DEEP],
    ['VGG-16 with batch norm', ownBackboneSchema, VGG16_BN],
    ['VGG-16', ownBackboneSchema, VGG16],
    ['DINOv2-S', ownBackboneSchema, DINOV2_VIT_S14],
    ['DINOv2-B', ownBackboneSchema, DINOV2_VIT_B14],
    ['DINOv2-L', ownBackboneSchema, DINOV2_VIT_L14],
    ['DINOv2-S with registers', ownBackboneSchema, DINOV2_VIT_S14_REG],
    ['DINOv3-S', ownBackboneSchema, DINOV3_VIT_S16],
    ['SAM as backbone', samBackboneSchema, { kind: 'sam', midBlocks: [3, 7] }],
  ];
  test.each(known)('%s', (_, schema, config) => {
    expect(schema.parse(snakeKeys(config))).toEqual(config);
  });

  test('a ViT needs no name, as before there was another image encoder; its numbers stand beside the decoder’s', () => {
    expect(SAM).toEqual({
      image_size: 1024,
      ...{ patch_size: 16, embed_dim: 768, depth: 12, num_heads: 12, global_attn_indexes: [2, 5, 8, 11], window_size: 14, mlp_ratio: 4 },
      ...{ out_chans: 256, mask_in_chans: 16, decoder_depth: 2, decoder_mlp_dim: 2048, decoder_heads: 8, num_multimask_outputs: 3 },
      ...{ iou_head_depth: 3, iou_head_hidden_dim: 256 },
    });
    expect(samConfigSchema.parse({ image_encoder: 'vit', ...SAM })).toEqual(SAM_VIT_B);
  });

  test('VGG has batch norm unless said otherwise', () => {
    const json = snakeKeys(VGG16_BN);
    delete json['batch_norm'];
    expect(ownBackboneSchema.parse(json)).toEqual(VGG16_BN);
  });

  test('DINOv2 has no registers and DINOv3 turns by powers of 100 unless said otherwise', () => {
    const plain = { ...DINO, num_register_tokens: undefined };
    expect(ownBackboneSchema.parse(plain)).toEqual(DINOV2_VIT_B14);
    expect(ownBackboneSchema.parse({ ...DINO3, rope_theta: undefined })).toEqual(DINOV3_VIT_S16);
  });

  test('the input side of ResNet, VGG and DINOv3 is 512 unless said otherwise', () => {
    for (const config of [RESNET50_DEEP, VGG16_BN, DINOV3_VIT_S16]) {
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

  const mobile: [change: Record<string, unknown>, message: string][] = [
    [{ image_encoder: 'swin' }, 'image_encoder'],
    [{ image_encoder: undefined }, 'embed_dim'],
    [{ image_size: 1000 }, 'image_size'],
    [{ embed_dims: [64, 128, 161, 320] }, 'embed_dims must be multiples of num_heads'],
    [{ embed_dims: [63, 128, 160, 320] }, 'the first of embed_dims must be even'],
    [{ depths: [2, 2, 6] }, 'depths'],
    [{ depths: [2, 2, 6, 1_000_000] }, 'depths'],
    [{ window_sizes: [7, 7, 14, 1_000_000] }, 'window_sizes'],
    [{ local_conv_size: 4 }, 'local_conv_size: must be odd'],
    [{ mbconv_expand_ratio: 0 }, 'mbconv_expand_ratio'],
    [{ out_chans: 250 }, 'out_chans must be a multiple of'],
    [{ patch_size: 16 }, 'patch_size'],
  ];
  test.each(mobile)('MobileSAM with %j', (change, message) => {
    expect(problems(samConfigSchema, { ...MOBILE, ...change })).toContain(message);
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
      [DINOV3_VIT_S16, 'num_register_tokens', 1_000_000],
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
    expect(problems(ownBackboneSchema, { ...DINO3, image_size: 500 })).toContain('image_size must be a multiple of patch_size');
    expect(problems(ownBackboneSchema, { ...DINO3, num_heads: 64 })).toContain('embed_dim must be a multiple of 4 * num_heads');
    expect(problems(ownBackboneSchema, { ...DINO3, image_size: 16_384 })).toContain('width of a head must be at most');
    expect(problems(ownBackboneSchema, { ...DINO3, rope_theta: 0 })).toContain('rope_theta');
    expect(problems(ownBackboneSchema, { ...DINO, rope_theta: 100 })).toContain('rope_theta');
    expect(problems(ownBackboneSchema, { ...snakeKeys(VGG16_BN), widths: [1, 2, 3, 4] })).toContain('widths');
    expect(problems(ownBackboneSchema, { ...snakeKeys(RESNET50_DEEP), dilate: [0, 1, 1] })).toContain('dilate');
    expect(problems(samBackboneSchema, { kind: 'sam', mid_blocks: [] })).toContain('mid_blocks');
    expect(problems(samBackboneSchema, { kind: 'sam', mid_blocks: [1.5] })).toContain('mid_blocks');
  });
});
