/** GF-SAM as a method of the engine, on the smallest model. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel, type Model } from '../../../../../../src/core/checkpoint/model-folder.ts';
import { callContext } from '../../../../../../src/core/engine/call-context.ts';
import { priorOf } from '../../../../../../src/core/engine/methods/gf-sam/prior.ts';
import { gfSam } from '../../../../../../src/core/engine/methods/gf-sam/gf-sam.ts';
import { pointMasks } from '../../../../../../src/core/engine/methods/gf-sam/point-masks.ts';
import type { MethodContext } from '../../../../../../src/core/engine/methods/method.ts';
import { decodeSamPromptSets, type SamPrompt } from '../../../../../../src/core/engine/methods/sam-prompts.ts';
import { expectedIou } from '../../../../../../src/core/engine/trust/expected-iou.ts';
import { geometryOf } from '../../../../../../src/core/image/geometry.ts';
import { createNetworks, preprocessOf, type Networks } from '../../../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../../../src/core/runtime/node/ort-node.ts';
import { aboveZero } from '../../../../../../src/core/mask/resize-map.ts';
import { iou } from '../../../../../../src/core/mask/metrics.ts';
import { sceneWith } from '../../../../../../src/scenes/scene-with.ts';

const SIZE = 160;
let model: Model;
let networks: Networks;
let batches: number[];
let context: MethodContext;
beforeAll(async () => {
  model = await openModel('models/tiny');
  networks = createNetworks(model, nodeRuntime({ threads: 1 }));
  context = callContext(undefined, {
    networks: {
      ...networks,
      decodePoints: (image, xy, kinds, mask) => {
        batches.push(xy.shape[0] as number);
        return networks.decodePoints(image, xy, kinds, mask);
      },
    },
    geometry: geometryOf(preprocessOf(model)),
  });
});
afterAll(() => networks.close());

let seed = 40;
async function shown(concept = 3) {
  const { image, truth } = sceneWith(concept, () => seed++);
  const features = { ...(await networks.encode(image)), key: `${seed}`, width: image.width, height: image.height };
  const [, , rows, columns] = features.mid.shape as [number, number, number, number];
  const cells = Float32Array.from({ length: rows * columns }, (_, i) => {
    const x = Math.floor((((i % columns) + 0.5) * image.width) / columns);
    const y = Math.floor(((Math.floor(i / columns) + 0.5) * image.height) / rows);
    return truth.data[y * image.width + x] as number;
  });
  return { features, truth, reference: { key: `${seed}`, features, mask: truth, cells, sam: () => Promise.resolve(features) } };
}

describe('gf-sam', () => {
  test('finds the object in its own image, with a decoder run for at most eight points at a time', async () => {
    batches = [];
    const { features, reference, truth } = await shown();
    const result = await gfSam(context, features, [reference], {});
    expect(iou(aboveZero(result.field.data), truth.data)).toBeGreaterThan(0.3);
    expect(result.samIou).toBeGreaterThan(0);
    expect(batches.length).toBeGreaterThan(0);
    expect(Math.max(...batches)).toBeLessThanOrEqual(8);
  });

  test('keeps to the budget of points, and says how many it left out', async () => {
    const { features, reference } = await shown();
    batches = [];
    const all = await gfSam(context, features, [reference], { maxPoints: 128 });
    const wanted = batches.reduce((sum, count) => sum + count, 0);
    expect(all.pointsLeftOut).toBeUndefined();
    expect(wanted).toBeGreaterThan(5);
    batches = [];
    const few = await gfSam(context, features, [reference], { maxPoints: 5 });
    expect(batches).toEqual([5]);
    expect(few.pointsLeftOut).toBe(wanted - 5);
  });

  test('gives an empty mask that expects nothing where no cell is like the object', async () => {
    const { features, reference } = await shown();
    const flat = { ...features, mid: { ...features.mid, data: new Float32Array(features.mid.data.length).fill(1) } };
    batches = [];
    const result = await gfSam(context, flat, [reference], {});
    expect(batches).toEqual([]);
    expect(result.field.data.some((value) => value > 0)).toBe(false);
    expect(expectedIou(result)).toBe(0);
    expect(result.samIou).toBe(0);
  });

  test('joins the logits of its masks: positive where one of them is', async () => {
    const { features, reference } = await shown();
    const { lowResLogits, decision } = await gfSam(context, features, [reference], {});
    expect([...aboveZero(lowResLogits as Float32Array)]).toEqual([...decision]);
  });

  test('averages the maps of several references', async () => {
    const { features } = await shown();
    const references = [(await shown()).reference, (await shown()).reference];
    const each = await Promise.all(references.map((reference) => priorOf(context, features, [reference])));
    const { maps } = await priorOf(context, features, references);
    for (const name of ['mean', 'top', 'rest'] as const)
      maps[name].forEach((value, i) => {
        expect(value).toBeCloseTo(((each[0]?.maps[name][i] as number) + (each[1]?.maps[name][i] as number)) / 2, 6);
      });
  });

  test('is given up between batches', async () => {
    const { features, reference } = await shown();
    batches = [];
    const given = { ...context, checkpoint: () => {
      if (batches.length > 0) throw new Error('given up');
    } }; // prettier-ignore
    await expect(gfSam(given, features, [reference], { maxPoints: 128 })).rejects.toThrow('given up');
    expect(batches).toHaveLength(1);
  });
});

test('sets of prompts are decoded together as each by itself', async () => {
  const { features } = await shown();
  batches = [];
  const sets = [[20, 30], [100, 120], [140, 10]].map(([x, y]): SamPrompt[] => [{ x: x as number, y: y as number, kind: 'positive' }]); // prettier-ignore
  const together = await decodeSamPromptSets(context.networks, context.geometry, features, sets);
  expect(batches).toEqual([3]);
  for (const [i, prompts] of sets.entries()) {
    const [alone] = await decodeSamPromptSets(context.networks, context.geometry, features, [prompts]);
    expect(together[i]?.single.iou).toBeCloseTo(alone?.single.iou as number, 4);
    together[i]?.single.logits.forEach((value, p) => expect(Math.abs(value - (alone?.single.logits[p] as number))).toBeLessThan(1e-3));
  }
});

test('masks of points are read at the centres of cells in an image that is padded', async () => {
  const padded = geometryOf({ ...preprocessOf(model), resize: 'longest-side' });
  const { features } = await shown();
  const wide = { ...features, width: SIZE, height: SIZE / 2 };
  const side = 4 * (features.embedding.shape[2] as number);
  // Positive in the left half of the square: of a wide image that is its left half, too.
  const logits = Float32Array.from({ length: 4 * side * side }, (_, i) => (i % side < side / 2 ? 1 : -1));
  const left = { ...networks, decodePoints: () => Promise.resolve({ logits: { data: logits, shape: [1, 4, side, side] }, iou: { data: new Float32Array(4), shape: [1, 4] } }) }; // prettier-ignore
  const [mask] = await pointMasks({ ...context, networks: left, geometry: padded }, wide, { columns: 16, rows: 8, stride: 16 }, [
    { x: 1, y: 1, cell: 17 },
  ]);
  expect([...(mask?.cells ?? [])]).toEqual(Array.from({ length: 128 }, (_, cell) => (cell % 16 < 8 ? 1 : 0)));
});
