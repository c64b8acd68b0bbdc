/** What is computed how often: each encoder sees each image once, and only where somebody needs what it sees. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { createEncodedImages } from '../../../../src/core/engine/image-features.ts';
import { createReferenceStore } from '../../../../src/core/engine/references.ts';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import { nodeImageSource } from '../../../../src/core/image/node/source.ts';
import { createNetworks, preprocessOf } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { countedEngine } from './counted-engine.ts';
import { writeModelFolder } from '../runtime/model-folder-of.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-features-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let seed = 1;
const scene = () => sceneWith(3, () => seed++);
const drawn = () => {
  const { image, truth } = scene();
  return { image, mask: truth } as const;
};

describe('a reference', () => {
  /** Two pictures' features of the built-in model, 262 kB each, and not three. */
  const TWO_PICTURES = 600_000;

  it('is encoded once, also when other pictures have pushed its own out of the cache', async () => {
    const { engine, ran } = await countedEngine('models/tiny', TWO_PICTURES);
    const reference = drawn();
    for (let i = 0; i < 3; i++) {
      await engine.predict(scene().image, [reference], { method: 'prosam' });
      for (let other = 0; other < 3; other++) await engine.prepare(scene().image);
    }
    await engine.close();
    expect(ran).toEqual({ sam: 0, backbone: 1 + 3 + 9 }); // here SAM is the backbone
  });
});

describe('a model with a backbone of its own', () => {
  const folder = writeModelFolder(join(root, 'own'), { backbone: 'resnet', resize: 'stretch', withPromptEncoder: true, half: false });
  const ENOUGH = 2 ** 26;

  it('shows SAM no drawn reference, and every target once', async () => {
    const { engine, ran } = await countedEngine(folder, ENOUGH);
    const reference = drawn();
    for (const { image } of [scene(), scene()]) await engine.predict(image, [reference], { method: 'prosam' });
    expect(ran).toEqual({ sam: 2, backbone: 3 });
    // As a target, it lacks what SAM sees and nothing else.
    const { cached } = await engine.predict(reference.image, [reference], { method: 'prosam' });
    expect(ran).toEqual({ sam: 3, backbone: 3 });
    expect(cached).toBe(false);
    expect((await engine.predict(reference.image, [reference], { method: 'prosam' })).cached).toBe(true);
    await engine.close();
    expect(ran).toEqual({ sam: 3, backbone: 3 });
  });

  it('keeps of a grown reference what the methods read, and not the larger maps that SAM saw', async () => {
    const model = await openModel(folder);
    const networks = createNetworks(model, nodeRuntime({ threads: 1 }));
    const source = nodeImageSource();
    const store = createReferenceStore({
      ...{ source, geometry: geometryOf(preprocessOf(model)), maxBytes: ENOUGH },
      images: createEncodedImages({ networks, encoderId: model.encoderId, maxBytes: ENOUGH }),
      decode: ({ width, height, embedding }) => Promise.resolve(new Float32Array(width * height).fill(embedding.data.length)),
    });
    const { features, mask } = await store.reference({ image: scene().image, points: [[100, 100]] }, { grow: true });
    await networks.close();
    expect(mask.data.every((value) => value === 1)).toBe(true); // it was grown
    expect(Object.keys(features).sort()).toEqual(['height', 'high', 'key', 'mid', 'width']);
  });

  it('shows SAM a reference whose mark is to grow, and those that check each other', async () => {
    const { engine, ran } = await countedEngine(folder, ENOUGH);
    await engine.predict(scene().image, [{ image: scene().image, box: [10, 10, 40, 40] }], {
      method: 'prosam',
      grow: true,
    });
    expect(ran).toEqual({ sam: 2, backbone: 2 });
    await engine.selfCheck([drawn(), drawn()]);
    expect(ran).toEqual({ sam: 4, backbone: 4 });
    await engine.close();
  });
});
