/** Score, uncertainty, presence and regions of a mask. */
import { describe, expect, it } from 'vitest';
import { expectedIou, scoredMask } from '../../../../src/core/engine/scoring.ts';
import type { MethodResult } from '../../../../src/core/engine/methods/method.ts';

const map = (values: number[], width = values.length) => ({ data: Float32Array.from(values), width, height: values.length / width });
const result = (field: number[], p: number[], more: Partial<MethodResult> = {}): MethodResult => ({
  ...{ field: map(field), probability: map(p), decision: Uint8Array.from(p, (value) => (value > 0.5 ? 1 : 0)) },
  ...more,
});

describe('score', () => {
  it('is the sum of p inside over the pixels inside and the sum of p outside', () => {
    const { probability, decision } = result([], [0.9, 0.7, 0.2, 0.2]);
    expect(expectedIou({ probability, decision })).toBeCloseTo((0.9 + 0.7) / (2 + 0.4), 6);
    expect(expectedIou({ probability, decision: new Uint8Array(4) })).toBe(0);
  });
});

describe('quality', () => {
  it('holds what is known: the score always, the rest where it was found out', () => {
    const bare = scoredMask('cup', 'nearest', result([1, -1], [0.9, 0.1]), {});
    expect(bare).toMatchObject({ label: 'cup', method: 'nearest', area: 1, boxXyxy: [0, 0, 1, 1] });
    expect(bare.quality).toEqual({ score: expect.closeTo(0.9 / 1.1, 6) as number, present: true });
    const checked = scoredMask(
      'cup',
      'prosam',
      result([1, -1], [0.9, 0.1], { samIou: 0.8 }),
      {},
      { basis: 'leave-one-out', referenceIou: 0.6 },
    );
    expect(checked.quality).toMatchObject({ samIou: 0.8, referenceIou: 0.6, referenceIouFrom: 'leave-one-out' });
  });

  it('says that an empty mask shows nothing', () => {
    const empty = scoredMask('cup', 'nearest', result([-1, -1], [0.4, 0.1]), {});
    expect(empty.quality).toEqual({ score: 0, present: false });
    expect(empty.boxXyxy).toBeUndefined();
  });
});

describe('details', () => {
  it('are the entropy of every pixel and regions with the mean probability of theirs', () => {
    const { uncertaintyMap, instances } = scoredMask('cup', 'nearest', result([1, -1, 1, 1], [0.9, 0.5, 1, 0.8]), {
      ...{ uncertaintyMap: true, instances: true, minInstanceShare: 0 },
    });
    expect([...(uncertaintyMap ?? [])]).toEqual([Math.round(255 * 0.46899559), 255, 0, Math.round(255 * 0.72192809)]);
    expect(instances?.map(({ area, score }) => [area, score])).toEqual([
      [2, expect.closeTo(0.9, 6)],
      [1, expect.closeTo(0.9, 6)],
    ]);
    const few = scoredMask('cup', 'nearest', result([1, -1, 1, 1], [0.9, 0.5, 1, 0.8]), { instances: true, minInstanceShare: 0.5 });
    expect(few.instances).toHaveLength(1);
  });
});
