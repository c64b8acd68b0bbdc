/** Ellipses fitted to masks that are ellipses, and to others. */
import { describe, expect, it } from 'vitest';
import { ellipseSteps } from '../../../src/adapters/cvat/ellipse.ts';
import { annotationFromShape } from '../../../src/adapters/cvat/shape-annotation.ts';
import { runStepsSync } from '../../../src/core/mask/cooperative.ts';
import { maskFromAnnotation } from '../../../src/core/mask/draw-annotation.ts';
import { emptyMask, fillBox } from '../../../src/core/mask/raster.ts';
import { iou } from '../../../src/core/mask/metrics.ts';

const [WIDTH, HEIGHT] = [120, 100];
const drawn = (points: readonly number[], rotation: number) =>
  maskFromAnnotation(annotationFromShape({ type: 'ellipse', points, rotation }, WIDTH, HEIGHT), WIDTH, HEIGHT);
const within = { width: WIDTH, height: HEIGHT };

describe('the ellipse of a mask', () => {
  it.each([0, 20, 44, 60, 90, 135, 179])('is the ellipse it was drawn as, turned by %d degrees', (rotation) => {
    const mask = drawn([60, 50, 90, 35], rotation);
    const fit = runStepsSync(ellipseSteps(mask, { within }));
    const [cx = 0, cy = 0, right = 0, top = 0] = fit?.points ?? [];
    expect(Math.abs(cx - 60) + Math.abs(cy - 50)).toBeLessThan(0.2);
    // Half axes of 30 and 15, in either order.
    const axes = [right - cx, cy - top].sort((a, b) => a - b);
    expect(Math.abs((axes[0] ?? 0) - 15)).toBeLessThan(0.3);
    expect(Math.abs((axes[1] ?? 0) - 30)).toBeLessThan(0.3);
    expect(iou(drawn(fit?.points ?? [], fit?.rotation ?? 0).data, mask.data)).toBeGreaterThan(0.96);
  });

  it('has level axes where its reader knows no rotation, stays in the image, and is none without pixels', () => {
    const mask = emptyMask(WIDTH, HEIGHT);
    expect(runStepsSync(ellipseSteps(mask, { within }))).toBeUndefined();
    fillBox(mask, [0, 0, WIDTH, 3]);
    const level = runStepsSync(ellipseSteps(mask, { within, turned: false }));
    expect(level?.rotation).toBe(0);
    // A box of 120 x 3: deviations of 120 / sqrt(12) and 3 / sqrt(12), twice of which leave the image.
    expect(level?.points).toEqual([60, 1.5, 120, 0]);
    const one = emptyMask(1, 1);
    one.data[0] = 1;
    const [cx, cy] = runStepsSync(ellipseSteps(one, { at: [7, 9], within }))?.points ?? [];
    expect([cx, cy]).toEqual([7.5, 9.5]);
  });
});
