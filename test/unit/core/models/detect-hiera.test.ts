/** SAM 2's numbers that stand in no shape: from the published sizes, from config.json, or an error that says what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CheckpointTensors } from '../../../../src/core/checkpoint/checkpoint.ts';
import { samTensors } from '../../../../src/core/checkpoint/names/sam.ts';
import { describeSam } from '../../../../src/core/models/detect-sam.ts';
import { atImageSize } from '../../../../src/core/models/image-size.ts';
import { PUBLISHED_HIERAS } from '../../../../src/core/models/published-hiera.ts';
import { parseSam2Facts, sam2FactsBeside } from '../../../../src/core/models/transformers-config.ts';
import { SAM2_HIERA_BASE_PLUS, SAM2_HIERA_LARGE, SAM2_HIERA_TINY, SAM_VIT_B, type HieraConfig, type SamConfig } from '../../../../src/core/networks/config.ts'; // prettier-ignore
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { decodePointsGraph, decodePromptsGraph, imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { expectCode, expectRejection } from '../expect-error.ts';

/** The tensors that a SAM's networks ask for, without values. */
function tensorsOf(config: SamConfig): CheckpointTensors {
  const parts = { sam: { config }, backbone: { kind: 'sam', midBlocks: [0] } } as unknown as Parameters<typeof imageEncoderGraph>[0];
  const needed = tensorsNeeded(imageEncoderGraph(parts), decodePromptsGraph(parts), decodePointsGraph(parts, true));
  return new Map([...needed].map(([name, shape]) => [name, { dtype: 'F32', shape, byteLength: 0, parts: [] } as never]));
}

const encoderOf = ({ encoder }: SamConfig): HieraConfig => encoder as HieraConfig;
/** A small trunk of no published size. */
const SMALL: SamConfig = {
  ...SAM2_HIERA_TINY,
  encoder: {
    ...encoderOf(SAM2_HIERA_TINY),
    embedDim: 16,
    stages: [1, 2, 3, 1],
    globalAttBlocks: [4, 5],
    windowSpec: [8, 4, 6, 3],
    numHeads: 2,
  },
};
const JSON_OF_SMALL = {
  model_type: 'sam2',
  vision_config: {
    backbone_config: {
      hidden_size: 16,
      image_size: [512, 512],
      blocks_per_stage: [1, 2, 3, 1],
      embed_dim_per_stage: [16, 32, 64, 128],
      num_attention_heads_per_stage: [2, 4, 8, 16],
      window_size_per_stage: [8, 4, 6, 3],
      global_attention_blocks: [4, 5],
    },
  },
};
const facts = (json: unknown) => parseSam2Facts(JSON.stringify(json), 'beside/config.json');
/** The same with other keys of the trunk. */
const withTrunk = (changes: object): object => ({
  model_type: 'sam2',
  vision_config: { backbone_config: { ...JSON_OF_SMALL.vision_config.backbone_config, ...changes } },
});

describe('SAM 2 without a config.json', () => {
  it.each(PUBLISHED_HIERAS)('$size is recognised by what its networks ask for', ({ config }) => {
    expect(describeSam(samTensors(tensorsOf(config), 'sam2'), 'sam2')).toEqual(config);
  });

  it('of no published size is an error that names those, and what is needed', () => {
    const tensors = tensorsOf(SMALL);
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(tensors, 'mine.pt'), 'mine.pt', /large: width 144, blocks 2-6-36-4/, 'got a Hiera of width 16, blocks 1-2-3-1', 'config.json'); // prettier-ignore
  });

  it('with other stages or another window is an error', () => {
    const without = new Map([...tensorsOf(SAM2_HIERA_TINY)].filter(([name]) => !/blocks\.10\.proj\./.test(name)));
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(without, 'x'), 'four stages', '12 blocks with projections at 1, 3');
    const window = new Map(tensorsOf(SAM2_HIERA_TINY));
    window.set('image_encoder.trunk.pos_embed_window', { dtype: 'F32', shape: [1, 96, 16, 16], byteLength: 0, parts: [] as never });
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(window, 'x'), 'windows of 8 cells', 'got a table for 16');
  });
});

describe('config.json of Hugging Face', () => {
  it('tells what stands in no shape', () => {
    const described = describeSam(tensorsOf(SMALL), 'x', { facts: facts(JSON_OF_SMALL) });
    expect(described).toEqual({ ...SMALL, imageSize: 512 });
  });

  it('wins over a published size, decoder and image side included', () => {
    const other = {
      model_type: 'sam2_video',
      vision_config: { backbone_config: { image_size: 768, window_size_per_stage: [8, 4, 12, 6], global_attention_blocks: [6] } },
      prompt_encoder_config: { image_size: 768 },
      mask_decoder_config: { num_attention_heads: 4, dynamic_multimask_stability_delta: 0.1, dynamic_multimask_via_stability: false },
    };
    const { imageSize, encoder, decoderHeads, sam2 } = describeSam(tensorsOf(SAM2_HIERA_TINY), 'x', { facts: facts(other) });
    expect({ imageSize, decoderHeads, sam2 }).toEqual({
      imageSize: 768,
      decoderHeads: 4,
      sam2: { predObjScores: true, stability: { dynamicMultimaskStabilityDelta: 0.1, dynamicMultimaskStabilityThresh: 0 } },
    });
    expect(encoder).toMatchObject({ windowSpec: [8, 4, 12, 6], globalAttBlocks: [6], numHeads: 1 });
  });

  it('may leave out what equals the tiny size, and may say nothing of the trunk', () => {
    const tiny = facts({ model_type: 'sam2', vision_config: { backbone_config: {} } });
    expect(describeSam(tensorsOf(SAM2_HIERA_TINY), 'x', { facts: tiny })).toEqual(SAM2_HIERA_TINY);
    for (const silent of [{ model_type: 'sam2' }, { model_type: 'sam2', vision_config: {} }])
      expect(describeSam(tensorsOf(SAM2_HIERA_BASE_PLUS), 'x', { facts: facts(silent) })).toEqual(SAM2_HIERA_BASE_PLUS);
  });

  it('of other weights is an error, not a guess', () => {
    const large = tensorsOf(SAM2_HIERA_LARGE);
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(large, 'large.pt', { facts: facts(JSON_OF_SMALL) }), 'large.pt', 'beside/config.json describes (width 16, blocks 1-2-3-1), got width 144'); // prettier-ignore
    const window = facts(withTrunk({ window_size_per_stage: [16, 4, 6, 3] }));
    expectCode('CHECKPOINT_MISMATCH', () => describeSam(tensorsOf(SMALL), 'x', { facts: window }), 'windows of 16 cells in the first stage, as beside/config.json says'); // prettier-ignore
  });

  it('of something else says nothing here', () => {
    for (const json of [{}, { model_type: 'bert' }, { model_type: 7 }, [], 'text', null])
      expect(facts(json), JSON.stringify(json)).toBeUndefined();
  });

  it.each([
    [{ num_query_pool_stages: 2 }, 'num_query_pool_stages'],
    [{ patch_stride: [2, 2] }, 'patch_stride'],
    [{ hidden_act: 'relu' }, 'hidden_act'],
    [{ blocks_per_stage: [1, 2, 3] }, 'blocks_per_stage'],
    [{ global_attention_blocks: 'all' }, 'global_attention_blocks'],
    [{ global_attention_blocks: Array.from({ length: 2000 }, () => 1) }, 'global_attention_blocks'],
    [{ window_size_per_stage: [8, 4, -6, 3] }, 'window_size_per_stage'],
    [{ num_attention_heads_per_stage: [2, 2, 2, 2] }, 'double from stage to stage'],
    [{ embed_dim_per_stage: [16, 32, 64, 64] }, 'double from stage to stage'],
    [{ image_size: [512, 768] }, 'one image side, got 512 and 768'],
  ])('with %o is refused', (changes, what) => {
    expectCode('CHECKPOINT_MISMATCH', () => facts(withTrunk(changes)), 'beside/config.json', what);
  });

  const folder = mkdtempSync(join(tmpdir(), 'prosam-config-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it('is read from beside the weights, no further than it may reach', async () => {
    const weights = join(folder, 'model.safetensors');
    const place = join(folder, 'config.json');
    expect(await sam2FactsBeside(weights)).toBeUndefined();
    writeFileSync(place, JSON.stringify(JSON_OF_SMALL));
    expect(await sam2FactsBeside(weights)).toMatchObject({ path: place, imageSize: 512 });
    writeFileSync(place, '{');
    await expectRejection('CHECKPOINT_INVALID', sam2FactsBeside(weights), place, 'expected JSON');
    writeFileSync(place, Buffer.alloc(1_000_001, ' '));
    await expectRejection('CHECKPOINT_INVALID', sam2FactsBeside(weights), 'at most 1000000 bytes, got 1000001');
  });
});

describe('an image size that is given', () => {
  it('is that of SAM 2 where cells and windows divide it', () => {
    expect(atImageSize(SAM2_HIERA_TINY, undefined, 'x')).toEqual(SAM2_HIERA_TINY);
    expect(atImageSize(SAM2_HIERA_TINY, 512, 'x')).toEqual({ ...SAM2_HIERA_TINY, imageSize: 512 });
    const wide = { ...SAM2_HIERA_TINY, encoder: { ...encoderOf(SAM2_HIERA_TINY), windowSpec: [24, 4, 14, 7] } } as SamConfig;
    expectCode('OPTION_INVALID', () => atImageSize(wide, 512, 'x'), 'a multiple of 32 and of 96, got 512');
    for (const side of [0, 31, 100, 500, 1000, 2 ** 20]) expectCode('OPTION_INVALID', () => atImageSize(SAM2_HIERA_TINY, side, 'x'), 'image size', String(side)); // prettier-ignore
  });

  it('of any other SAM has to be its own', () => {
    expect(atImageSize(SAM_VIT_B, 1024, 'x')).toBe(SAM_VIT_B);
    expectCode('OPTION_INVALID', () => atImageSize(SAM_VIT_B, 512, 'sam.pth'), 'expected 1024, the only one sam.pth was made for, got 512');
  });

  it('does not hide a trunk that cannot be computed', () => {
    const first = { ...SAM2_HIERA_TINY, encoder: { ...encoderOf(SAM2_HIERA_TINY), globalAttBlocks: [3] } } as SamConfig;
    for (const side of [undefined, 512]) expectCode('CHECKPOINT_MISMATCH', () => atImageSize(first, side, 'x'), 'global_att_blocks');
  });
});
