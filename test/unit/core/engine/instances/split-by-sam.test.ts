/** The split from points to parts, with a decoder that knows the objects. */
import { describe, expect, it } from 'vitest';
import { MAX_INSTANCE_POINTS } from '../../../../../src/core/engine/defaults.ts';
import { depthOf, innerPoints } from '../../../../../src/core/engine/instances/points.ts';
import { splitBySam } from '../../../../../src/core/engine/instances/split-by-sam.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';
import { splitInstances } from '../../../../../src/core/mask/instances.ts';
import { emptyMask, fillBox } from '../../../../../src/core/mask/raster.ts';

const [SIDE, WIDTH, HEIGHT] = [64, 128, 128];
type Box = readonly [number, number, number, number];

/** SAM's square has two pixels of the image for each of its low-resolution ones. */
const geometry = geometryOf({ resize: 'stretch', samSize: 4 * SIDE, halfPixel: true } as Parameters<typeof geometryOf>[0]);
const target = { key: 'x', width: WIDTH, height: HEIGHT, embedding: { shape: [1, 1, SIDE / 4, SIDE / 4] } } as unknown as Parameters<
  typeof splitBySam
>[1];

/** A decoder whose masks are the object that a point lies in. objects: boxes in the image. Every other network fails. */
function decoderOf(objects: readonly Box[], onRun: (points: number) => void = () => undefined) {
  return {
    drawsPrompts: false,
    sam2: undefined,
    decodePoints(_: unknown, xy: { data: Float32Array; shape: number[] }) {
      const [sets, points] = xy.shape as [number, number];
      onRun(sets);
      const logits = new Float32Array(sets * 4 * SIDE * SIDE);
      for (let set = 0; set < sets; set++) {
        const [x, y] = [0, 1].map((i) => ((xy.data[2 * set * points + i] as number) + 0.5) / 2) as [number, number];
        const [x0, y0, x1, y1] = objects.find((box) => x >= box[0] && x < box[2] && y >= box[1] && y < box[3]) ?? [0, 0, 0, 0];
        for (let i = 0; i < 4 * SIDE * SIDE; i++) {
          const [u, v] = [2 * (i % SIDE) + 1, 2 * (Math.floor(i / SIDE) % SIDE) + 1];
          logits[set * 4 * SIDE * SIDE + i] = u >= x0 && u < x1 && v >= y0 && v < y1 ? 8 : -8;
        }
      }
      const shape = [sets, 4, SIDE, SIDE];
      return Promise.resolve({ logits: { data: logits, shape }, iou: { data: new Float32Array(4 * sets), shape: [sets, 4] } });
    },
  };
}

const regionsOf = (boxes: readonly Box[]) => {
  const mask = emptyMask(WIDTH, HEIGHT);
  for (const box of boxes) fillBox(mask, box);
  return splitInstances(mask, 8);
};
const contextOf = (networks: object, checkpoint = (): void => undefined) =>
  ({ networks, geometry, checkpoint }) as unknown as Parameters<typeof splitBySam>[0];

const TOUCHING: readonly Box[] = [
  [10, 20, 60, 70],
  [60, 20, 110, 70],
];

describe('split by SAM', () => {
  it('tells two objects apart that share a whole side, and each pixel belongs to one of them', async () => {
    const found = await splitBySam(contextOf(decoderOf(TOUCHING)), target, regionsOf(TOUCHING), { leastArea: 8 });
    expect(found).toHaveLength(2);
    expect(found.reduce((sum, { area }) => sum + area, 0)).toBe(5000);
    const starts = found.map(({ boxXyxy }) => boxXyxy[0]).sort((a, b) => a - b);
    expect(starts[0]).toBe(10);
    // The border lies in the middle between points: within two cells of the spacing.
    expect(Math.abs((starts[1] as number) - 60)).toBeLessThanOrEqual(6);
  });

  it('leaves whole what SAM sees as one object, and objects that stand apart', async () => {
    const whole = [[10, 20, 110, 70]] as const;
    expect(await splitBySam(contextOf(decoderOf(whole)), target, regionsOf(whole), { leastArea: 8 })).toHaveLength(1);
    const apart = [
      [10, 20, 50, 70],
      [60, 20, 110, 70],
    ] as const;
    expect(await splitBySam(contextOf(decoderOf(apart)), target, regionsOf(apart), { leastArea: 8 })).toEqual(regionsOf(apart));
  });

  it('decodes a bounded number of points for all regions together, and none for what is too small to be two objects', async () => {
    let points = 0;
    const count = (sets: number): void => void (points += sets);
    await splitBySam(contextOf(decoderOf(TOUCHING, count)), target, regionsOf(TOUCHING), { leastArea: 8 });
    expect(points).toBeGreaterThan(8);
    expect(points).toBeLessThanOrEqual(MAX_INSTANCE_POINTS);
    points = 0;
    const many = Array.from({ length: 100 }, (_, i): Box => [
      12 * (i % 10),
      12 * Math.floor(i / 10),
      12 * (i % 10) + 10,
      12 * Math.floor(i / 10) + 10,
    ]);
    expect(await splitBySam(contextOf(decoderOf(many, count)), target, regionsOf(many), { leastArea: 8 })).toHaveLength(100);
    expect(points).toBe(0);
    expect(await splitBySam(contextOf(decoderOf(TOUCHING, count)), target, regionsOf(TOUCHING), { leastArea: 3000 })).toHaveLength(1);
    expect(await splitBySam(contextOf(decoderOf(TOUCHING, count)), target, [], { leastArea: 8 })).toEqual([]);
    expect(points).toBe(0);
  });

  it('keeps a line of one pixel, which no point lies in, as it is', async () => {
    const line = [[5, 30, 125, 31]] as const;
    expect(await splitBySam(contextOf(decoderOf(line)), target, regionsOf(line), { leastArea: 8 })).toEqual(regionsOf(line));
  });

  it('ends between two batches when the caller gives up, and between two steps of its own', async () => {
    const gone = new Error('gone');
    let batches = 0;
    const stopping = contextOf(
      decoderOf(TOUCHING, () => batches++),
      () => {
        throw gone;
      },
    );
    await expect(splitBySam(stopping, target, regionsOf(TOUCHING), { leastArea: 8 })).rejects.toBe(gone);
    expect(batches).toBe(1);
    const signal = AbortSignal.abort(gone);
    await expect(splitBySam(contextOf(decoderOf(TOUCHING)), target, regionsOf(TOUCHING), { leastArea: 8, signal })).rejects.toBe(gone);
  });
});

describe('points', () => {
  it('lie in the middle of wide places first, apart from each other and off the border', () => {
    const data = new Uint8Array(20 * 20);
    for (let y = 2; y < 11; y++) for (let x = 2; x < 11; x++) data[20 * y + x] = 1;
    const depth = depthOf({ data, side: 20 });
    // Nine wide: the middle is five steps from the outside, an edge one, a corner one.
    expect([depth[20 * 6 + 6], depth[20 * 6 + 2], depth[20 * 2 + 2]]).toEqual([5, 1, 1]);
    const points = innerPoints({ data, side: 20 }, depth, 9);
    expect(points[0]).toEqual({ x: 6, y: 6 });
    expect(points.length).toBeLessThanOrEqual(9);
    points.forEach((a, i) => {
      expect(a.x > 2 && a.x < 10 && a.y > 2 && a.y < 10).toBe(true);
      for (const b of points.slice(0, i)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(2);
    });
    expect(innerPoints({ data: new Uint8Array(400), side: 20 }, depth, 9)).toEqual([]);
  });
});
