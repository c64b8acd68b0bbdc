/**
 * Measures what encoders of one model know of several data sets, with the trainer's own validation (docs/training/further.md):
 *   kept.ts PAIRS DATA[,DATA] MODEL... [--cache DIR]
 * PAIRS: of each fold. MODEL: names or folders. Prints mIoU in percent, by data set and fold.
 */
import { parseArgs } from 'node:util';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { nodeImageSource } from '../../src/core/image/node/source.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import { openRuntime } from '../../src/core/runtime/devices/choose-device.ts';
import { modelFolder } from '../../src/core/runtime/node/open-engine.ts';
import { frozenFeatures } from '../../src/training/batches/frozen-features.ts';
import { createPairMaker, type PreparedPair } from '../../src/training/batches/pairs.ts';
import { openDataset } from '../../src/training/datasets/index.ts';
import { validatePairs } from '../../src/training/loop/validate.ts';
import { DEFAULT_SEED, randomFor } from '../../src/training/step/seeds.ts';

const MEMORY_BYTES = 2 ** 28;
const DISK_BYTES = 24 * 2 ** 30;

const { positionals, values } = parseArgs({ allowPositionals: true, options: { cache: { type: 'string', default: 'features' } } });
const [count, data, ...names] = positionals as [string, string, ...string[]];

for (const name of names) {
  const model = await openModel(modelFolder(name));
  const encoder = model.manifest.prompt_encoder;
  if (encoder === undefined) throw new Error(`${name}: expected a model with a prompt encoder, got one without.`);
  const networks = createNetworks(model, await openRuntime({ device: 'cpu', threads: 1 }));
  const disk = { folder: values.cache, bytes: DISK_BYTES };
  const features = frozenFeatures({ model, networks, source: nodeImageSource(), memoryBytes: MEMORY_BYTES, disk });
  const found: string[] = [];
  for (const path of data.split(',')) {
    const dataset = await openDataset(path);
    const { resize } = model.manifest.sam;
    const pairs = createPairMaker({ dataset, features, resize, annotation: 'mask', labelReduction: encoder.label_reduction });
    const folds = dataset.folds === 0 ? (['all'] as const) : Array.from({ length: dataset.folds }, (_, fold) => fold);
    const mious: number[] = [];
    for (const fold of folds) {
      const episodes = dataset.fold(fold).testEpisodes(Number(count), DEFAULT_SEED);
      const prepared = async function* (): AsyncGenerator<PreparedPair> {
        for (const [i, episode] of episodes.entries()) yield pairs(episode, randomFor(DEFAULT_SEED, 'annotations', i), 'evaluation');
      };
      const measuring = validatePairs({ model, networks }, prepared(), 0);
      let next = await measuring.next();
      while (!next.done) next = await measuring.next();
      mious.push(next.value.miou);
    }
    const mean = mious.reduce((sum, miou) => sum + miou, 0) / mious.length;
    found.push(`${dataset.name} ${mean.toFixed(1)} (${mious.map((miou) => miou.toFixed(1)).join(', ')})`);
  }
  console.log(`${name}: ${found.join('; ')}`);
  await features.close();
  await networks.close();
}
