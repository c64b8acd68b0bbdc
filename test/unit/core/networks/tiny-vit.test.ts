import { describe, expect, test } from 'vitest';
import { samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { gridBlocks, gridSize, MOBILE_SAM, SAM_VIT_B, type SamConfig, type TinyVitConfig } from '../../../../src/core/networks/config.ts';
import { samImageEncoder } from '../../../../src/core/networks/sam-image-encoder.ts';
import { samConfigJson } from '../../../../src/core/checkpoint/config-json.ts';
import { outputShapes, tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import type { Build } from '../../../golden/execute.ts';
import { deviations, RUNTIMES } from './reference-numbers.ts';

/** Every number differs from MobileSAM's, and windows of all three attending stages are filled up, cut whole or as large as the grid. */
const SMALL: TinyVitConfig = {
  kind: 'tiny_vit',
  embedDims: [8, 12, 16, 24],
  depths: [1, 2, 2, 1],
  numHeads: [1, 3, 2, 4],
  windowSizes: [7, 3, 3, 4],
  mlpRatio: 2,
  mbconvExpandRatio: 3,
  localConvSize: 5,
};
const SMALL_SAM: SamConfig = { ...MOBILE_SAM, imageSize: 64, outChans: 16, encoder: SMALL };

/**
 * Made once on PyTorch 2.15 by MobileSAM's own TinyViT class (its repository at 34bbbfdfac) built with the numbers above, the third
 * merging's stride set to 1 (that class goes by the width 320) and its neck rebuilt for 16 channels; weights, biases and
 * running statistics of the batch norms drawn from a seed (variances in [0.25, 1.75], attention biases standard normal), the image
 * standard normal; outputs of the blocks caught by hooks.
 */
const REFERENCE = 'test/unit/core/networks/fixtures/tiny-vit.safetensors';

const build: Build = (ops, weights, { image }) => {
  const { patches, blocks, embedding } = samImageEncoder(ops, weights, SMALL_SAM, image as never);
  return { patches: patches as never, embedding, ...Object.fromEntries(blocks.map((block, i) => [`block_${i}`, block])) };
};

describe('a small TinyViT', () => {
  test.each(Object.entries(RUNTIMES))("hits PyTorch's numbers on %s", async (_, engines) => {
    const found = await deviations(REFERENCE, await engines(), build);
    expect(Object.keys(found).sort()).toEqual(['block_0', 'block_1', 'block_2', 'embedding', 'patches']);
    for (const [name, share] of Object.entries(found)) expect(share, name).toBeLessThan(1e-5);
  });
});

describe("MobileSAM's image encoder", () => {
  const { encoder } = MOBILE_SAM;
  const needed = tensorsNeeded(imageEncoderGraph({ sam: { config: MOBILE_SAM } as never, backbone: { kind: 'sam', midBlocks: [0, 7] } }));
  const count = (wanted: (name: string) => boolean): number =>
    [...needed].filter(([name]) => wanted(name)).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);

  /** Counted on the state_dict of MobileSAM's own module without its classifier (norm_head, head) and num_batches_tracked. */
  test('asks for the 271 tensors of the original, 5,743,892 parameters and 9,856 running statistics', () => {
    const isStatistic = (name: string): boolean => /\.running_(mean|var)$/.test(name);
    expect(needed.size).toBe(271);
    expect(count((name) => !isStatistic(name))).toBe(5_743_892);
    expect(count(isStatistic)).toBe(9856);
  });

  test.each([
    ['patch_embed.seq.0.c.weight', [32, 3, 3, 3]],
    ['patch_embed.seq.2.bn.running_var', [64]],
    ['layers.0.blocks.1.conv2.c.weight', [256, 1, 3, 3]],
    ['layers.0.downsample.conv3.c.weight', [128, 128, 1, 1]],
    ['layers.1.blocks.0.attn.attention_biases', [4, 49]],
    ['layers.1.downsample.conv2.c.weight', [160, 1, 3, 3]],
    ['layers.2.blocks.5.attn.attention_biases', [5, 196]],
    ['layers.2.blocks.5.attn.qkv.weight', [480, 160]],
    ['layers.2.blocks.5.local_conv.bn.bias', [160]],
    ['layers.2.downsample.conv2.c.weight', [320, 1, 3, 3]],
    ['layers.3.blocks.1.attn.attention_biases', [10, 49]],
    ['layers.3.blocks.1.mlp.norm.weight', [320]],
    ['layers.3.blocks.1.mlp.fc1.weight', [1280, 320]],
    ['neck.0.weight', [256, 320, 1, 1]],
    ['neck.3.bias', [256]],
  ])('%s is %j', (name, shape) => {
    expect(needed.get(`image_encoder.${name}`)).toEqual(shape);
  });

  test('has SAM ViT-B’s grid; its eight blocks there can be the backbone’s maps', () => {
    expect([gridSize(MOBILE_SAM), gridSize(SAM_VIT_B)]).toEqual([64, 64]);
    expect([gridBlocks(MOBILE_SAM), gridBlocks(SAM_VIT_B)]).toEqual([8, 12]);
    const shapes = (midBlocks: number[]) =>
      outputShapes(imageEncoderGraph({ sam: { config: MOBILE_SAM } as never, backbone: { kind: 'sam', midBlocks } }));
    expect(shapes([0, 7])).toEqual({ embedding: [1, 256, 64, 64], mid: [1, 480, 64, 64] });
    expect(shapes([5])).toEqual({ embedding: [1, 256, 64, 64], mid: [1, 160, 64, 64] });
    expect(() => shapes([8])).toThrow('block 8');
  });

  test('stands in a manifest under the keys of its own code', () => {
    const json = samConfigJson(MOBILE_SAM);
    expect(json).toMatchObject({
      image_encoder: 'tiny_vit',
      image_size: 1024,
      embed_dims: [64, 128, 160, 320],
      window_sizes: [7, 7, 14, 7],
    });
    expect(samConfigSchema.parse(json)).toEqual(MOBILE_SAM);
    expect(encoder.kind).toBe('tiny_vit');
  });
});
