import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox, emptyMask, fillBox, maskArea } from '../../../../src/core/mask/raster.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { annotateForTraining } from '../../../../src/training/batches/simulate-annotation.ts';
import { ANNOTATION_MODES } from '../../../../src/training/types.ts';

const SIZE = 96;
const PHASES = ['training', 'evaluation'] as const;

const masks = fc
  .tuple(fc.nat(SIZE - 2), fc.nat(SIZE - 2), fc.integer({ min: 1, max: SIZE }), fc.integer({ min: 1, max: SIZE }))
  .map(([x, y, width, height]) => {
    const mask = emptyMask(SIZE, SIZE);
    fillBox(mask, [x, y, x + width, y + height]);
    fillBox(mask, [0, 0, 2, 1]);
    return mask;
  });
const square = emptyMask(SIZE, SIZE);
fillBox(square, [10, 10, 80, 70]);

const outside = (marked: BinaryMask, mask: BinaryMask): number =>
  marked.data.filter((value, i) => value !== 0 && mask.data[i] === 0).length;

describe('marks for training', () => {
  it('are 0 or 1 at the size of the mask, never empty, inside it unless a box, and repeat for a seed', () => {
    fc.assert(
      fc.property(masks, fc.constantFrom(...ANNOTATION_MODES), fc.constantFrom(...PHASES), fc.nat(1_000_000), (mask, mode, phase, seed) => {
        const before = mask.data.slice();
        const marked = annotateForTraining(mask, mode, seededRandom(seed), phase);
        expect(marked).toMatchObject({ width: SIZE, height: SIZE });
        expect(marked.data.every((value) => value <= 1)).toBe(true);
        expect(maskArea(marked)).toBeGreaterThan(0);
        if (mode !== 'box' && mode !== 'mixed') expect(outside(marked, mask)).toBe(0);
        expect(boundingBox(marked)?.[2]).toBeLessThanOrEqual(boundingBox(mask)?.[2] as number);
        expect(annotateForTraining(mask, mode, seededRandom(seed), phase)).toEqual(marked);
        expect(mask.data).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  it('leave an empty mask empty', () => {
    for (const mode of ANNOTATION_MODES) {
      for (const phase of PHASES) expect(maskArea(annotateForTraining(emptyMask(8, 8), mode, seededRandom(1), phase))).toBe(0);
    }
  });

  it('are the mask itself, or its filled tight box', () => {
    const ring = {
      ...square,
      data: square.data.map((value, i) => (i % SIZE > 20 && i % SIZE < 60 && i > SIZE * 20 && i < SIZE * 50 ? 0 : value)),
    };
    expect(annotateForTraining(ring, 'mask', seededRandom(1), 'training')).toEqual(ring);
    expect(annotateForTraining(ring, 'box', seededRandom(1), 'evaluation')).toEqual(square);
  });

  it('are 20 pixels in evaluation and 1 to 20 in training', () => {
    const random = seededRandom(5);
    const counts = (phase: 'training' | 'evaluation') =>
      new Set(Array.from({ length: 600 }, () => maskArea(annotateForTraining(square, 'point', random, phase))));
    expect(counts('evaluation')).toEqual(new Set([20]));
    expect([...counts('training')].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const tiny = emptyMask(8, 8);
    fillBox(tiny, [1, 1, 3, 4]);
    expect(annotateForTraining(tiny, 'point', random, 'evaluation')).toEqual(tiny);
  });

  it('are thick strokes in evaluation, thick or thin ones in training', () => {
    const random = seededRandom(5);
    const areas = (phase: 'training' | 'evaluation') =>
      Array.from({ length: 60 }, () => maskArea(annotateForTraining(square, 'scribble', random, phase)));
    const spread = (values: number[]): number => Math.max(...values) / Math.min(...values);
    expect(spread(areas('training'))).toBeGreaterThan(2 * spread(areas('evaluation')));
  });

  it('mix the four evenly', () => {
    const random = seededRandom(9);
    const areaOfBox = maskArea(annotateForTraining(square, 'box', random, 'evaluation'));
    const dent = { ...square, data: square.data.map((value, i) => (i === 40 * SIZE + 40 ? 0 : value)) };
    const kinds = Array.from({ length: 800 }, () => {
      const area = maskArea(annotateForTraining(dent, 'mixed', random, 'evaluation'));
      return area === areaOfBox ? 'box' : area === areaOfBox - 1 ? 'mask' : area === 20 ? 'point' : 'scribble';
    });
    for (const kind of ['box', 'mask', 'point', 'scribble']) {
      const share = kinds.filter((one) => one === kind).length / kinds.length;
      expect(share).toBeGreaterThan(0.19);
      expect(share).toBeLessThan(0.31);
    }
  });
});
