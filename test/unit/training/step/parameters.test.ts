import { describe, expect, test } from 'vitest';
import type { BackboneConfig } from '../../../../src/core/networks/config.ts';
import { PROMPT_ENCODER, type PromptEncoderConfig, type SamConfig } from '../../../../src/core/networks/config.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { encodeReferenceGraph, encodeTargetGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { initialParameters, promptEncoderShapes } from '../../../../src/training/step/parameters.ts';

const SMALL: PromptEncoderConfig = { ...PROMPT_ENCODER, midChannels: 48, dim: 32, numPrompts: 100 };

/** What the networks themselves ask for. A plain SAM of width 24 whose two blocks are the mid-level maps: 48 channels. */
function asked(config: PromptEncoderConfig): Map<string, readonly number[]> {
  const sam = {
    imageSize: 64,
    encoder: { kind: 'vit', patchSize: 16, embedDim: 24, depth: 2, numHeads: 2, globalAttnIndexes: [1], windowSize: 2, mlpRatio: 2 },
    outChans: config.dim,
    maskInChans: 16,
    decoderDepth: 2,
    decoderMlpDim: 32,
    decoderHeads: 2,
    numMultimaskOutputs: 3,
    iouHeadDepth: 3,
    iouHeadHiddenDim: 32,
  } satisfies SamConfig;
  const backbone = { kind: 'sam', midBlocks: [0, 1] } satisfies BackboneConfig;
  const parts = { sam: { config: sam }, backbone, prompt_encoder: { config } } as unknown as Parameters<typeof encodeReferenceGraph>[0];
  return tensorsNeeded(encodeReferenceGraph(parts), encodeTargetGraph(parts));
}

function sorted(shapes: ReadonlyMap<string, readonly number[]>): [string, readonly number[]][] {
  return [...shapes].sort(([a], [b]) => (a < b ? -1 : 1));
}

function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe('promptEncoderShapes', () => {
  test.each([true, false])('are exactly what the networks ask for (probabilistic: %s)', (probabilistic) => {
    const config = { ...SMALL, probabilistic };
    expect(sorted(promptEncoderShapes(config))).toEqual(sorted(asked(config)));
  });

  test('of stacked heads are what the networks ask for, as many as ProSAM has', () => {
    const config = { ...SMALL, probabilistic: false, stackedHeads: true };
    expect(sorted(promptEncoderShapes(config))).toEqual(sorted(asked(config)));
    expect(promptEncoderShapes(config)).toEqual(promptEncoderShapes(SMALL));
  });

  test("count the paper's 1,723,648 parameters", () => {
    const counts = [...promptEncoderShapes(PROMPT_ENCODER).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(1_723_648);
  });

  test('keep one order', () => {
    const names = [...promptEncoderShapes(SMALL).keys()];
    expect(names.slice(0, 4)).toEqual(['reduce.weight', 'fuse.weight', 'queries', 'ref_cross.attn.in_proj_weight']);
    expect(names.slice(-4)).toEqual(['mu_head.weight', 'mu_head.bias', 'log_sigma_head.weight', 'log_sigma_head.bias']);
    expect(names).toHaveLength(31);
  });
});

describe('initialParameters', () => {
  const start = initialParameters(SMALL, seededRandom(5));
  const values = (name: string): Float32Array => start.get(name)?.data as Float32Array;

  test('one seed, one encoder; names and shapes in order', () => {
    expect(initialParameters(SMALL, seededRandom(5))).toEqual(start);
    expect(initialParameters(SMALL, seededRandom(6)).get('queries')).not.toEqual(start.get('queries'));
    expect([...start].map(([name, { shape }]) => [name, shape])).toEqual([...promptEncoderShapes(SMALL)]);
    for (const { data, shape } of start.values()) expect(data).toHaveLength(shape.reduce((a, b) => a * b, 1));
  });

  test('queries are standard normal', () => {
    expect(deviation(values('queries'))).toBeCloseTo(1, 1);
    expect(Math.max(...values('queries'))).toBeGreaterThan(2.5);
  });

  // The standard deviation of a uniform variable within +-bound is bound / sqrt(3).
  test.each([
    ['reduce.weight', 1 / Math.sqrt(48)],
    ['fuse.weight', 1 / Math.sqrt(65)],
    ['ref_cross.attn.in_proj_weight', Math.sqrt(6 / (96 + 32))],
    ['tgt_self.attn.out_proj.weight', Math.sqrt(6 / (32 + 32))],
    ['mu_head.weight', 1 / Math.sqrt(32)],
    ['log_sigma_head.weight', 1 / Math.sqrt(32)],
  ])('%s is uniform within %d', (name, bound) => {
    const data = values(name);
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(bound * 0.97);
    expect(deviation(data) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
  });

  test('biases of attention are 0, of heads within 1 / sqrt(dim); norms are 1 and 0', () => {
    for (const name of ['ref_self.attn.in_proj_bias', 'tgt_cross.attn.out_proj.bias', 'tgt_self.norm.bias'])
      expect(values(name).every((value) => value === 0)).toBe(true);
    expect(values('ref_cross.norm.weight').every((value) => value === 1)).toBe(true);
    const bias = values('mu_head.bias');
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(32));
    expect(new Set(bias).size).toBeGreaterThan(16);
  });
});

test('output projections begin smaller where it is asked for; everything else is drawn as before', () => {
  const whole = initialParameters(SMALL, seededRandom(1));
  const tenth = initialParameters(SMALL, seededRandom(1), 0.1);
  for (const [name, { data }] of whole) {
    const factor = name.endsWith('.out_proj.weight') ? 0.1 : 1;
    expect(tenth.get(name)?.data, name).toEqual(data.map((value) => Math.fround(factor * value)));
  }
});
