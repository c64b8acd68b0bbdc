/** Redrawing by pieces, with a decoder that knows the objects. */
import { describe, expect, it } from 'vitest';
import { redrawnByPieces } from '../../../../../src/core/engine/learned/pieces.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';

const SIDE = 64;
const geometry = geometryOf({ resize: 'stretch', samSize: 4 * SIDE, halfPixel: true } as Parameters<typeof geometryOf>[0]);
const target = { key: 'x', width: 2 * SIDE, height: 3 * SIDE, embedding: { shape: [1, 1, SIDE / 4, SIDE / 4] } } as unknown as Parameters<
  typeof redrawnByPieces
>[1];
/** x0, y0, x1, y1 on the square, without the last. */
type Box = readonly [number, number, number, number];
const isIn = (i: number, [x0, y0, x1, y1]: Box): boolean =>
  i % SIDE >= x0 && i % SIDE < x1 && Math.floor(i / SIDE) >= y0 && Math.floor(i / SIDE) < y1;
const mapOf = (boxes: readonly Box[], inside = 3): Float32Array =>
  Float32Array.from({ length: SIDE * SIDE }, (_, i) => (boxes.some((box) => isIn(i, box)) ? inside : -2));
const boxesIn = (map: Float32Array): string =>
  Array.from(map, (value, i) => (value > 0 ? i : -1))
    .filter((i) => i >= 0)
    .join();

interface Run {
  /** Box prompt on the square. */
  box: number[];
  points: number;
  mask: Float32Array;
}

/** A decoder whose second mask is the object in whose box the prompt's middle lies; the others are empty. */
function decoderOf(objects: readonly Box[], runs: Run[]) {
  return {
    drawsPrompts: false,
    sam2: undefined,
    decodePoints(_: unknown, xy: { data: Float32Array; shape: number[] }, __: unknown, mask: { data: Float32Array }) {
      const points = xy.shape[1] as number;
      const box = [...xy.data.slice(-4)].map((value) => (value + 0.5) / 4);
      const [x0, y0, x1, y1] = box as [number, number, number, number];
      runs.push({ box, points: points - 2, mask: mask.data });
      const middle = Math.floor((y0 + y1) / 2) * SIDE + Math.floor((x0 + x1) / 2);
      const object = objects.find((one) => isIn(middle, one)) ?? ([0, 0, 0, 0] as const);
      const logits = new Float32Array(4 * SIDE * SIDE).fill(-5);
      for (let i = 0; i < SIDE * SIDE; i++) if (isIn(i, object)) logits[SIDE * SIDE + i] = 5;
      return Promise.resolve({
        logits: { data: logits, shape: [1, 4, SIDE, SIDE] },
        iou: { data: new Float32Array(4), shape: [1, 4] },
      });
    },
  };
}

const redraw = (map: Float32Array, objects: readonly Box[], runs: Run[] = []) =>
  redrawnByPieces(
    { networks: decoderOf(objects, runs), geometry, checkpoint: () => undefined } as unknown as Parameters<typeof redrawnByPieces>[0],
    target,
    map,
  );

describe('a map redrawn by pieces', () => {
  it('gives each piece the border that SAM sees, and asks for each with its own box, points and mask alone', async () => {
    const objects: Box[] = [
      [4, 4, 20, 20],
      [40, 30, 60, 50],
    ];
    const runs: Run[] = [];
    const rough: Box[] = [
      [4, 4, 19, 18],
      [41, 31, 60, 48],
    ];
    expect(boxesIn(await redraw(mapOf(rough), objects, runs))).toBe(boxesIn(mapOf(objects)));
    expect(runs.map(({ box }) => box.map(Math.round))).toEqual([rough[1], rough[0]]);
    for (const { points } of runs) expect(points).toBe(3);
    const [large, small] = runs as [Run, Run];
    const inside = (mask: Float32Array, [x0, y0]: Box): number => mask[(y0 + 2) * SIDE + x0 + 2] as number;
    expect([inside(large.mask, rough[1] as Box), inside(large.mask, rough[0] as Box)]).toEqual([3, -8]);
    expect([inside(small.mask, rough[1] as Box), inside(small.mask, rough[0] as Box)]).toEqual([-8, 3]);
  });

  it('keeps a piece as it is where SAM sees something else', async () => {
    const piece: Box = [10, 10, 30, 20];
    expect(boxesIn(await redraw(mapOf([piece]), [[10, 10, 60, 60]]))).toBe(boxesIn(mapOf([piece])));
    expect(boxesIn(await redraw(mapOf([piece]), []))).toBe(boxesIn(mapOf([piece])));
  });

  it('drops what is smaller than a cell, and decodes no more than twelve pieces', async () => {
    const runs: Run[] = [];
    const many = Array.from({ length: 15 }, (_, i): Box => [
      4 * (i % 8) * 2,
      10 * Math.floor(i / 8),
      4 * (i % 8) * 2 + 4,
      10 * Math.floor(i / 8) + 4,
    ]);
    const speck: Box = [50, 50, 53, 53];
    const found = await redraw(mapOf([...many, speck]), [], runs);
    expect(runs).toHaveLength(12);
    expect(boxesIn(found)).toBe(boxesIn(mapOf(many)));
    expect(await redraw(mapOf([]), [], runs)).toEqual(new Float32Array(SIDE * SIDE).fill(-8));
    expect(runs).toHaveLength(12);
  });
});
