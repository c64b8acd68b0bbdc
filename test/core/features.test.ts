/** What is computed how often: features of references outlast those of the pictures that come and go. */
import { describe, expect, it } from 'vitest';
import { sceneWith } from '../../src/cli/demo-scenes.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { createEngineCore } from '../../src/core/engine.ts';
import { nodeImageSource } from '../../src/core/image/node-source.ts';
import { createNetworks } from '../../src/core/runtime/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node.ts';

/** Two pictures' features of the built-in model, 262 kB each, and not three. */
const CACHE_BYTES = 600_000;

describe('a reference', () => {
  it('is encoded once, also when other pictures have pushed its own out of the cache', async () => {
    const model = await openModel('models/tiny');
    const networks = createNetworks(model, nodeRuntime({ threads: 1 }));
    let encoded = 0;
    const counted: typeof networks = {
      ...networks,
      encode: (image) => {
        encoded++;
        return networks.encode(image);
      },
    };
    const engine = createEngineCore({ model, networks: counted, source: nodeImageSource(), cacheBytes: CACHE_BYTES });
    let seed = 1;
    const next = () => sceneWith(3, () => seed++);
    const { image, truth } = next();
    const reference = { image, annotation: { kind: 'mask', mask: truth } } as const;
    for (let i = 0; i < 3; i++) {
      await engine.predict(next().image, [reference], { method: 'prosam' });
      for (let other = 0; other < 3; other++) await engine.embed(next().image);
    }
    await engine.close();
    expect(encoded).toBe(1 + 3 + 9);
  });
});
