import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reduceLabels, type BinaryMask, type Grid } from '../../../../src/core/mask/label-reduction.ts';
import { emptyMask } from '../../../../src/core/mask/raster.ts';
import { anyMarkedMask, anyMask, maskOf } from './any-mask.ts';

const side = fc.integer({ min: 1, max: 9 });
/** Padding beyond the image, as a share of its size; often none. In sixteenths: slivers of cells below 1e-9 pixels do not count. */
const padding = fc.oneof(
  fc.constant(0),
  fc.nat(48).map((sixteenths) => sixteenths / 16),
);
const threshold = fc.double({ min: 0, max: 1, noNaN: true });
const anyGrid = fc.record({ columns: side, rows: side, padX: padding, padY: padding });

interface Padded {
  columns: number;
  rows: number;
  padX: number;
  padY: number;
}

function gridFor(mask: BinaryMask, { columns, rows, padX, padY }: Padded): Grid {
  return { columns, rows, spanX: mask.width * (1 + padX), spanY: mask.height * (1 + padY) };
}

const marked = (cells: Float32Array): number[] => [...cells.keys()].filter((i) => cells[i] === 1);

describe('what every kind of reduction keeps to', () => {
  const anyKind = fc.oneof(
    fc.constant({ kind: 'nearest' } as const),
    fc.constant({ kind: 'any' } as const),
    threshold.map((value) => ({ kind: 'area', threshold: value }) as const),
  );

  test('one 0 or 1 per cell, zeros for an empty mask, ones under a full one', () => {
    fc.assert(
      fc.property(anyMask(20), anyGrid, anyKind, (mask, padded, kind) => {
        const grid = gridFor(mask, padded);
        const cells = reduceLabels(mask, grid, kind);
        expect(cells.length).toBe(grid.columns * grid.rows);
        expect(cells.every((cell) => cell === 0 || cell === 1)).toBe(true);
        expect(marked(reduceLabels(emptyMask(mask.width, mask.height), grid, kind))).toEqual([]);
        const full = { ...mask, data: new Uint8Array(mask.data.length).fill(1) };
        const plain = { ...grid, spanX: mask.width, spanY: mask.height };
        if (kind.kind !== 'area' || kind.threshold < 0.99) expect(marked(reduceLabels(full, plain, kind)).length).toBe(cells.length);
      }),
    );
  });

  test("'any' and 'area' mark at least one cell when one pixel is marked", () => {
    fc.assert(
      fc.property(anyMarkedMask(20), anyGrid, threshold, (mask, padded, value) => {
        const grid = gridFor(mask, padded);
        expect(marked(reduceLabels(mask, grid, { kind: 'any' })).length).toBeGreaterThan(0);
        expect(marked(reduceLabels(mask, grid, { kind: 'area', threshold: value })).length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  test("'any' covers 'area' and 'nearest', and 'area' covers 'area' with a higher threshold", () => {
    fc.assert(
      fc.property(anyMask(20), anyGrid, threshold, threshold, (mask, padded, one, other) => {
        const grid = gridFor(mask, padded);
        const any = new Set(marked(reduceLabels(mask, grid, { kind: 'any' })));
        const loose = new Set(marked(reduceLabels(mask, grid, { kind: 'area', threshold: Math.min(one, other) })));
        for (const cell of loose) expect(any).toContain(cell);
        for (const cell of marked(reduceLabels(mask, grid, { kind: 'nearest' }))) expect(any).toContain(cell);
        for (const cell of marked(reduceLabels(mask, grid, { kind: 'area', threshold: Math.max(one, other) })))
          expect(loose).toContain(cell);
      }),
      { numRuns: 300 },
    );
  });

  test('more marked pixels never unmark a cell', () => {
    fc.assert(
      fc.property(anyMarkedMask(20), anyGrid, fc.nat(), (mask, padded, at) => {
        const grid = gridFor(mask, padded);
        const more = { ...mask, data: mask.data.with(at % mask.data.length, 1) };
        for (const kind of [{ kind: 'nearest' }, { kind: 'any' }] as const) {
          const after = new Set(marked(reduceLabels(more, grid, kind)));
          for (const cell of marked(reduceLabels(mask, grid, kind))) expect(after).toContain(cell);
        }
      }),
    );
  });
});

describe('blocks of whole pixels', () => {
  const blocks = fc.tuple(side, side, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));

  /** A marked mask of columns x rows blocks, and the number of marked pixels in each block. */
  function counted(seed: number, [columns, rows, blockWidth, blockHeight]: [number, number, number, number]) {
    const mask = emptyMask(columns * blockWidth, rows * blockHeight);
    let state = seed;
    mask.data.forEach((_, i) => {
      state = (state * 48_271 + 11) % 2_147_483_647;
      mask.data[i] = state % 5 < 2 ? 1 : 0;
    });
    const counts = new Array<number>(columns * rows).fill(0);
    mask.data.forEach((value, i) => {
      const column = Math.floor((i % mask.width) / blockWidth);
      const row = Math.floor(Math.floor(i / mask.width) / blockHeight);
      counts[row * columns + column] = (counts[row * columns + column] as number) + value;
    });
    return { mask, counts, grid: { columns, rows, spanX: mask.width, spanY: mask.height }, pixels: blockWidth * blockHeight };
  }

  test("'area' and 'any' agree with counting pixels, 'nearest' with the upper left one", () => {
    fc.assert(
      fc.property(fc.nat(1e6), blocks, threshold, (seed, sizes, value) => {
        const { mask, counts, grid, pixels } = counted(seed, sizes);
        const shares = counts.map((count) => count / pixels);
        const close = shares.some((share) => Math.abs(share - value) < 1e-5);
        const above = shares.flatMap((share, i) => (share > value ? [i] : []));
        const area = marked(reduceLabels(mask, grid, { kind: 'area', threshold: value }));
        if (!close && above.length > 0) expect(area).toEqual(above);
        // Where none is above, one of the fullest cells is on (equal ones may differ by rounding).
        else if (!close) expect(area.map((cell) => shares[cell])).toEqual(Math.max(...shares) > 0 ? [Math.max(...shares)] : []);
        expect(marked(reduceLabels(mask, grid, { kind: 'any' }))).toEqual(counts.flatMap((count, i) => (count > 0 ? [i] : [])));
        const corner = (i: number): number => {
          const [x, y] = [(i % grid.columns) * sizes[2], Math.floor(i / grid.columns) * sizes[3]];
          return mask.data[y * mask.width + x] as number;
        };
        expect([...reduceLabels(mask, grid, { kind: 'nearest' })]).toEqual(counts.map((_, i) => corner(i)));
      }),
      { numRuns: 200 },
    );
  });

  test("'area' that is inclusive needs the threshold itself, and takes all the fullest cells where none has it", () => {
    const mask = maskOf('####', '#...', '#...', '....');
    const grid = { columns: 2, rows: 2, spanX: 4, spanY: 4 };
    const reduced = (threshold: number): number[] => [...reduceLabels(mask, grid, { kind: 'area', threshold, inclusive: true })];
    expect(reduced(0.25)).toEqual([1, 1, 1, 0]); // shares 3/4, 2/4, 1/4, 0
    expect(reduced(0.26)).toEqual([1, 1, 0, 0]);
    expect(reduced(0.75)).toEqual([1, 0, 0, 0]);
    expect(reduced(1)).toEqual([1, 0, 0, 0]);
    expect(reduced(0)).toEqual([1, 1, 1, 0]);
    const even = maskOf('#.#.', '....', '#...', '....');
    expect([...reduceLabels(even, grid, { kind: 'area', threshold: 0.5, inclusive: true })]).toEqual([1, 1, 1, 0]);
    expect([...reduceLabels(even, grid, { kind: 'area', threshold: 0.5 })]).toEqual([1, 0, 0, 0]);
  });

  test("'area' needs more than the threshold, but the fullest cell is always on", () => {
    const mask = maskOf('##..', '....', '#...', '...#');
    const grid = { columns: 2, rows: 2, spanX: 4, spanY: 4 };
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 0.24 })]).toEqual([1, 0, 1, 1]);
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 0.25 })]).toEqual([1, 0, 0, 0]);
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 0.5 })]).toEqual([1, 0, 0, 0]);
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 1 })]).toEqual([1, 0, 0, 0]);
  });
});

describe('spans', () => {
  test('pixels on the border between cells count for both', () => {
    const mask = maskOf('.#.');
    const grid = { columns: 2, rows: 1, spanX: 3, spanY: 1 };
    expect([...reduceLabels(mask, grid, { kind: 'any' })]).toEqual([1, 1]);
    // Half a pixel of one and a half: a third.
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 0.33 })]).toEqual([1, 1]);
    expect([...reduceLabels(mask, grid, { kind: 'area', threshold: 0.34 })]).toEqual([1, 0]);
  });

  test('an image smaller than the grid marks every cell its pixels cover', () => {
    const mask = maskOf('#.');
    expect([...reduceLabels(mask, { columns: 4, rows: 2, spanX: 2, spanY: 1 }, { kind: 'any' })]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
  });

  test('cells of the padding are never marked, and those that reach into it count it as unmarked', () => {
    const full = maskOf('######', '######', '######');
    const grid = { columns: 4, rows: 4, spanX: 8, spanY: 8 };
    expect([...reduceLabels(full, grid, { kind: 'any' })]).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...reduceLabels(full, grid, { kind: 'area', threshold: 0.6 })]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...reduceLabels(full, grid, { kind: 'nearest' })]).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    fc.assert(
      fc.property(anyMarkedMask(16), anyGrid, (mask, padded) => {
        const grid = gridFor(mask, padded);
        for (const kind of [{ kind: 'nearest' }, { kind: 'any' }, { kind: 'area', threshold: 0.5 }] as const) {
          for (const cell of marked(reduceLabels(mask, grid, kind))) {
            expect(((cell % grid.columns) * grid.spanX) / grid.columns).toBeLessThan(mask.width);
            expect((Math.floor(cell / grid.columns) * grid.spanY) / grid.rows).toBeLessThan(mask.height);
          }
        }
      }),
    );
  });
});
