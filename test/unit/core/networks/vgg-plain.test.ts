import { describe, expect, test } from 'vitest';
import { backboneFinal, backboneTrunk } from '../../../../src/core/networks/backbone.ts';
import { VGG16, VGG16_BN, type VggConfig } from '../../../../src/core/networks/config.ts';
import { tensorsNeeded, type NetworkDefinition } from '../../../../src/core/onnx/emit.ts';
import type { Build } from '../../../golden/execute.ts';
import { deviations, RUNTIMES } from './reference-numbers.ts';

const SMALL: VggConfig = { kind: 'vgg', imageSize: 48, widths: [4, 6, 8, 8, 10], convs: [1, 2, 1, 2, 1], batchNorm: false };

/**
 * Made once on PyTorch 2.15 by torchvision 0.29's own list of layers, make_layers([4, 'M', 6, 6, 'M', 8, 'M', 8, 8, 'M', 10, 'M'], batch_norm=False),
 * with normal weights from a seed; f2 and f3 after the third and fourth pool, f4 before the fifth.
 */
const REFERENCE = 'test/unit/core/networks/fixtures/vgg-plain.safetensors';

const build: Build = (ops, weights, { image }) => {
  const { f2, f3, state } = backboneTrunk(ops, weights, SMALL, image as never);
  return { f2, f3, f4: backboneFinal(ops, weights, SMALL, state) };
};

describe('a small VGG without batch norm', () => {
  test.each(Object.entries(RUNTIMES))("hits PyTorch's numbers on %s", async (_, engines) => {
    const found = await deviations(REFERENCE, await engines(), build);
    expect(Object.keys(found).sort()).toEqual(['f2', 'f3', 'f4']);
    for (const [name, share] of Object.entries(found)) expect(share, name).toBeLessThan(1e-5);
  });
});

describe('VGG-16', () => {
  const needed = (config: VggConfig) => {
    const definition: NetworkDefinition = {
      name: 'vgg',
      inputs: { image: [1, 3, config.imageSize, config.imageSize] },
      build: (ops, weights, { image }) => ({
        f4: backboneFinal(ops, weights, config, backboneTrunk(ops, weights, config, image as never).state),
      }),
    };
    const tensors = tensorsNeeded(definition);
    return { names: [...tensors.keys()], count: [...tensors.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0) };
  };

  /** 14,714,688 is what torchvision's vgg16().features counts. */
  test('counts the layers of the list without batch norm in twos', () => {
    const { names, count } = needed(VGG16);
    const at = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    expect(names).toEqual(at.flatMap((i) => [`features.${i}.weight`, `features.${i}.bias`]));
    expect(count).toBe(14_714_688);
  });

  test('and with it in threes', () => {
    const { names } = needed(VGG16_BN);
    expect(names).toContain('features.40.weight');
    expect(names).toContain('features.41.running_var');
    expect(names).toHaveLength(13 * 6);
  });
});
