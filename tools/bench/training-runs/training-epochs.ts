/**
 * Two epochs of the real trainer with the built-in model on generated scenes, for training.ts:
 *   training-epochs.ts FOLDER BATCH SAMPLES ENGINE
 * Prints milliseconds a step and the share spent in frozen networks, epoch by epoch, as JSON.
 */
import { join } from 'node:path';
import { loadTrainingEngine, type TrainingEngineName } from '../../../src/training/tfjs/engine.ts';
import { scenesDataset } from '../../../src/training/datasets/index.ts';
import { train } from '../../../src/training/loop/trainer.ts';
import { median } from '../median.ts';

export interface EpochsResponse {
  about: string;
  epochs: { steps: number; milliseconds: number; frozenShare: number }[];
}

const [folder, batch, samples, engineName] = process.argv.slice(2) as [string, string, string, 'auto' | TrainingEngineName];
const engine = await loadTrainingEngine(engineName);
const dataset = await scenesDataset(join(folder, 'scenes'), { images: 192 });
const settings = { batch: Number(batch), samples: Number(samples), epochs: 2, validationPairs: 0, checkpointEvery: 1e6 };
const steps: { milliseconds: number; frozen: number }[][] = [[], []];
for await (const event of train({
  dataset,
  engine,
  out: join(folder, `run-${batch}-${samples}`),
  cacheDir: join(folder, `features-${batch}-${samples}`),
  ...settings,
})) {
  if (event.type !== 'step') continue;
  const milliseconds = (1000 * settings.batch) / event.row.imagesPerSecond;
  steps[event.row.epoch]?.push({ milliseconds, frozen: event.frozenShare * milliseconds });
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const response: EpochsResponse = {
  about: engine.about,
  epochs: steps.map((rows) => ({
    steps: rows.length,
    milliseconds: median(rows.map((row) => row.milliseconds)),
    frozenShare: sum(rows.map((row) => row.frozen)) / sum(rows.map((row) => row.milliseconds)),
  })),
};
console.log(JSON.stringify(response));
