import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { annotationIn, parseAnnotation, type Annotation } from '../../../../src/core/mask/annotation.ts';
import { maskFromAnnotation, sameSize } from '../../../../src/core/mask/draw-annotation.ts';
import { cocoRleFromMaskSync } from '../../../../src/core/mask/rle.ts';
import { ringsFromMask } from '../../../../src/core/mask/polygon.ts';
import { boundingBox, maskArea, type Point } from '../../../../src/core/mask/raster.ts';
import { expectCode } from '../expect-error.ts';
import { anyMarkedMask, maskOf, textOf } from './any-mask.ts';

const [WIDTH, HEIGHT] = [8, 5];
const marked = (annotation: Annotation): string[] => textOf(maskFromAnnotation(annotation, WIDTH, HEIGHT));
const many = (count: number): Point[] => Array.from({ length: count }, (): Point => [1, 1]);

describe('what an annotation marks', () => {
  test('points: the pixels they lie in; negative points take nothing away', () => {
    const points: Point[] = [
      [0, 0],
      [7.99, 4.99],
      [3, 2.5],
    ];
    expect(marked({ points, negative: [[3, 2]] })).toEqual(['#.......', '........', '...#....', '........', '.......#']);
  });

  test('a box: its pixels, up to the far borders of the image', () => {
    expect(marked({ box: [2, 1, 5, 3] })).toEqual(['........', '..###...', '..###...', '........', '........']);
    expect(marked({ box: [0, 0, WIDTH, HEIGHT] })).toEqual(Array(5).fill('########'));
  });

  test('a scribble: its strokes, one of a single vertex too', () => {
    const scribble = [
      [
        [0, 0.5],
        [8, 0.5],
      ],
      [{ x: 4.5, y: 3.5 }],
    ];
    expect(marked({ scribble, width: 1 })).toEqual(['########', '........', '........', '....#...', '........']);
  });

  test('a thin scribble: every pixel its points lie in, on the corners of pixels too', () => {
    expect(maskFromAnnotation({ scribble: [[3, 2]], width: 0.1 }, WIDTH, HEIGHT).data[2 * WIDTH + 3]).toBe(1);
  });

  test('a polygon: what its rings hold, without the holes, up to the far borders', () => {
    const ring = (x0: number, y0: number, x1: number, y1: number): Point[] => [
      [x0, y0],
      [x1, y0],
      [x1, y1],
      [x0, y1],
    ];
    const polygon = [ring(0, 0, WIDTH, HEIGHT), ring(1, 1, 7, 4)];
    expect(marked({ polygon })).toEqual(['########', '#......#', '#......#', '#......#', '########']);
  });

  test('RLE, rings and pixels of any mask: that mask', () => {
    fc.assert(
      fc.property(anyMarkedMask(16), (mask) => {
        const of = (annotation: Annotation): string[] => textOf(maskFromAnnotation(annotation, mask.width, mask.height));
        expect(of({ rle: cocoRleFromMaskSync(mask) })).toEqual(textOf(mask));
        expect(of({ polygon: ringsFromMask(mask) })).toEqual(textOf(mask));
        expect(of({ mask })).toEqual(textOf(mask));
        expect(of({ scribble: mask })).toEqual(textOf(mask));
      }),
    );
  });

  test('any box inside the image marks its rounded self, or nothing when it is thinner than a pixel', () => {
    const x = fc.double({ min: 0, max: WIDTH, noNaN: true });
    const y = fc.double({ min: 0, max: HEIGHT, noNaN: true });
    fc.assert(
      fc.property(x, y, x, y, (x0, y0, x1, y1) => {
        fc.pre(x0 < x1 && y0 < y1);
        const rounded: [number, number, number, number] = [Math.round(x0), Math.round(y0), Math.round(x1), Math.round(y1)];
        const run = () => maskFromAnnotation({ box: [x0, y0, x1, y1] }, WIDTH, HEIGHT);
        if (rounded[0] === rounded[2] || rounded[1] === rounded[3]) expectCode('MASK_EMPTY', run, 'box');
        else expect(boundingBox(run())).toEqual(rounded);
      }),
    );
  });

  test('any point inside the image marks one pixel', () => {
    const inside = fc.tuple(
      fc.double({ min: 0, max: WIDTH, noNaN: true, maxExcluded: true }),
      fc.double({ min: 0, max: HEIGHT, noNaN: true, maxExcluded: true }),
    );
    fc.assert(
      fc.property(inside, (point) => {
        expect(maskArea(maskFromAnnotation({ points: [point] }, WIDTH, HEIGHT))).toBe(1);
      }),
    );
  });
});

describe('refused', () => {
  const points = (...list: Point[]): Annotation => ({ points: list });
  const box = (...numbers: number[]): Annotation => ({ box: numbers });
  const stroke = (width: number, ...path: Point[]): Annotation => ({ scribble: path, width });
  const polygon = (...rings: Point[][]): Annotation => ({ polygon: rings });
  const corners: Point[] = [
    [0, 0],
    [4, 0],
    [4, 4],
  ];

  type Refusal = [problem: string, annotation: Annotation, ...parts: (string | RegExp)[]];
  const invalid: Refusal[] = [
    ['no points', points(), 'at least one point', 'none'],
    ['a point that is not a number', points([1, 1], [NaN, 2]), 'numbers', 'NaN, 2'],
    ['an endless point', points([1, Infinity]), 'numbers', 'Infinity'],
    ['a negative point that is not a number', { points: [[1, 1]], negative: [[1, NaN]] }, 'numbers', 'NaN'],
    ['too many points', points(...many(1001)), 'at most 1000 ', 'got 1001'],
    ['too many negative points', { points: [[1, 1]], negative: many(1000) }, 'at most 1000 ', 'got 1001'],
    ['a brush wider than any image', stroke(100_001, [1, 1]), 'at most 100000'],
    ['a box that is not numbers', box(1, NaN, 3, 4), 'four numbers', '1, NaN, 3, 4'],
    ['a reversed box', box(5, 1, 2, 3), 'x0 < x1', '5, 1, 2, 3'],
    ['a box upside down', box(1, 3, 2, 1), 'y0 < y1', '1, 3, 2, 1'],
    ['a box without extent', box(2, 1, 2, 3), 'x0 < x1'],
    ['no strokes', { scribble: [] }, 'at least one stroke'],
    ['a stroke without points', { scribble: [[]], width: 3 }, 'at least one point'],
    ['a brush without width', stroke(0, [1, 1]), 'more than 0', 'got 0'],
    ['a brush of negative width', stroke(-2, [1, 1]), 'more than 0', 'got -2'],
    ['a brush that is not a number', stroke(NaN, [1, 1]), 'brush width', 'NaN'],
    ['a brush wider than the image', stroke(9, [1, 1]), 'brush width', 'got 9'],
    ['a scribble point that is not a number', stroke(1, [1, 1], [NaN, 1]), 'numbers'],
    ['too many points in a stroke', stroke(1, ...many(10_001)), 'at most 10000 '],
    ['too many points in all strokes', { scribble: [1, 2].map(() => many(60_000)), width: 1 }, 'at most 10000 ', 'got 120000'],
    ['no rings', polygon(), 'at least one ring'],
    ['a ring of two corners', polygon(corners, corners.slice(1)), 'three corners', 'one of 2'],
    ['a corner that is not a number', polygon([...corners, [NaN, 0]]), 'numbers', 'NaN'],
    ['too many corners in a ring', polygon(many(100_001)), 'at most 100000'],
    ['too many corners in all rings', polygon(...Array.from({ length: 40_000 }, () => corners)), 'at most 100000', 'got 120000'],
    ['an RLE whose runs do not fit', { rle: { size: [HEIGHT, WIDTH], counts: [41] } }, 'run 0 of length 41'],
    ['an RLE of a senseless size', { rle: { size: [NaN, WIDTH], counts: [40] } }, 'size'],
    ['none of the keys', { kind: 'circle', centre: [1, 1] } as unknown as Annotation, 'exactly one of mask, rle', 'kind, centre'],
    ['two of the keys', { box: [1, 1, 2, 2], points: [[1, 1]] }, 'exactly one of', 'box and points'],
    ['a box of three numbers', box(1, 2, 3), 'four numbers', '(1, 2, 3)'],
    ['negative points beside a box', { box: [1, 1, 2, 2], negative: [[0, 0]] }, 'negative goes with points'],
    ['a width beside a mask', { mask: maskOf('#'), width: 3 }, 'width goes with a scribble'],
    ['a file that nobody has read', { mask: 'mask.png' }, 'got a file'],
  ];
  test.each(invalid)('%s: ANNOTATION_INVALID', (_, annotation, ...parts) => {
    expectCode('ANNOTATION_INVALID', () => maskFromAnnotation(annotation, WIDTH, HEIGHT), ...parts);
  });

  const outside: Refusal[] = [
    ['a point left of the image', points([-1.01, 1]), 'point at (-1.01, 1)'],
    ['a point behind the right border', points([1, 1], [9.5, 1]), 'point at (9.5, 1)'],
    ['a point behind the lower border', points([1, 6.5]), 'point at (1, 6.5)'],
    ['a negative point', { points: [[1, 1]], negative: [[10, 1]] }, 'point at (10, 1)'],
    ['a box', box(2, 1, 9.5, 3), 'box (2, 1, 9.5, 3)'],
    ['a box above', box(2, -2, 5, 3), 'box (2, -2, 5, 3)'],
    ['a stroke', stroke(2, [1, 1], [1, 6.2]), 'scribble at (1, 6.2)'],
    ['a corner', polygon([...corners, [-2, 3]]), 'polygon at (-2, 3)'],
  ];
  test.each(outside)('%s outside: ANNOTATION_OUTSIDE, with the size of the image', (_, annotation, what) => {
    const { message } = expectCode('ANNOTATION_OUTSIDE', () => maskFromAnnotation(annotation, WIDTH, HEIGHT), '8 x 5');
    expect(message).toContain(what);
  });

  const otherSizes: Refusal[] = [
    ['a mask turned on its side', { mask: { data: new Uint8Array(40).fill(1), width: HEIGHT, height: WIDTH } }, '5 x 8'],
    ['a mask with values missing', { mask: { data: new Uint8Array(39).fill(1), width: WIDTH, height: HEIGHT } }, '39 values'],
    ['a smaller scribble', { scribble: maskOf('##', '##') }, '2 x 2'],
    ['an RLE', { rle: { size: [WIDTH, HEIGHT], counts: [0, 40] } }, '5 x 8'],
    ['a wider RLE', { rle: { size: [HEIGHT, 9], counts: [0, 45] } }, '9 x 5'],
    ['a taller RLE', { rle: { size: [6, WIDTH], counts: [0, 48] } }, '8 x 6'],
  ];
  test.each(otherSizes)('%s: MASK_SIZE_MISMATCH, with both sizes', (_, annotation, ...parts) => {
    expectCode('MASK_SIZE_MISMATCH', () => maskFromAnnotation(annotation, WIDTH, HEIGHT), '8 x 5', 'EXIF', ...parts);
  });

  test('an RLE far larger than the image, before it is unpacked', () => {
    const before = process.memoryUsage().arrayBuffers;
    const rle = { size: [20_000, 20_000], counts: [0, 4e8] } as const;
    expectCode('MASK_SIZE_MISMATCH', () => maskFromAnnotation({ rle }, WIDTH, HEIGHT), '20000 x 20000');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  const empty: Refusal[] = [
    ['an empty mask', { mask: { data: new Uint8Array(40), width: WIDTH, height: HEIGHT } }],
    ['an empty RLE', { rle: { size: [HEIGHT, WIDTH], counts: [40] } }],
    ['a box between two pixel centres', box(1.1, 1, 1.4, 4)],
    ['a polygon between pixel centres', polygon(corners.map(([x, y]): Point => [1 + x / 20, 1 + y / 20]))],
    ['two equal rings', polygon(corners, corners)],
  ];
  test.each(empty)('%s: MASK_EMPTY, with the kind', (_, annotation) => {
    expectCode('MASK_EMPTY', () => maskFromAnnotation(annotation, WIDTH, HEIGHT), parseAnnotation(annotation).kind, 'at least one pixel');
  });
});

test('sameSize hands the mask on unchanged', () => {
  const mask = maskOf('##', '..');
  expect(sameSize(mask, 2, 2)).toBe(mask);
  expectCode('MASK_SIZE_MISMATCH', () => sameSize(mask, 2, 3));
});

describe('parsing', () => {
  test('takes points as pairs and as objects, and one path as a list of one', () => {
    expect(parseAnnotation({ points: [[1, 2], { x: 3, y: 4 }] })).toEqual({ kind: 'points', points: [[1, 2], [3, 4]], negative: [] }); // prettier-ignore
    const path: Point[] = [[0, 0], [4, 0], [4, 4]]; // prettier-ignore
    for (const polygon of [path, [path], path.map(([x, y]) => ({ x, y }))])
      expect(parseAnnotation({ polygon })).toEqual({ kind: 'polygon', rings: [path] });
  });

  test('leaves files to be read', () => {
    for (const file of ['a.png', new URL('file:///a.png'), new Uint8Array(3), new ArrayBuffer(3), new Blob([])])
      expect(parseAnnotation({ mask: file })).toEqual({ kind: 'mask', file });
    expect(parseAnnotation({ scribble: 'a.png' })).toEqual({ kind: 'scribble', file: 'a.png' });
  });

  test('finds the annotation among other fields', () => {
    const reference = { image: 'a.jpg', label: 'cup', points: [[1, 1]], negative: [[2, 2]] };
    expect(annotationIn(reference)).toEqual({ points: [[1, 1]], negative: [[2, 2]] });
  });
});

describe('from callers without types', () => {
  test.each([
    ['points that are none', 'points', { points: 3 }],
    ['a stroke without a path', 'scribble', { scribble: [{ width: 3 }] }],
    ['rings that are numbers', 'polygon', { polygon: [1, 2] }],
    ['a box as text', 'box', { box: '1,2,3,4' }],
    ['an RLE without runs', 'rle', { rle: { size: [5, 8] } }],
    ['no annotation', 'annotation', undefined],
    ['a mask without pixels', 'mask', { mask: { width: 8, height: 8 } }],
  ])('%s: ANNOTATION_INVALID', (_, kind, annotation) => {
    expectCode('ANNOTATION_INVALID', () => maskFromAnnotation(annotation as never, 8, 8), kind);
  });
});
