import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import {
  IMAGENET,
  longestSideSize,
  normalise,
  samInput,
  squareInput,
  stretchAligned,
  type PreprocessConfig,
} from '../../../../src/core/image/preprocess.ts';
import { pillowResize, type Raster } from '../../../../src/core/image/pillow-resize.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { emptyMask, fillBox } from '../../../../src/core/mask/raster.ts';
import { aboveZero, resizeMap } from '../../../../src/core/mask/resize-map.ts';

const SAM = 64;
const MODES: [name: string, config: PreprocessConfig][] = [
  ['aligned', { resize: 'aligned', samSize: SAM, backboneSize: 32, normalisation: IMAGENET }],
  ['stretch', { resize: 'stretch', samSize: SAM, normalisation: IMAGENET }],
  ['stretch beside a backbone', { resize: 'stretch', samSize: SAM, backboneSize: 48, normalisation: IMAGENET }],
  ['longest-side', { resize: 'longest-side', samSize: SAM, normalisation: IMAGENET }],
  ['longest-side beside a backbone', { resize: 'longest-side', samSize: SAM, backboneSize: 48, normalisation: IMAGENET }],
];
const side = fc.integer({ min: 1, max: 150 });
const longest = (samSize: number) => geometryOf({ resize: 'longest-side', samSize, normalisation: IMAGENET });

function filled(width: number, height: number, value: number) {
  return { data: new Float32Array(width * height).fill(value), width, height };
}

function boxImage(width: number, height: number, box: [number, number, number, number]) {
  const mask = emptyMask(width, height);
  fillBox(mask, box);
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => 255 * (mask.data[Math.floor(i / 3)] as number));
  return { mask, image: { data, width, height, channels: 3 } satisfies Raster };
}

describe.each(MODES)('there and back, %s', (_, config) => {
  const geometry = geometryOf(config);

  test('a constant map stays constant on the square and at the size of the image', () => {
    fc.assert(
      fc.property(side, side, fc.float({ min: -50, max: 50, noNaN: true }), (width, height, drawn) => {
        const value = drawn + 0; // never -0
        const square = geometry.toSquare(filled(SAM / 4, SAM / 4, value));
        expect([square.width, square.height]).toEqual([geometry.square, geometry.square]);
        expect(geometry.toImage(square, width, height)).toEqual(filled(width, height, value));
        expect(geometry.gridToImage(filled(4, 4, value), width, height)).toEqual(filled(width, height, value));
      }),
    );
  });

  test('a point of the image is a point of SAM’s input, and scales back', () => {
    fc.assert(
      fc.property(side, side, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (w, h, u, v) => {
        const [x, y] = geometry.toSam(u * w, v * h, w, h);
        const shown = config.resize === 'longest-side' ? longestSideSize(w, h, SAM) : { width: SAM, height: SAM };
        expect(((x + 0.5) * w) / shown.width).toBeCloseTo(u * w, 8);
        expect(((y + 0.5) * h) / shown.height).toBeCloseTo(v * h, 8);
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(-0.5);
        expect(Math.max(x, y)).toBeLessThanOrEqual(SAM - 0.5);
      }),
    );
  });

  test.each([
    [100, 60],
    [60, 100],
    [90, 90],
    [200, 37],
  ])('a box seen by SAM in an image of %i x %i comes back where it was', (width, height) => {
    const { mask, image } = boxImage(width, height, [0.2 * width, 0.3 * height, 0.7 * width, 0.9 * height]);
    const seen = samInput(image, config).subarray(0, SAM * SAM); // red plane: negative where black
    const back = geometry.toImage(geometry.toSquare({ data: seen, width: SAM, height: SAM }), width, height);
    expect(iou(aboveZero(back.data), mask.data)).toBeGreaterThan(0.93);
  });

  test('a point on a small object falls on the object in SAM’s input', () => {
    const { image } = boxImage(120, 70, [80, 20, 90, 30]);
    const [x, y] = geometry.toSam(85, 25, 120, 70);
    const seen = samInput(image, config);
    expect(seen[Math.round(y) * SAM + Math.round(x)]).toBeGreaterThan(0.5);
  });
});

describe('longest-side', () => {
  test('the longest side fills the square, the other keeps its proportion to half a pixel', () => {
    fc.assert(
      fc.property(side, side, (width, height) => {
        const size = longestSideSize(width, height, SAM);
        expect(Math.max(size.width, size.height)).toBe(SAM);
        expect(Math.abs(size.width - Math.max(1, (SAM * width) / Math.max(width, height)))).toBeLessThanOrEqual(0.5);
        expect(Math.abs(size.height - Math.max(1, (SAM * height) / Math.max(width, height)))).toBeLessThanOrEqual(0.5);
      }),
    );
  });

  test('padding never shows, neither in the mask at the size of the image nor in the visible part', () => {
    fc.assert(
      fc.property(side, side, (width, height) => {
        const geometry = longest(SAM);
        const size = longestSideSize(width, height, SAM);
        const map = filled(SAM, SAM, NaN);
        for (let y = 0; y < size.height; y++) map.data.fill(1, y * SAM, y * SAM + size.width);
        expect(geometry.toImage(map, width, height)).toEqual(filled(width, height, 1));
        expect(geometry.visible(map, width, height)).toEqual(filled(size.width, size.height, 1));
      }),
    );
  });

  test('the padding of SAM’s input is zero', () => {
    const white = { data: new Uint8Array(3 * 20 * 10).fill(255), width: 20, height: 10, channels: 3 };
    const sam = samInput(white, { resize: 'longest-side', samSize: 8, normalisation: IMAGENET });
    sam.forEach((value, i) => {
      expect(value !== 0).toBe(Math.floor(i / 8) % 8 < 4);
    });
  });

  test('the grid spans the image and its padding', () => {
    expect(longest(100).gridSpan(50, 25)).toEqual({ spanX: 50, spanY: 50 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const { spanX, spanY } = longest(SAM).gridSpan(width, height);
        const size = longestSideSize(width, height, SAM);
        expect((size.width / SAM) * spanX).toBeCloseTo(width, 8);
        expect((size.height / SAM) * spanY).toBeCloseTo(height, 8);
      }),
    );
  });

  test('a map on the grid is stretched over the span and cut to the image', () => {
    const ramp = { data: Float32Array.from({ length: 64 }, (_, i) => i % 8), width: 8, height: 8 };
    fc.assert(
      fc.property(side, side, (width, height) => {
        const geometry = longest(SAM);
        const { spanX } = geometry.gridSpan(width, height);
        geometry.gridToImage(ramp, width, height).data.forEach((value, i) => {
          const source = (((i % width) + 0.5) * 8) / spanX - 0.5;
          expect(value).toBeCloseTo(Math.min(7, Math.max(0, source)), 3);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('a very long image takes no more memory than its own pixels', () => {
    const before = process.memoryUsage().arrayBuffers;
    const map = longest(SAM).gridToImage(filled(4, 4, 1), 20_000, 40);
    expect(map.data.length).toBe(800_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40e6);
  });
});

describe('without padding', () => {
  const geometry = geometryOf({ resize: 'stretch', samSize: SAM, normalisation: IMAGENET });

  test('the grid spans the image, and all of a map is visible', () => {
    expect(geometry.gridSpan(123, 45)).toEqual({ spanX: 123, spanY: 45 });
    const map = filled(16, 16, 2);
    expect(geometry.visible(map, 123, 45)).toBe(map);
  });

  test('masks are compared on the backbone’s square where there is one, else on SAM’s', () => {
    expect(MODES.map(([, config]) => geometryOf(config).square)).toEqual([32, SAM, 48, SAM, SAM]);
  });
});

test('maps are stretched with aligned corners, but half-pixel as in SAM’s own code where the input is padded', () => {
  const map = { data: Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)), width: 16, height: 16 };
  for (const [, config] of MODES) {
    const geometry = geometryOf(config);
    const convention = config.resize === 'longest-side' ? 'half-pixel' : 'aligned';
    const square = geometry.toSquare(map);
    expect(square).toEqual(resizeMap(map, geometry.square, geometry.square, convention));
    expect(geometry.toImage(square, 90, 90)).toEqual(resizeMap(square, 90, 90, convention));
  }
});

describe('what the networks read', () => {
  const image: Raster = { data: Uint8Array.from({ length: 3 * 40 * 30 }, (_, i) => (i * 37) % 256), width: 40, height: 30, channels: 3 };
  const own = { samSize: SAM, backboneSize: 32, normalisation: IMAGENET } as const;

  test.each(MODES)('%s: the size of SAM’s input', (_, config) => {
    const sam = samInput(image, config);
    expect(sam.length).toBe(3 * SAM * SAM);
    expect(sam.every(Number.isFinite)).toBe(true);
  });

  test('aligned: SAM sees the backbone’s square, stretched', () => {
    const sam = samInput(image, { ...own, resize: 'aligned' });
    const backbone = squareInput(image, 32, IMAGENET);
    expect(sam).toEqual(stretchAligned(backbone, 32, SAM));
    const plane = { data: backbone.subarray(32 * 32, 2 * 32 * 32), width: 32, height: 32 };
    expect(sam.subarray(SAM * SAM, 2 * SAM * SAM)).toEqual(resizeMap(plane, SAM, SAM, 'aligned').data);
  });

  test('stretch: SAM sees the image, resized straight to its square', () => {
    expect(samInput(image, { ...own, resize: 'stretch' })).toEqual(normalise(pillowResize(image, SAM, SAM), IMAGENET));
  });

  test('normalise: planes of (level - mean) / std, whatever channels follow', () => {
    const levels = { data: Uint8Array.of(0, 100, 200, 9, 255, 10, 20, 9), width: 2, height: 1, channels: 4 };
    const planes = normalise(levels, { mean: [10, 20, 30], std: [2, 4, 8] });
    expect([...planes]).toEqual([-5, 122.5, 20, -2.5, 21.25, -1.25]);
  });
});
