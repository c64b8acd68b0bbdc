/** Ellipses fitted to masks that are ellipses, and to others. */
import { describe, expect, it } from 'vitest';
import { runStepsSync } from '../../../../src/core/mask/cooperative.ts';
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import { ellipseOutline, ellipseSteps, type Ellipse } from '../../../../src/core/mask/ellipse.ts';
import { emptyMask, fillBox } from '../../../../src/core/mask/raster.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';

const [WIDTH, HEIGHT] = [120, 100];
const drawn = (ellipse: Ellipse) => maskFromAnnotation({ polygon: [ellipseOutline(ellipse)] }, WIDTH, HEIGHT);
const within = { width: WIDTH, height: HEIGHT };

describe('the ellipse of a mask', () => {
  it.each([0, 20, 44, 60, 90, 135, 179])('is the ellipse it was drawn as, turned by %d degrees', (rotation) => {
    const mask = drawn({ cx: 60, cy: 50, radiusX: 30, radiusY: 15, rotation });
    const fit = runStepsSync(ellipseSteps(mask, { within })) as Ellipse;
    expect(Math.abs(fit.cx - 60) + Math.abs(fit.cy - 50)).toBeLessThan(0.2);
    // Half axes of 30 and 15, in either order.
    expect(Math.abs(Math.min(fit.radiusX, fit.radiusY) - 15)).toBeLessThan(0.3);
    expect(Math.abs(Math.max(fit.radiusX, fit.radiusY) - 30)).toBeLessThan(0.3);
    expect(iou(drawn(fit).data, mask.data)).toBeGreaterThan(0.96);
  });

  it('has level axes where its reader knows no rotation, stays in the image, and is none without pixels', () => {
    const mask = emptyMask(WIDTH, HEIGHT);
    expect(runStepsSync(ellipseSteps(mask, { within }))).toBeUndefined();
    fillBox(mask, [0, 0, WIDTH, 3]);
    const level = runStepsSync(ellipseSteps(mask, { within, turned: false }));
    // A box of 120 x 3: deviations of 120 / sqrt(12) and 3 / sqrt(12), twice of which leave the image.
    expect(level).toEqual({ cx: 60, cy: 1.5, radiusX: 60, radiusY: 1.5, rotation: 0 });
    const one = emptyMask(1, 1);
    one.data[0] = 1;
    expect(runStepsSync(ellipseSteps(one, { at: [7, 9], within }))).toMatchObject({ cx: 7.5, cy: 9.5 });
  });
});
