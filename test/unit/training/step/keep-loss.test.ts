import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';
import { keepLoss } from '../../../../src/training/step/keep-loss.ts';
import { meanCosine } from '../../../../src/training/step/mean-cosine.ts';

const random = seededRandom(3);
const values = (count: number, scale = 1): Float32Array => Float32Array.from({ length: count }, () => scale * normal(random));
const IMAGES = 2;
const start = { mu: values(IMAGES * 6), coarse: values(IMAGES * 4, 3) };
const now = { mu: values(IMAGES * 6), coarse: values(IMAGES * 4, 3) };

describe('distance from the starting answers', () => {
  it('is nothing at the start', () => {
    const { loss, mu, coarse } = keepLoss(start, start, IMAGES);
    expect(loss).toBe(0);
    expect([...mu, ...(coarse ?? [])].every((slope) => slope === 0)).toBe(true);
  });

  it('is 1 where the prompts have gone, whatever their length', () => {
    const gone = { mu: new Float32Array(IMAGES * 6) };
    expect(keepLoss(gone, { mu: start.mu }, IMAGES).loss).toBeCloseTo(1, 6);
    expect(keepLoss(gone, { mu: start.mu.map((value) => 100 * value) }, IMAGES).loss).toBeCloseTo(1, 6);
  });

  it.each(['mu', 'coarse'] as const)('has the slope along %s that differences give', (part) => {
    const slopes = keepLoss(now, start, IMAGES)[part] as Float32Array;
    now[part].forEach((value, i) => {
      const at = (by: number): number => {
        const moved = now[part].slice();
        moved[i] = value + by;
        return keepLoss({ ...now, [part]: moved }, start, IMAGES).loss;
      };
      expect(slopes[i]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 3);
    });
  });

  it('does not push logits that the decoder cuts off', () => {
    const { coarse } = keepLoss({ mu: start.mu, coarse: Float32Array.of(9, 1) }, { mu: start.mu, coarse: Float32Array.of(0, 0) }, 1);
    expect(coarse?.[0]).toBe(0);
    expect(coarse?.[1]).toBeGreaterThan(0);
  });
});

describe('likeness of prompts', () => {
  it('is 1 for equal directions, 0 for a right angle, and the mean over pairs and images', () => {
    expect(meanCosine(Float32Array.of(1, 2, 2, 4, 3, 6), 3, 2)).toBeCloseTo(1, 6);
    expect(meanCosine(Float32Array.of(1, 0, 0, 5), 2, 2)).toBeCloseTo(0, 6);
    expect(meanCosine(Float32Array.of(1, 0, -1, 0, 1, 0, 1, 0), 2, 2)).toBeCloseTo(0, 6);
  });
});
