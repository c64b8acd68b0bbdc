/** Sessions made ahead: after them a prediction and a click make none but the small ones that depend on what is asked. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { createEngineCore } from '../../../../src/core/engine/engine.ts';
import type { Engine } from '../../../../src/core/engine/types.ts';
import { nodeImageSource } from '../../../../src/core/image/node/source.ts';
import { createNetworks, type Networks } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';

let seed = 7;
const [reference, target] = [sceneWith(17, () => seed++), sceneWith(17, () => seed++)];
const made: string[] = [];
let networks: Networks;
let engine: Engine;

beforeAll(async () => {
  const model = await openModel('models/small');
  const runtime = nodeRuntime({ threads: 1 });
  networks = createNetworks(model, {
    device: runtime.device,
    load(emitted) {
      made.push(emitted.name);
      return runtime.load(emitted);
    },
  });
  engine = createEngineCore({ model, networks, source: nodeImageSource(), cacheBytes: 2 ** 26 });
});
afterAll(() => engine.close());

it('makes every large session once, and none that a call would not use', async () => {
  await networks.warmUp();
  for (const load of networks.ahead) await load();
  const ahead = [...made];
  expect(new Set(ahead).size).toBe(ahead.length);
  await engine.predict(target.image, [{ image: reference.image, box: [60, 60, 180, 180] }], { grow: true });
  await engine.refine(target.image, { points: [[100, 100]] });
  const small = /^(similarity|largest cosine)$/;
  expect(made.filter((name) => !small.test(name))).toEqual(ahead);
  expect(ahead).toEqual([
    'SAM image encoder',
    'SAM decoder for points and a mask',
    'prompt encoder, reference',
    'prompt encoder, target',
    'SAM mask decoder with a mask',
  ]);
});
