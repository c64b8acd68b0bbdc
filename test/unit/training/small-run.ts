/** Small data and short runs of the trainer, on the engine that is here. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { parseSafetensors } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { CONCEPTS, generateScene } from '../../../src/scenes/index.ts';
import { openDataset } from '../../../src/training/datasets/index.ts';
import { loadTrainingEngine, type TrainingEngine } from '../../../src/training/tfjs/engine.ts';
import { train, type TrainingEvent } from '../../../src/training/loop/trainer.ts';
import type { TrainOptions } from '../../../src/training/train-options.ts';
import type { Dataset, Episode } from '../../../src/training/types.ts';
import { nodeEngineHere } from './node-engine.ts';

export const ENGINE_NAME = nodeEngineHere ? 'node' : 'wasm';
export const anEngine = (): Promise<TrainingEngine> => loadTrainingEngine(ENGINE_NAME);

const SIZE = 64;
/** Concepts that become the classes 1 to 4, one in each of the four folds. */
const SHOWN = [0, 13, 26, 39];
const IMAGES = 24;

export interface SmallWorld {
  folder: string;
  /** 24 images of four classes, two of each class held back. Fold f leaves class f + 1 out. */
  dataset: Dataset;
  engine: TrainingEngine;
  /** A new folder's name. */
  out(): string;
  /** Short: tiny model, 2 samples, no validation, features shared between runs. */
  options(more?: Partial<TrainOptions>): TrainOptions;
  close(): Promise<void>;
}

export async function smallWorld(): Promise<SmallWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'prosam-train-'));
  const data = join(folder, 'data');
  await writeSmallData(data);
  const [dataset, engine] = [await openDataset(data), await anEngine()];
  let runs = 0;
  const out = (): string => join(folder, `run${runs++}`);
  return {
    ...{ folder, dataset, engine, out },
    options: (more) => ({
      ...{ dataset, engine, model: 'tiny', out: out(), samples: 2, validationPairs: 0, maxSteps: 4, lr: 1e-3 },
      ...{ device: 'cpu', cacheDir: join(folder, 'features') },
      ...more,
    }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** images/, masks/ and classes.json */
export async function writeSmallData(folder: string): Promise<void> {
  for (const below of ['images', 'masks']) await mkdir(join(folder, below), { recursive: true });
  for (let i = 0; i < IMAGES; i++) {
    const concept = SHOWN[i % SHOWN.length] as number;
    const { image, labels } = sceneOf(concept, 1000 * i);
    const key = `s${String(i).padStart(2, '0')}`;
    await writeFile(join(folder, 'images', `${key}.png`), encode({ data: image, width: SIZE, height: SIZE, channels: 3 }));
    await writeFile(join(folder, 'masks', `${key}.png`), encode({ data: labels, width: SIZE, height: SIZE, channels: 1 }));
  }
  const classes = SHOWN.map((concept, i) => ({ id: i + 1, name: CONCEPTS[concept]?.name }));
  const test = Array.from({ length: 8 }, (_, i) => `s${String(i).padStart(2, '0')}`);
  await writeFile(join(folder, 'classes.json'), JSON.stringify({ classes, split: { test }, min_area: 0.01 }));
}

/** The first scene from `seed` on that shows the concept on a twentieth of its pixels or more, and something else beside it. */
function sceneOf(concept: number, seed: number): { image: Uint8Array; labels: Uint8Array } {
  for (;;) {
    const { image, instances, concepts } = generateScene(seed++, { size: SIZE, force: [concept] });
    const labels = instances.map((instance) => (instance === 0 ? 0 : SHOWN.indexOf(concepts[instance - 1] as number) + 1));
    const shown = labels.filter((label) => label === SHOWN.indexOf(concept) + 1).length;
    if (shown >= 0.05 * SIZE * SIZE && new Set(concepts).size > 1) return { image, labels };
  }
}

/** The same data with training episodes of one's own. */
export function withEpisodes(dataset: Dataset, episodes: (epoch: number) => readonly Episode[]): Dataset {
  return { ...dataset, fold: (index) => ({ ...dataset.fold(index), trainingEpisodes: episodes }) };
}

export async function eventsOf(options: TrainOptions): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of train(options)) events.push(event);
  return events;
}

export function ofType<T extends TrainingEvent['type']>(events: readonly TrainingEvent[], type: T): Extract<TrainingEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TrainingEvent, { type: T }> => event.type === type);
}

export const lossesOf = (events: readonly TrainingEvent[]): number[] => ofType(events, 'step').map(({ row }) => row.loss);

/** Everything a run has learned and remembers: weights, optimiser, progress. Equal texts are equal bits. */
export async function checkpointOf(out: string): Promise<{ bytes: Buffer; step: number }> {
  const bytes = await readFile(join(out, 'checkpoint.safetensors'));
  const { metadata } = parseSafetensors(bytes, 'checkpoint');
  return { bytes, step: (JSON.parse(metadata['progress'] as string) as { step: number }).step };
}
