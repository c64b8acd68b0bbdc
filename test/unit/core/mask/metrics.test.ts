import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confusion, confusionRates, EpisodeMeter, iou, overlap } from '../../../../src/core/mask/metrics.ts';

const anyPair = fc.integer({ min: 0, max: 60 }).chain((length) => {
  const pixels = fc.uint8Array({ minLength: length, maxLength: length, max: 1 });
  return fc.tuple(pixels, pixels, pixels);
});

describe('overlap and iou', () => {
  test('count pixels of both, and of either; ignored pixels count nowhere', () => {
    const a = Uint8Array.of(1, 1, 0, 0, 255);
    const b = Uint8Array.of(1, 0, 1, 0, 7);
    expect(overlap(a, b)).toEqual({ intersection: 2, union: 4 });
    expect(iou(a, b)).toBe(0.5);
    expect(overlap(a, b, Uint8Array.of(0, 255, 0, 0, 1))).toEqual({ intersection: 1, union: 2 });
  });

  test('two empty masks agree perfectly, an empty one and any other not at all', () => {
    expect(iou(new Uint8Array(4), new Uint8Array(4))).toBe(1);
    expect(iou(new Uint8Array(4), Uint8Array.of(0, 0, 1, 0))).toBe(0);
    expect(iou(Uint8Array.of(1), Uint8Array.of(0), Uint8Array.of(1))).toBe(1);
  });

  test('the measure is symmetric, between 0 and 1, and 1 for equal masks alone', () => {
    fc.assert(
      fc.property(anyPair, ([a, b]) => {
        expect(iou(a, b)).toBe(iou(b, a));
        expect(iou(a, b)).toBeGreaterThanOrEqual(0);
        expect(iou(a, b) === 1).toBe(a.every((value, i) => value === b[i]));
      }),
    );
  });
});

describe('confusion', () => {
  test('every pixel that is not ignored falls in one of the four, in line with the overlap', () => {
    fc.assert(
      fc.property(anyPair, ([prediction, truth, ignore]) => {
        const { tp, tn, fp, fn } = confusion(prediction, truth, ignore);
        expect(tp + tn + fp + fn).toBe(ignore.filter((value) => value === 0).length);
        expect({ intersection: tp, union: tp + fp + fn }).toEqual(overlap(prediction, truth, ignore));
      }),
    );
  });

  test('tells the two kinds of mistake apart', () => {
    expect(confusion(Uint8Array.of(1, 1, 0, 0, 0), Uint8Array.of(1, 0, 1, 1, 0))).toEqual({ tp: 1, fp: 1, fn: 2, tn: 1 });
  });

  test('rates are of the true class, shares of all pixels', () => {
    const rates = confusionRates({ tp: 30, fn: 10, tn: 45, fp: 15 });
    expect(rates).toEqual({ tpr: 0.75, fnr: 0.25, tnr: 0.75, fpr: 0.25, tpShare: 0.3, fnShare: 0.1, tnShare: 0.45, fpShare: 0.15 });
    expect(Object.values(confusionRates({ tp: 0, tn: 0, fp: 0, fn: 0 })).every((rate) => rate === 0)).toBe(true);
  });
});

describe('EpisodeMeter', () => {
  test('the IoU of a class is its summed intersection over its summed union, not a mean of IoUs', () => {
    const meter = new EpisodeMeter(3);
    meter.add(1, Uint8Array.of(1, 0, 0, 0, 0), Uint8Array.of(1, 0, 0, 0, 0)); // IoU 1 of one pixel
    meter.add(1, Uint8Array.of(1, 1, 1, 1, 0), Uint8Array.of(1, 1, 0, 0, 0)); // IoU 1/2 of four
    expect(meter.classIou(1)).toBe(3 / 5);
    meter.add(2, Uint8Array.of(0, 0, 0, 0, 0), Uint8Array.of(1, 0, 0, 0, 0));
    expect(meter.classIou(2)).toBe(0);
    expect(meter.miou([1, 2])).toBeCloseTo(30, 10);
    // Background: (4 + 1 + 4) of (4 + 3 + 5); foreground: 3 of (1 + 4 + 1).
    expect(meter.fbIou([1, 2])).toBeCloseTo((100 * (9 / 12 + 3 / 6)) / 2, 10);
  });

  test('a class never seen has IoU 0', () => {
    expect(new EpisodeMeter(2).classIou(1)).toBe(0);
  });

  test('episodes in any order, or in two meters added up, give the same sums', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), anyPair), { maxLength: 8 }), (episodes) => {
        const [forwards, backwards] = [new EpisodeMeter(4), new EpisodeMeter(4)];
        for (const [id, [prediction, truth]] of episodes) forwards.add(id, prediction, truth);
        for (const [id, [prediction, truth]] of episodes.toReversed()) backwards.add(id, prediction, truth);
        expect(forwards).toEqual(backwards);
        expect(forwards.miou([0, 1, 2, 3])).toBeLessThanOrEqual(100);
      }),
    );
  });
});
