/** Redrawing piece by piece, with a decoder that knows the objects. */
import { describe, expect, it } from 'vitest';
import { redrawPieces } from '../../../../../src/core/engine/methods/pieces.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';

const [SIDE, WIDTH, HEIGHT] = [64, 128, 128];
type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** Two pixels of the image for each of SAM's low-resolution ones. */
const geometry = geometryOf({ resize: 'stretch', samSize: 4 * SIDE, halfPixel: true } as Parameters<typeof geometryOf>[0]);
type Target = Parameters<typeof redrawPieces>[1];
const target = { key: 'x', width: WIDTH, height: HEIGHT, embedding: { shape: [1, 1, SIDE / 4, SIDE / 4] } } as unknown as Target;

const inside = ([x0, y0, x1, y1]: Box, i: number): boolean => {
  const [u, v] = [i % SIDE, Math.floor(i / SIDE) % SIDE];
  return u >= x0 && u < x1 && v >= y0 && v < y1;
};
const mapOf = (boxes: readonly Box[]): Float32Array =>
  Float32Array.from({ length: SIDE * SIDE }, (_, i) => (boxes.some((box) => inside(box, i)) ? 3 : -3));

/** Draws with the object in the middle of the box that it is shown; the first of its masks is the whole square. */
function drawing(objects: readonly Box[]) {
  const asked: { points: number; shown: number }[] = [];
  const networks = {
    drawsPrompts: false,
    sam2: undefined,
    decodePoints(_: unknown, xy: { data: Float32Array; shape: number[] }, __: unknown, mask: { data: Float32Array }) {
      const [sets, points] = xy.shape as [number, number];
      const size = SIDE * SIDE;
      const logits = new Float32Array(sets * 4 * size).fill(8);
      for (let set = 0; set < sets; set++) {
        const at = (k: number): number => (xy.data[2 * set * points + k] as number) / 4;
        const [u, v] = [(at(0) + at(2)) / 2, (at(1) + at(3)) / 2];
        const object = objects.find((box) => u >= box[0] && u < box[2] && v >= box[1] && v < box[3]) ?? [0, 0, 0, 0];
        for (let i = size; i < 4 * size; i++) logits[set * 4 * size + i] = inside(object, i) ? 8 : -8;
        asked.push({ points, shown: mask.data.slice(set * size, (set + 1) * size).filter((value) => value > 0).length });
      }
      return Promise.resolve({
        logits: { data: logits, shape: [sets, 4, SIDE, SIDE] },
        iou: { data: new Float32Array(4 * sets).fill(0.5), shape: [sets, 4] },
      });
    },
  };
  const context = { networks, geometry, checkpoint: () => undefined, lap: () => undefined } as unknown as Parameters<
    typeof redrawPieces
  >[0];
  return { asked, redraw: (logits: Float32Array) => redrawPieces(context, target, logits) };
}

const maskOf = (logits: Float32Array | undefined): number[] => Array.from(logits ?? [], (value) => (value > 0 ? 1 : 0));
const expected = (boxes: readonly Box[]): number[] => maskOf(mapOf(boxes));

describe('redrawing piece by piece', () => {
  it('takes what SAM sees alike, and leaves a piece that it sees otherwise', async () => {
    const found: Box[] = [
      [10, 10, 20, 20],
      [40, 40, 50, 50],
    ];
    const objects: Box[] = [
      [9, 11, 21, 20],
      [30, 30, 62, 62],
    ];
    const { asked, redraw } = drawing(objects);
    const result = await redraw(mapOf(found));
    expect(maskOf(result.lowResLogits)).toEqual(expected([objects[0] as Box, found[1] as Box]));
    // Each piece is shown alone.
    expect(asked.map(({ shown }) => shown)).toEqual([100, 100]);
    expect(result.samIou).toBeCloseTo(0.5, 6);
    expect(result.field).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  it('keeps a neighbour whole where a redrawn piece shrinks', async () => {
    const found: Box[] = [
      [10, 10, 30, 30],
      [31, 10, 41, 20],
    ];
    const { redraw } = drawing([[12, 12, 30, 30]]);
    const result = await redraw(mapOf(found));
    expect(maskOf(result.lowResLogits)).toEqual(expected([[12, 12, 30, 30], found[1] as Box]));
  });

  it('asks for the eight largest pieces at most, and for none that is a speck', async () => {
    const found = Array.from({ length: 12 }, (_, i): Box => [5 * (i % 12), 10, 5 * (i % 12) + 4, 15 + i]);
    const { asked, redraw } = drawing([]);
    const result = await redraw(mapOf([...found, [1, 60, 3, 62]]));
    expect(asked).toHaveLength(8);
    expect(Math.min(...asked.map(({ shown }) => shown))).toBe(4 * (5 + 4));
    expect(maskOf(result.lowResLogits)).toEqual(expected([...found, [1, 60, 3, 62]]));
  });

  it('asks nothing where nothing is found', async () => {
    const { asked, redraw } = drawing([[0, 0, SIDE, SIDE]]);
    const result = await redraw(mapOf([]));
    expect([asked.length, result.samIou, Math.max(...result.decision)]).toEqual([0, undefined, 0]);
  });
});
