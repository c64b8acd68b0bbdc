import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTrainingEngine } from '../../src/training/tfjs/engine.ts';
import { NODE_ENGINE_LABEL, nodeEngineHere } from '../unit/training/node-engine.ts';
import { compare } from './compare.ts';
import type { Engines } from './golden-set.ts';
import { runGolden } from '../../tools/golden/run.ts';
import { SHIPPED_SETS } from './shipped-sets.ts';

/** A set by its place, where it ships and where it was made. */
const sets = SHIPPED_SETS.flatMap(({ dir, beside, ...set }) =>
  [dir, ...(beside === undefined ? [] : [beside])]
    .filter((place) => existsSync(`${place}/manifest.json`))
    .map((place) => ({ ...set, dir: place })),
);

/** What is not an agreement, line by line. */
async function run(dir: string, engines: Engines): Promise<{ passed: number; rest: string[] }> {
  const lines: string[] = [];
  const { passed } = await runGolden(dir, (line) => lines.push(line), engines);
  return { passed, rest: lines.filter((line) => !line.startsWith('ok ')) };
}

describe.each(sets)('golden numbers of $dir', ({ dir, outputs, notComputed }) => {
  it('are hit by every case where ONNX Runtime runs the networks and wasm differentiates', async () => {
    const { tf } = await loadTrainingEngine('wasm');
    expect(await run(dir, { tf })).toEqual({ passed: outputs, rest: notComputed });
  });

  it('are hit by every network on wasm', async () => {
    const { tf } = await loadTrainingEngine('wasm');
    expect(await run(dir, { tf, networks: 'tfjs' })).toEqual({ passed: outputs, rest: notComputed });
  });

  it.skipIf(!nodeEngineHere)(`are hit by every case and every network on ${NODE_ENGINE_LABEL}`, async () => {
    const { tf } = await loadTrainingEngine('node');
    expect(await run(dir, { tf, networks: 'tfjs' })).toEqual({ passed: outputs, rest: notComputed });
  });
});

describe('golden numbers', () => {
  it.each(SHIPPED_SETS)('of $dir leave the cases of training out, and say so, where nothing differentiates', async (set) => {
    const { passed, rest } = await run(set.dir, {});
    expect(passed).toBe(set.withoutEngine);
    expect(rest.length > set.notComputed.length).toBe(set.withoutEngine < set.outputs);
    expect(rest.filter((line) => !/^not yet: .* needs a training engine$/.test(line))).toEqual(set.notComputed);
  });

  it('are missed by values that are off', () => {
    const expected = { data: Float32Array.of(1, 2), shape: [2] };
    const rule = { shape: [2], dtype: 'f32' as const, atol: 0.01 };
    expect(compare([1, 2.009], expected, rule).ok).toBe(true);
    expect(compare([1, 2.011], expected, rule).ok).toBe(false);
    expect(compare([1, NaN], expected, rule).ok).toBe(false);
    expect(compare([1], expected, rule).ok).toBe(false);
    expect(compare([1, 2.009], expected, { ...rule, rms_atol: 0.001 }).ok).toBe(false);
    const bits = { data: Uint8Array.of(1, 0, 1, 0), shape: [4] };
    expect(compare([1, 0, 1, 1], bits, { shape: [4], dtype: 'u8' }).ok).toBe(false);
    expect(compare([1, 0, 1, 1], bits, { shape: [4], dtype: 'u8', max_differing: 1 }).ok).toBe(true);
    expect(compare([1, 0, 1, 1], bits, { shape: [4], dtype: 'u8', min_iou: 0.8 }).ok).toBe(false);
  });
});
