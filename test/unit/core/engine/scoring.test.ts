/** Score, uncertainty, presence and regions of a mask. */
import { describe, expect, it } from 'vitest';
import type { DrawnMask } from '../../../../src/core/engine/auto.ts';
import { confidenceOf } from '../../../../src/core/engine/confidence.ts';
import { scoredInstances, scoredMask } from '../../../../src/core/engine/scoring.ts';
import { runStepsSync } from '../../../../src/core/mask/cooperative.ts';
import { splitInstances } from '../../../../src/core/mask/instances.ts';
import type { Evidence } from '../../../../src/core/engine/trust/evidence-numbers.ts';
import { expectedIou } from '../../../../src/core/engine/trust/expected-iou.ts';
import type { MethodResult } from '../../../../src/core/engine/methods/method.ts';

const map = (values: number[], width = values.length) => ({ data: Float32Array.from(values), width, height: values.length / width });
const result = (field: number[], p: number[], more: Partial<MethodResult> = {}): MethodResult => ({
  ...{ field: map(field), probability: map(p), decision: Uint8Array.from(p, (value) => (value > 0.5 ? 1 : 0)) },
  ...more,
});

/** As it comes from a method, and what was found about it. */
const drawn = (made: MethodResult, judged: { score?: number; present?: number } = {}, more: Partial<DrawnMask> = {}): DrawnMask => ({
  ...{ name: 'nearest', result: made, judgement: { evidence: {} as Evidence, score: 0.7, present: 0.9, ...judged } },
  ...more,
});

describe('expected IoU', () => {
  it('is the sum of p inside over the pixels inside and the sum of p outside', () => {
    const { probability, decision } = result([], [0.9, 0.7, 0.2, 0.2]);
    expect(expectedIou({ probability, decision })).toBeCloseTo((0.9 + 0.7) / (2 + 0.4), 6);
    expect(expectedIou({ probability, decision: new Uint8Array(4) })).toBe(0);
  });
});

describe('quality', () => {
  it('holds what is known: score and presence always, the rest where it was found out', () => {
    const bare = scoredMask('cup', drawn(result([1, -1], [0.9, 0.1])), {});
    expect(bare).toMatchObject({ label: 'cup', method: 'nearest', area: 1, boxXyxy: [0, 0, 1, 1] });
    expect(bare.quality).toEqual({ score: 0.7, present: 0.9 });
    const check = { basis: 'leave-one-out', referenceIou: 0.6 } as const;
    const checked = scoredMask('cup', drawn(result([1, -1], [0.9, 0.1], { samIou: 0.8 }), {}, { check, compared: { nearest: 0.7 } }), {});
    expect(checked.quality).toMatchObject({
      samIou: 0.8,
      referenceIou: 0.6,
      referenceIouFrom: 'leave-one-out',
      compared: { nearest: 0.7 },
    });
  });

  it('leaves out a mask whose concept is likely absent, and says so', () => {
    const unlikely = (threshold?: number) =>
      scoredMask('cup', drawn(result([1, -1], [0.9, 0.1]), { present: 0.2 }), threshold === undefined ? {} : { threshold });
    expect(unlikely(0.3)).toMatchObject({ area: 0, quality: { score: 0.7, present: 0.2, withheld: true } });
    expect([...unlikely(0.3).mask.data]).toEqual([0, 0]);
    expect(unlikely(0.3).boxXyxy).toBeUndefined();
    for (const threshold of [undefined, 0, 0.2]) {
      expect(unlikely(threshold).area).toBe(1);
      expect(unlikely(threshold).quality).not.toHaveProperty('withheld');
    }
  });

  it('says of an empty mask that nothing was found, and not that it was left out', () => {
    const empty = scoredMask('cup', drawn(result([-1, -1], [0.4, 0.1]), { score: 0, present: 0 }), {});
    expect(empty.quality).toEqual({ score: 0, present: 0 });
    expect(empty.boxXyxy).toBeUndefined();
  });
});

describe('specks and holes', () => {
  // A ring of eight, a speck of one, in five columns.
  const rows = ['###..', '#.#..', '###.#'];
  const field = rows.flatMap((row) => Array.from(row).map((letter) => (letter === '#' ? 1 : -1)));
  const made = {
    ...result([], []),
    field: map(field, 5),
    probability: map(
      field.map((value) => (value > 0 ? 0.9 : 0.2)),
      5,
    ),
  };

  it('are gone before anything is said about the mask: pixels, area and box agree', () => {
    const options = { minArea: 2, fillHoles: true };
    const { mask, area, boxXyxy } = scoredMask('cup', drawn(made), options);
    expect([...mask.data]).toEqual([1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0]);
    expect({ area, boxXyxy }).toEqual({ area: 9, boxXyxy: [0, 0, 3, 3] });
  });

  it('never leave an empty mask', () => {
    expect(scoredMask('cup', drawn(made), { minArea: 1000 }).area).toBe(8);
    expect(scoredMask('cup', drawn(made), { largestOnly: true }).area).toBe(8);
    expect(scoredMask('cup', drawn(result([-1, 1], [0.1, 0.9])), { minArea: 0.9 }).area).toBe(1);
  });
});

describe('confidence', () => {
  it('is the expected IoU of a mask with the chance that nothing is there, or that chance where there is none', () => {
    expect(confidenceOf({ area: 4, quality: { score: 0.5, present: 0.8 } })).toBeCloseTo(0.4);
    expect(confidenceOf({ area: 0, quality: { score: 0.5, present: 0.2 } })).toBeCloseTo(0.8);
  });
});

describe('details', () => {
  it('are the entropy of every pixel and regions with the mean probability of theirs', () => {
    const { probability, ...made } = result([1, -1, 1, 1], [0.9, 0.5, 1, 0.8]);
    const { uncertaintyMap, mask } = scoredMask('cup', drawn({ ...made, probability }), { uncertaintyMap: true });
    expect([...(uncertaintyMap ?? [])]).toEqual([Math.round(255 * 0.46899559), 255, 0, Math.round(255 * 0.72192809)]);
    const instances = runStepsSync(scoredInstances(splitInstances(mask, 1), probability, mask));
    expect(instances.map(({ area, score }) => [area, score])).toEqual([
      [2, expect.closeTo(0.9, 6)],
      [1, expect.closeTo(0.9, 6)],
    ]);
  });
});
