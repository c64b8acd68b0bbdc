/** Evidence on made-up features: what it says of an object that is there, of one that is not, and of lookalikes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../../src/core/checkpoint/model-folder.ts';
import { callContext } from '../../../../../src/core/engine/call-context.ts';
import type { ImageFeatures } from '../../../../../src/core/engine/image-features.ts';
import type { MethodResult } from '../../../../../src/core/engine/methods/method.ts';
import type { PreparedReference } from '../../../../../src/core/engine/references.ts';
import { coverOf } from '../../../../../src/core/engine/trust/cover.ts';
import { evidenceOf } from '../../../../../src/core/engine/trust/evidence.ts';
import { createRivals } from '../../../../../src/core/engine/trust/rivals.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../../../src/core/image/preprocess.ts';
import { createNetworks, type Networks } from '../../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../../src/core/runtime/node/ort-node.ts';

const SIDE = 4;
const CELLS = SIDE * SIDE;
/** Directions of features: grass, two kinds of objects. */
const KINDS = { grass: [1, 0, 0], cup: [0, 1, 0], bowl: [0, 0.8, 0.6] } as const;
type Kind = keyof typeof KINDS;

let networks: Networks;
beforeAll(async () => {
  networks = createNetworks(await openModel('models/tiny'), nodeRuntime({ threads: 1 }));
});
afterAll(() => networks.close());

const context = () =>
  callContext(undefined, { networks, geometry: geometryOf({ resize: 'stretch', samSize: 64, normalisation: IMAGENET }) });

/** Grass with an object in the first cells. */
function scene(key: string, object: Kind, count: number): ImageFeatures {
  const kinds = Array.from({ length: CELLS }, (_, i) => KINDS[i < count ? object : 'grass']);
  const data = Float32Array.from({ length: 3 * CELLS }, (_, i) => kinds[i % CELLS]?.[Math.floor(i / CELLS)] ?? 0);
  const map = { data, shape: [1, 3, SIDE, SIDE] };
  return { key, width: 64, height: 64, mid: map, high: map, embedding: map };
}

function reference(object: Kind, count = 4): PreparedReference {
  const cells = Float32Array.from({ length: CELLS }, (_, i) => (i < count ? 1 : 0));
  const features = scene(`${object} shown`, object, count);
  return { key: object, features, sam: () => Promise.resolve(features), cells, mask: { data: new Uint8Array(), width: 0, height: 0 } };
}

/** A mask of the first cells. */
function drawn(count: number): MethodResult {
  const map = { data: Float32Array.from({ length: CELLS }, (_, i) => (i < count ? 0.9 : 0.1)), width: SIDE, height: SIDE };
  return { field: map, probability: map, decision: map.data.map((p) => (p > 0.5 ? 1 : 0)) as unknown as Uint8Array, samIou: 0.8 };
}

const matching = { parts: [{ map: 'mid', from: 0 }], compare: 'cells' } as const;
const evidence = (target: ImageFeatures, count = 4, rivals: Float32Array[] = []) =>
  evidenceOf(context(), { target, references: [reference('cup')], matching, rivals }, drawn(count));

describe('evidence', () => {
  it('speaks for an object that is there and whose mask fits', async () => {
    expect(await evidence(scene('t', 'cup', 4))).toMatchObject({
      ...{ found: expect.closeTo(1, 5) as number, lead: expect.closeTo(1, 5) as number, likeness: expect.closeTo(1, 5) as number },
      ...{
        precision: expect.closeTo(1, 5) as number,
        coverage: expect.closeTo(1, 5) as number,
        relativeSize: expect.closeTo(0, 5) as number,
      },
      ...{ certainty: expect.closeTo((4 * 0.9) / (4 + 12 * 0.1), 5) as number, samIou: 0.8 },
    });
  });

  it('says that half of the mask lies beside the object, and that half of the object is missed', async () => {
    expect((await evidence(scene('t', 'cup', 2))).precision).toBeCloseTo(0.5, 4);
    expect((await evidence(scene('t', 'cup', 8))).coverage).toBeCloseTo(0.5, 4);
  });

  it('finds a lookalike less again than the object, and nothing least', async () => {
    const found = [];
    for (const kind of ['cup', 'bowl', 'grass'] as const) found.push((await evidence(scene('t', kind, 4))).found);
    expect(found[0]).toBeCloseTo(1, 5);
    expect(found[1]).toBeCloseTo(0.8, 5);
    expect(found[2]).toBeCloseTo(0, 5);
  });

  it('holds the find against lookalikes in other images', async () => {
    const rivals = await createRivals(1e6).find(context(), [reference('cup')], [scene('other', 'bowl', 4), scene('empty', 'grass', 0)]);
    expect(rivals).toHaveLength(1); // nothing looks like a cup on the lawn
    const [cup, bowl] = [await evidence(scene('t', 'cup', 4), 4, rivals), await evidence(scene('t', 'bowl', 4), 4, rivals)];
    expect(cup.rival).toBeLessThan(0.85);
    expect(bowl.rival).toBeGreaterThan(0.95);
    expect(await evidence(scene('t', 'cup', 4))).not.toHaveProperty('rival');
  });
});

describe('cover', () => {
  const maskOf = (width: number, height: number, on: (x: number, y: number) => boolean) => {
    const decision = Uint8Array.from({ length: width * height }, (_, i) => (on(i % width, Math.floor(i / width)) ? 1 : 0));
    return { decision, probability: { data: new Float32Array(decision.length), width, height } };
  };
  it('is the share of each cell, of finer masks and of coarser ones', () => {
    expect(
      coverOf(
        maskOf(4, 4, (x) => x === 0),
        { columns: 2, rows: 2 },
      ),
    ).toEqual([0.5, 0, 0.5, 0]);
    expect(
      coverOf(
        maskOf(2, 1, (x) => x === 1),
        { columns: 4, rows: 2 },
      ),
    ).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
  });
});
