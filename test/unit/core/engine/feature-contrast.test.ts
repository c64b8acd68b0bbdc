import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { averageCosines } from '../../../../src/core/engine/methods/average-cosines.ts';
import { cellCosines, type Cosines } from '../../../../src/core/engine/methods/cell-cosines.ts';
import { comparedMap, type ShownMap } from '../../../../src/core/engine/methods/compared-map.ts';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../../src/core/image/preprocess.ts';
import { createNetworks, type Networks } from '../../../../src/core/onnx/networks.ts';
import type { Tensor } from '../../../../src/core/onnx/session.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';

const SIDE = 6;
const CELLS = SIDE * SIDE;
const CHANNELS = 5;
/** The second part is ten times as loud: unscaled, it alone would decide. */
const PARTS = [
  { map: 'mid', from: 0, to: 2 },
  { map: 'mid', from: 2 },
] as const;

function mapOf(seed: number): Tensor {
  const value = (i: number): number => Math.sin(seed + 1.7 * i) * (i < 2 * CELLS ? 1 : 10);
  return { data: Float32Array.from({ length: CHANNELS * CELLS }, (_, i) => value(i)), shape: [1, CHANNELS, SIDE, SIDE] };
}

const imageOf = (seed: number, width = 100, height = 100) => ({ key: '', width, height, mid: mapOf(seed), high: mapOf(seed + 50) });

function shownOf(seed: number, width?: number, height?: number): ShownMap {
  const features = imageOf(seed, width, height);
  return {
    reference: { features, cells: Float32Array.from({ length: CELLS }, (_, i) => (i % 7 < 2 ? 1 : 0)) },
    ...comparedMap(features, PARTS),
  };
}

/** Feature of a cell, each part at length 1, the whole at length 1. */
function unitCell({ data }: Tensor, cell: number): number[] {
  const at = (from: number, to: number): number[] => {
    const values = Array.from({ length: to - from }, (_, c) => data[(from + c) * CELLS + cell] as number);
    const length = Math.hypot(...values) * Math.SQRT2;
    return values.map((value) => value / length);
  };
  return [...at(0, 2), ...at(2, CHANNELS)];
}

const contrast = ({ object, rest }: Cosines): Float32Array => object.map((value, i) => value - (rest[i] as number));

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** The definition, cell by cell. */
function byHand(target: Tensor, references: readonly { map: Tensor; cells: Float32Array; seen?: (cell: number) => boolean }[]): number[] {
  return Array.from({ length: CELLS }, (_, t) => {
    const best = { object: -1, rest: -1 };
    for (const { map, cells, seen } of references) {
      for (let s = 0; s < CELLS; s++) {
        if (seen && !seen(s)) continue;
        const side = cells[s] === 0 ? 'rest' : 'object';
        best[side] = Math.max(best[side], dot(unitCell(target, t), unitCell(map, s)));
      }
    }
    return best.object - best.rest;
  });
}

describe('contrast', () => {
  const geometry = geometryOf({ resize: 'stretch', samSize: 96, normalisation: IMAGENET });
  let networks: Networks;
  let calls = 0;
  beforeAll(async () => {
    networks = createNetworks(await openModel('models/tiny'), nodeRuntime({ threads: 1 }));
  });
  afterAll(() => networks.close());
  const context = () => ({
    geometry,
    checkpoint: () => undefined,
    networks: {
      nearestCosine: (...args: Parameters<Networks['nearestCosine']>) => {
        calls++;
        return networks.nearestCosine(...args);
      },
    },
  });
  const close = (found: Float32Array, wanted: readonly number[]): void => {
    expect(found).toHaveLength(wanted.length);
    wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  };

  test('to cells: the largest cosine to a marked one less the largest to any other, parts counting alike, references as one pool', async () => {
    const target = comparedMap(imageOf(3), PARTS);
    const references = [shownOf(1), shownOf(2)];
    const pool = references.map(({ map, reference: { cells } }) => ({ map, cells }));
    close(contrast(await cellCosines(context(), target, references.slice(0, 1))), byHand(target.map, pool.slice(0, 1)));
    close(contrast(await cellCosines(context(), target, references)), byHand(target.map, pool));
  });

  test('to cells: those that only see padding are in no pool', async () => {
    const padded = { ...context(), geometry: geometryOf({ resize: 'longest-side', samSize: 96, normalisation: IMAGENET }) };
    const target = comparedMap(imageOf(3), PARTS);
    const reference = shownOf(1, 100, 40); // 2.4 of 6 rows
    const { map } = reference;
    const { cells } = reference.reference;
    close(contrast(await cellCosines(padded, target, [reference])), byHand(target.map, [{ map, cells, seen: (cell) => cell < 3 * SIDE }]));
  });

  test('to cells: a pool beyond the bound is thinned, marked cells and others alike', async () => {
    const target = comparedMap(imageOf(3), PARTS);
    const rows: number[] = [];
    const counted = {
      ...context(),
      networks: {
        nearestCosine: (...args: Parameters<Networks['nearestCosine']>) => {
          rows.push(args[0].shape[0] as number);
          return networks.nearestCosine(...args);
        },
      },
    };
    const { object, rest } = await cellCosines(counted, target, [shownOf(1), shownOf(2)], (CHANNELS * CELLS * CELLS) / 2);
    expect(rows).toEqual([6, 13]); // of 22 marked cells and 50 others a quarter each
    expect([...object, ...rest].every(Number.isFinite)).toBe(true);
  });

  test('to cells: nothing marked is nowhere, everything marked is everywhere', async () => {
    const target = comparedMap(imageOf(3), PARTS);
    const all = (value: number): ShownMap => {
      const shown = shownOf(1);
      return { ...shown, reference: { ...shown.reference, cells: new Float32Array(CELLS).fill(value) } };
    };
    expect(contrast(await cellCosines(context(), target, [all(0)])).every((value) => value < 0)).toBe(true);
    expect(contrast(await cellCosines(context(), target, [all(1)])).every((value) => value > 0)).toBe(true);
  });

  test('to cells: gives up between blocks', async () => {
    calls = 0;
    const stopped = { ...context(), checkpoint: () => AbortSignal.abort(new Error('stopped')).throwIfAborted() };
    await expect(cellCosines(stopped, comparedMap(imageOf(3), PARTS), [shownOf(1)])).rejects.toThrow('stopped');
    expect(calls).toBe(1);
  });

  test('to averages: cosine to the direction of the marked cells less that to the others', () => {
    const target = comparedMap(imageOf(3), PARTS);
    const reference = shownOf(1);
    const sum = (marked: boolean): number[] => {
      const total = new Array<number>(CHANNELS).fill(0);
      reference.reference.cells.forEach((value, cell) => {
        if ((value !== 0) === marked) unitCell(reference.map, cell).forEach((part, c) => (total[c] = (total[c] as number) + part));
      });
      return total.map((value) => value / Math.hypot(...total));
    };
    const [object, rest] = [sum(true), sum(false)];
    const wanted = Array.from({ length: CELLS }, (_, cell) => {
      const seen = unitCell(target.map, cell);
      return dot(seen, object) - dot(seen, rest);
    });
    close(contrast(averageCosines(target, [reference])), wanted);
  });

  test('compares features in the order of the plan, from both maps', () => {
    const image = imageOf(3);
    const { map, widths } = comparedMap(image, [
      { map: 'high', from: 0 },
      { map: 'mid', from: 1, to: 3 },
    ]);
    expect(widths).toEqual([5, 2]);
    expect(map.shape).toEqual([1, 7, SIDE, SIDE]);
    expect(map.data).toEqual(Float32Array.from([...image.high.data, ...image.mid.data.subarray(CELLS, 3 * CELLS)]));
    // Channels that lie side by side are not copied.
    expect(comparedMap(image, PARTS).map.data.buffer).toBe(image.mid.data.buffer);
  });
});

test('a map on the grid reaches the low-resolution square where SAM sees the image', () => {
  const map = { data: Float32Array.of(1, 2, 3, 4), width: 2, height: 2 };
  const padded = { resize: 'longest-side', samSize: 96, normalisation: IMAGENET } as const;
  // A backbone of its own saw the stretched image, SAM the padded one.
  const low = geometryOf({ ...padded, backboneSize: 64 }).gridToLow(map, 200, 100, 8);
  expect(Array.from(low.data.subarray(0, 8))).toEqual([1, 1, 1.125, 1.375, 1.625, 1.875, 2, 2]);
  expect(Array.from(low.data.subarray(24, 32))).toEqual([3, 3, 3.125, 3.375, 3.625, 3.875, 4, 4]);
  expect(low.data.subarray(32).every((value) => value === 1)).toBe(true);
  // SAM's own grid is padded as SAM is.
  expect(geometryOf(padded).gridToLow(map, 200, 100, 2).data).toEqual(map.data);
});
