/** From marks to the masks that are stored: joined by label, bounded, and given up on with whoever asked. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../../src/core/mask/annotation.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { cocoRleFromMask, maskFromCocoRle } from '../../../src/core/mask/rle.ts';
import type { DeferredAnnotation } from '../../../src/service/types.ts';
import { checkMarks, masksByLabel } from '../../../src/service/annotation-masks.ts';
import { expectCode, expectRejection } from '../core/expect-error.ts';
import { maskOf } from '../core/mask/any-mask.ts';

const size = { width: 20, height: 10 };
const box = (x0: number, y0: number, x1: number, y1: number): Annotation => ({ kind: 'box', boxXyxy: [x0, y0, x1, y1] });
const mark = (annotation: Annotation | DeferredAnnotation, label = 'a') => ({ label, annotation });

describe('masks by label', () => {
  it('are joined from marks of all kinds', async () => {
    const png = await sharp({ create: { ...size, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    const rle = cocoRleFromMask({ data: new Uint8Array(200).fill(1, 0, 20), ...size });
    const masks = await masksByLabel(
      [
        mark(box(0, 0, 5, 5)),
        mark(box(3, 3, 8, 8), 'b'),
        mark({ kind: 'coco-rle', rle }),
        mark(async ({ paint }) => paint(box(10, 8, 12, 10) as never)),
        mark({ kind: 'mask-file', file: png }, 'c'),
      ],
      size,
    );
    expect(masks.map(({ label, area }) => [label, area])).toEqual([
      ['a', 20 + 20 + 4],
      ['b', 25],
      ['c', 200],
    ]);
    for (const { rle: written, area } of masks) expect(maskFromCocoRle(written).data.reduce((sum, value) => sum + value, 0)).toBe(area);
  });

  it('of runs alone are joined as runs, to what drawing them gives', async () => {
    const anyPair = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([width, height]) => {
      const pixels = fc.array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height });
      return fc
        .array(pixels, { minLength: 1, maxLength: 4 })
        .map((all): BinaryMask[] => all.map((data) => ({ data: Uint8Array.from(data), width, height })));
    });
    await fc.assert(
      fc.asyncProperty(anyPair, async (given) => {
        const marked = given.filter(({ data }) => data.includes(1));
        fc.pre(marked.length > 0);
        const [first] = marked as [BinaryMask];
        const joined = { ...first, data: Uint8Array.from(first.data, (_, at) => (marked.some(({ data }) => data[at] === 1) ? 1 : 0)) };
        const marks = marked.map((mask) => mark({ kind: 'coco-rle', rle: cocoRleFromMask(mask) }));
        const area = joined.data.reduce((sum, value) => sum + value, 0);
        expect(await masksByLabel(marks, first)).toEqual([{ label: 'a', rle: cocoRleFromMask(joined), area }]);
      }),
      { numRuns: 200 },
    );
  });

  it('leave out labels whose marks paint nothing, and say what is wrong with marks that are at hand', async () => {
    expect(await masksByLabel([mark(() => Promise.resolve()), mark(box(0, 0, 2, 2), 'b')], size)).toMatchObject([{ label: 'b', area: 4 }]);
    await expectRejection('MASK_EMPTY', masksByLabel([mark({ kind: 'mask', mask: maskOf('.'.repeat(20)) })], { width: 20, height: 1 }));
    await expectRejection('MASK_SIZE_MISMATCH', masksByLabel([mark({ kind: 'mask', mask: maskOf('##') })], size), '20 x 10');
    await expectRejection('ANNOTATION_INVALID', masksByLabel([mark({ kind: 'mask-file', file: 'a.png' })], size), 'path');
  });

  it('are given up on in the middle when nobody waits any more', async () => {
    const large = { width: 10_000, height: 6000 };
    const stop = new AbortController();
    let begun = 0;
    const slow = mark(async ({ paint, signal }) => {
      begun++;
      expect(signal).toBe(stop.signal);
      const drawn = paint({ kind: 'mask', mask: { data: new Uint8Array(60_000_000).fill(1), ...large } });
      setImmediate(() => stop.abort(new Error('gone')));
      await drawn;
    });
    await expect(masksByLabel([slow, slow, slow], large, stop.signal)).rejects.toThrow('gone');
    expect(begun).toBe(1);
  });
});

describe('pixels times marks', () => {
  const large = { width: 14_000, height: 7000 };
  const whole: Annotation = { kind: 'coco-rle', rle: { size: [7000, 14_000], counts: '0' } };

  it('are bounded before anything is drawn: masks, files, labels and large outlines', () => {
    const times = (count: number, one: Annotation, labels = 1) => Array.from({ length: count }, (_, i) => mark(one, `label ${i % labels}`));
    expect(() => checkMarks(times(20, whole), large)).not.toThrow();
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(26, whole), large), '14000 x 7000');
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(200, box(0, 0, 14_000, 7000)), large));
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(30, box(0, 0, 9, 9), 30), large));
    // A thousand small outlines on a large photo are what people draw.
    const corners = [[0, 0], [200, 0], [200, 200]] as const; // prettier-ignore
    expect(() => checkMarks(times(1000, { kind: 'polygon', rings: [corners] }), large)).not.toThrow();
    expect(() => checkMarks(times(200, whole, 1), { width: 4000, height: 3000 })).not.toThrow();
  });

  it('are counted while marks are read that were not at hand before', async () => {
    let painted = 0;
    const pixels = { data: new Uint8Array(64_000_000).fill(1), width: 8000, height: 8000 };
    const marks = Array.from({ length: 50 }, () =>
      mark(async ({ paint }) => {
        await paint({ kind: 'mask', mask: pixels });
        painted++;
      }),
    );
    await expectRejection('REQUEST_TOO_LARGE', masksByLabel(marks, pixels));
    expect(painted).toBe(38);
  }, 120_000);
});
