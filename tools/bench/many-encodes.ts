/**
 * One engine, one reference, many pictures, for tools/bench/inference.ts:
 *   many-encodes.ts MODEL_FOLDER THREADS PICTURES
 * Answers a line with how often each network ran and what the process held after ten pictures and after all.
 */
import { createInterface } from 'node:readline';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { createEngineCore } from '../../src/core/engine/engine.ts';
import { nodeImageSource } from '../../src/core/image/node/source.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import type { PixelImage } from '../../src/core/engine/types.ts';

export interface ManyAnswer {
  targets: number;
  /** By network. */
  runs: Record<string, number>;
  /** Pictures after which memory was looked at first. */
  early: number;
  earlyBytes: number;
  lateBytes: number;
}

const EARLY = 10;
/** Three pictures' features, so that the cache is full long before the first look. */
const CACHE_BYTES = 256 * 2 ** 20;

const [folder = '', threads = '0', count = '20'] = process.argv.slice(2);
const targets = Number(count);
const runs: Record<string, number> = {};

/** Counts what runs, by network. */
function counted(runtime: Runtime): Runtime {
  return {
    ...runtime,
    async load(emitted) {
      const session = await runtime.load(emitted);
      return {
        run(given) {
          runs[emitted.name] = (runs[emitted.name] ?? 0) + 1;
          return session.run(given);
        },
        close: () => session.close(),
      };
    },
  };
}

function picture(seed: number): PixelImage {
  const [width, height] = [640, 480];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => ((i % (3 * width)) * (seed + 3) + (i >> 9) * 7) & 255);
  return { data, width, height, channels: 3 };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== '') continue;
  const model = await openModel(folder);
  const networks = createNetworks(model, counted(nodeRuntime({ threads: Number(threads) })));
  const engine = createEngineCore({ model, networks, source: nodeImageSource(), cacheBytes: CACHE_BYTES });
  const reference = { image: picture(0), box: [200, 100, 400, 300] };
  let earlyBytes = 0;
  for (let i = 1; i <= targets; i++) {
    await engine.predict(picture(i), [reference], { method: 'prosam' });
    if (i === Math.min(EARLY, targets)) earlyBytes = process.memoryUsage().rss;
  }
  const response: ManyAnswer = { targets, runs, early: EARLY, earlyBytes, lateBytes: process.memoryUsage().rss };
  console.log(JSON.stringify(response));
}
process.exit(0);
