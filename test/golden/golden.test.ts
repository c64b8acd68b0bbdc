import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import { runGolden } from './run.ts';

/** Outputs of the shipped set that this project computes so far; grows with it. */
const IMPLEMENTED = 166;
const SHIPPED = 'test/golden/data';
const BESIDE = '../shared/golden';

describe('golden numbers', () => {
  it.each([SHIPPED, ...(existsSync(`${BESIDE}/manifest.json`) ? [BESIDE] : [])])('are hit by every implemented case of %s', async (dir) => {
    const lines: string[] = [];
    const totals = await runGolden(dir, (line) => lines.push(line));
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
    expect(totals.passed).toBeGreaterThanOrEqual(IMPLEMENTED);
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
