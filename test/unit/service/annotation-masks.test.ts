/** From annotations to the masks that are stored: joined by label, bounded, and given up on with the caller. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../../src/core/mask/annotation.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { cocoRleFromMaskSync, maskFromCocoRle } from '../../../src/core/mask/rle.ts';
import type { AcceptedAnnotation, DeferredAnnotation } from '../../../src/service/types.ts';
import {
  checkBudget,
  grownAnnotations,
  masksByLabel as byLabel,
  parsedAnnotations,
  type Grow,
} from '../../../src/service/annotation-masks.ts';
import { expectCode, expectRejection } from '../core/expect-error.ts';
import { maskOf } from '../core/mask/any-mask.ts';

const size = { width: 20, height: 10 };
const box = (x0: number, y0: number, x1: number, y1: number): Annotation => ({ box: [x0, y0, x1, y1] });
const corners = (x0: number, y0: number, x1: number, y1: number) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]; // prettier-ignore
const mark = (annotation: Annotation | DeferredAnnotation, label = 'a'): AcceptedAnnotation =>
  typeof annotation === 'function' ? { label, draw: annotation } : { label, ...annotation };
const notAsked: Grow = () => Promise.reject(new Error('nothing was to grow'));
const masksByLabel = async (
  all: readonly AcceptedAnnotation[],
  image: { width: number; height: number },
  signal?: AbortSignal,
  grow = notAsked,
) => byLabel(parsedAnnotations(all), image, { grow, ...(signal && { signal }) });

describe('masks by label', () => {
  it('are joined from marks of all kinds', async () => {
    const png = await sharp({ create: { ...size, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    const rle = cocoRleFromMaskSync({ data: new Uint8Array(200).fill(1, 0, 20), ...size });
    const masks = await masksByLabel(
      [
        mark(box(0, 0, 5, 5)),
        mark(box(3, 3, 8, 8), 'b'),
        mark({ rle }),
        mark(async ({ paint }) => paint({ polygon: corners(10, 8, 12, 10) })),
        mark({ mask: png }, 'c'),
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
        const marks = marked.map((mask) => mark({ rle: cocoRleFromMaskSync(mask) }));
        const area = joined.data.reduce((sum, value) => sum + value, 0);
        expect(await masksByLabel(marks, first)).toEqual([{ label: 'a', rle: cocoRleFromMaskSync(joined), area }]);
      }),
      { numRuns: 200 },
    );
  });

  it('leave out labels whose marks paint nothing, and say what is wrong with marks that are at hand', async () => {
    expect(await masksByLabel([mark(() => Promise.resolve()), mark(box(0, 0, 2, 2), 'b')], size)).toMatchObject([{ label: 'b', area: 4 }]);
    await expectRejection('MASK_EMPTY', masksByLabel([mark({ mask: maskOf('.'.repeat(20)) })], { width: 20, height: 1 }));
    await expectRejection('MASK_SIZE_MISMATCH', masksByLabel([mark({ mask: maskOf('##') })], size), '20 x 10');
    await expectRejection('ANNOTATION_INVALID', masksByLabel([mark({ mask: 'a.png' })], size), 'path');
  });

  it('are given up on in the middle when nobody waits any more', async () => {
    const large = { width: 10_000, height: 6000 };
    const stop = new AbortController();
    let begun = 0;
    const slow = mark(async ({ paint, signal }) => {
      begun++;
      expect(signal).toBe(stop.signal);
      const drawn = paint({ mask: { data: new Uint8Array(60_000_000).fill(1), ...large } });
      setImmediate(() => stop.abort(new Error('gone')));
      await drawn;
    });
    await expect(masksByLabel([slow, slow, slow], large, stop.signal)).rejects.toThrow('gone');
    expect(begun).toBe(1);
  });
});

describe('growing', () => {
  const grown = maskOf(...Array<string>(10).fill('####................'));
  const given: Annotation[] = [
    box(0, 0, 2, 2),
    { points: [[1, 1]] },
    { scribble: [[1, 1]], width: 1 },
    { polygon: corners(0, 0, 2, 2) },
    { mask: { data: new Uint8Array(200).fill(1, 0, 3), ...size } },
    { rle: { size: [10, 20], counts: [0, 5, 195] } },
  ];

  it('happens to boxes, points and scribbles, and to nothing else', async () => {
    const asked: Annotation[] = [];
    const grow: Grow = (annotation) => {
      asked.push(annotation);
      return Promise.resolve(grown);
    };
    const all = await grownAnnotations(parsedAnnotations(given.map((one, i) => mark(one, `label ${i}`))), { grow });
    const masks = await byLabel(all, size, { grow });
    expect(asked).toEqual(given.slice(0, 3));
    expect(masks.map(({ area }) => area)).toEqual([40, 40, 40, 4, 3, 5]);
  });

  it('happens to those that are painted later as well', async () => {
    const draw: DeferredAnnotation = async ({ paint }) => {
      await paint(box(0, 0, 2, 2));
      await paint({ polygon: corners(18, 8, 20, 10) });
    };
    expect(await masksByLabel([mark(draw)], size, undefined, () => Promise.resolve(grown))).toMatchObject([{ area: 40 + 4 }]);
  });
});

describe('what was sent', () => {
  const anyMask = (rows: string) => maskOf(...Array<string>(10).fill(rows));
  const sentOf = async (all: readonly AcceptedAnnotation[], grown = anyMask('####................')) => {
    const grow: Grow = () => Promise.resolve(grown);
    const [mask] = await byLabel(await grownAnnotations(parsedAnnotations(all), { grow }), size, { grow });
    return mask?.sent;
  };
  const outline = { polygon: corners(0, 0, 2, 2) };
  const rle = { rle: cocoRleFromMaskSync({ data: new Uint8Array(200).fill(1, 0, 20), ...size }) };

  it('is kept of what SAM makes masks of, and is the same whatever mask it makes', async () => {
    expect(await sentOf([mark(outline)])).toBeUndefined();
    expect(await sentOf([mark(rle), mark(rle)])).toBeUndefined();
    const other = anyMask('......######........');
    for (const beside of [[], [mark(outline)], [mark(rle)]]) {
      const sent = await sentOf([mark(box(0, 0, 2, 2)), ...beside]);
      expect(sent).toMatch(/^[0-9a-f]{64}$/);
      expect(await sentOf([...beside, mark(box(0, 0, 2, 2))], other)).toBe(sent);
      expect(await sentOf([mark(async ({ paint }) => paint(box(0, 0, 2, 2))), ...beside], other)).toBe(sent);
    }
  });

  it('differs with every part of it', async () => {
    const strokes = (fill: number) => ({ data: new Uint8Array(200).fill(1, 0, fill), ...size });
    const file = async (background: string) => ({ scribble: await sharp({ create: { ...size, channels: 3, background } }).png().toBuffer() }); // prettier-ignore
    const all: readonly AcceptedAnnotation[][] = [
      [mark(box(0, 0, 2, 2))],
      [mark(box(0, 0, 2, 3))],
      [mark(box(0, 0, 2, 2)), mark(outline)],
      [mark(box(0, 0, 2, 2)), mark(rle)],
      [mark(box(0, 0, 2, 2)), mark(box(0, 0, 2, 2))],
      [mark({ points: [[1, 1]] })],
      [mark({ points: [[1, 1]], negative: [[3, 3]] })],
      [mark({ scribble: [[1, 1]], width: 1 })],
      [mark({ scribble: [[1, 1]], width: 2 })],
      [mark({ scribble: strokes(3) })],
      [mark({ scribble: strokes(4) })],
      [mark(await file('white'))],
      [mark(await file('gray'))],
    ];
    const hashes = await Promise.all(all.map((one) => sentOf(one)));
    expect(new Set(hashes).size).toBe(all.length);
    expect(hashes).not.toContain(undefined);
  });
});

describe('pixels times annotations', () => {
  const checkMarks = (all: readonly AcceptedAnnotation[], image: { width: number; height: number }) =>
    checkBudget(parsedAnnotations(all), image);
  const large = { width: 14_000, height: 7000 };
  const whole: Annotation = { rle: { size: [7000, 14_000], counts: '0' } };

  it('are bounded before anything is drawn: masks, files, labels and large outlines', () => {
    const times = (count: number, one: Annotation, labels = 1) => Array.from({ length: count }, (_, i) => mark(one, `label ${i % labels}`));
    expect(() => checkMarks(times(20, whole), large)).not.toThrow();
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(26, whole), large), '14000 x 7000');
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(200, box(0, 0, 14_000, 7000)), large));
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(30, { polygon: corners(0, 0, 9, 9) }, 30), large));
    // SAM's mask of a box is as large as the image.
    expectCode('REQUEST_TOO_LARGE', () => checkMarks(times(30, box(0, 0, 9, 9)), large));
    // A thousand small outlines on a large photo are what people draw.
    const outline = [[0, 0], [200, 0], [200, 200]]; // prettier-ignore
    expect(() => checkMarks(times(1000, { polygon: outline }), large)).not.toThrow();
    expect(() => checkMarks(times(200, whole, 1), { width: 4000, height: 3000 })).not.toThrow();
  });

  it('are counted while marks are read that were not at hand before', async () => {
    let painted = 0;
    const pixels = { data: new Uint8Array(64_000_000).fill(1), width: 8000, height: 8000 };
    const marks = Array.from({ length: 50 }, () =>
      mark(async ({ paint }) => {
        await paint({ mask: pixels });
        painted++;
      }),
    );
    await expectRejection('REQUEST_TOO_LARGE', masksByLabel(marks, pixels));
    expect(painted).toBe(38);
  });
});
