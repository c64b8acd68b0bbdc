import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resizedAboveZero, resizeMap, resizeNearest, type FloatMap, type PixelConvention } from '../../../../src/core/mask/resize-map.ts';

const CONVENTIONS: PixelConvention[] = ['aligned', 'half-pixel'];
const side = fc.integer({ min: 1, max: 24 });
const anyMap = fc.tuple(side, side).chain(
  ([width, height]) =>
    fc
      .float32Array({ minLength: width * height, maxLength: width * height, min: -1000, max: 1000, noNaN: true })
      .map((data): FloatMap => ({ data: data.map((value) => value + 0), width, height })), // no -0
);

/** Every output pixel worked out by itself from the definition. */
function plainly(map: FloatMap, width: number, height: number, convention: PixelConvention): number[] {
  const source = (i: number, from: number, to: number): number => {
    if (convention === 'aligned') return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    return Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
  };
  const at = (x: number, y: number): number => map.data[Math.min(y, map.height - 1) * map.width + Math.min(x, map.width - 1)] as number;
  return Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [source(i % width, map.width, width), source(Math.floor(i / width), map.height, height)];
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const upper = at(x0, y0) + (x - x0) * (at(x0 + 1, y0) - at(x0, y0));
    const lower = at(x0, y0 + 1) + (x - x0) * (at(x0 + 1, y0 + 1) - at(x0, y0 + 1));
    return upper + (y - y0) * (lower - upper);
  });
}

describe.each(CONVENTIONS)('resizeMap, %s', (convention) => {
  test('agrees with the definition at any size', () => {
    fc.assert(
      fc.property(anyMap, side, side, (map, width, height) => {
        const out = resizeMap(map, width, height, convention);
        expect([out.width, out.height, out.data.length]).toEqual([width, height, width * height]);
        const expected = plainly(map, width, height, convention);
        out.data.forEach((value, i) => {
          if (Math.abs(value - (expected[i] as number)) > 1e-3)
            throw new Error(`sample ${i} is ${value}, expected ${expected[i] as number}`);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('a constant stays constant, and no value leaves the range of the map', () => {
    fc.assert(
      fc.property(anyMap, side, side, (map, width, height) => {
        const flat = { ...map, data: new Float32Array(map.data.length).fill(0.7) };
        expect(resizeMap(flat, width, height, convention).data).toEqual(new Float32Array(width * height).fill(0.7));
        const [low, high] = [Math.min(...map.data), Math.max(...map.data)];
        for (const value of resizeMap(map, width, height, convention).data) {
          expect(value).toBeGreaterThanOrEqual(low - 1e-3);
          expect(value).toBeLessThanOrEqual(high + 1e-3);
        }
      }),
    );
  });

  test('what is above zero is found without the resized map, pixel for pixel', () => {
    // Mostly at most 0, as the logits of a mask are; and values that are only just not.
    const logit = fc.oneof(fc.constantFrom(-8, -1, 0, 1e-45, -1e-45, 8), fc.float({ min: -1000, max: 0, noNaN: true }), fc.float({ min: -10, max: 10, noNaN: true })); // prettier-ignore
    const logits = fc
      .tuple(side, side)
      .chain(([width, height]) =>
        fc
          .array(logit, { minLength: width * height, maxLength: width * height })
          .map((data): FloatMap => ({ data: Float32Array.from(data), width, height })),
      );
    fc.assert(
      fc.property(logits, side, side, (map, width, height) => {
        const expected = Uint8Array.from(resizeMap(map, width, height, convention).data, (value) => (value > 0 ? 1 : 0));
        expect(resizedAboveZero(map, width, height, convention)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('a larger span gives the upper left part of the larger map', () => {
    fc.assert(
      fc.property(anyMap, side, side, side, side, (map, width, height, moreX, moreY) => {
        const span = { width: width + moreX, height: height + moreY };
        const whole = resizeMap(map, span.width, span.height, convention);
        const part = resizeMap(map, width, height, convention, span);
        const cut = Array.from({ length: width * height }, (_, i) => whole.data[Math.floor(i / width) * whole.width + (i % width)]);
        expect([...part.data]).toEqual(cut);
      }),
    );
  });

  test('the same size is the same map', () => {
    const map = { data: Float32Array.of(1, 2, 3, 4), width: 2, height: 2 };
    expect(resizeMap(map, 2, 2, convention)).toBe(map);
    expect(resizeMap(map, 2, 2, convention, { width: 4, height: 4 })).not.toBe(map);
  });

  test('does not write to the map it was given', () => {
    const map = { data: Float32Array.of(1, 2, 3, 4), width: 2, height: 2 };
    resizeMap(map, 7, 5, convention);
    expect(map.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });
});

test('aligned keeps the corners, half-pixel keeps the mean of a doubled map', () => {
  fc.assert(
    fc.property(anyMap, side, side, (map, width, height) => {
      fc.pre(width > 1 && height > 1);
      const { data } = resizeMap(map, width, height, 'aligned');
      expect(data[0]).toBe(map.data[0]);
      expect(data.at(-1)).toBeCloseTo(map.data.at(-1) as number, 2);
    }),
  );
  const ramp = { data: Float32Array.of(0, 1, 2, 3), width: 4, height: 1 };
  expect([...resizeMap(ramp, 8, 1, 'half-pixel').data]).toEqual([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]);
  expect([...resizeMap(ramp, 7, 1, 'aligned').data]).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3]);
});

describe('resizeNearest', () => {
  test('takes the sample at floor(dst * in / out)', () => {
    const data = Uint8Array.of(1, 2, 3);
    expect([...resizeNearest(data, { width: 3, height: 1 }, { width: 5, height: 1 })]).toEqual([1, 1, 2, 2, 3]);
    expect([...resizeNearest(data, { width: 3, height: 1 }, { width: 2, height: 1 })]).toEqual([1, 2]);
    expect([...resizeNearest(data, { width: 1, height: 3 }, { width: 2, height: 2 })]).toEqual([1, 1, 2, 2]);
  });

  test('invents no labels and undoes its own enlargement by whole factors', () => {
    fc.assert(
      fc.property(anyMap, fc.integer({ min: 1, max: 4 }), side, side, (map, factor, width, height) => {
        const labels = Uint8Array.from(map.data, (value) => Math.abs(Math.round(value)) % 256);
        const from = { width: map.width, height: map.height };
        const large = { width: factor * map.width, height: factor * map.height };
        expect(resizeNearest(resizeNearest(labels, from, large), large, from)).toEqual(labels);
        const known = new Set(labels);
        for (const label of resizeNearest(labels, from, { width, height })) expect(known).toContain(label);
        expect(resizeNearest(map.data, from, from)).toEqual(map.data);
      }),
    );
  });
});
