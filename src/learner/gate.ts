/** The live version (or what there was before any) and a candidate, on the same held-out pairs with the same annotations, through the same networks. */
import { setImmediate as turn } from 'node:timers/promises';
import { checkTensors } from '../core/checkpoint/check-tensors.ts';
import type { Model } from '../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../core/checkpoint/read-tensors.ts';
import { nodeImageSource } from '../core/image/node/source.ts';
import { iou } from '../core/mask/metrics.ts';
import type { Device } from '../core/runtime/devices/devices.ts';
import { createNetworks } from '../core/onnx/networks.ts';
import { openRuntime } from '../core/runtime/devices/choose-device.ts';
import { randomFor } from '../training/step/seeds.ts';
import type { EncoderPlan } from '../training/step/encoder-plan.ts';
import { frozenFeatures } from '../training/batches/frozen-features.ts';
import { createPairMaker, type PreparedPair } from '../training/batches/pairs.ts';
import { promptEncoderShapes } from '../training/step/parameters.ts';
import { methodPredictor, TRAINING_FREE } from '../training/batches/training-free.ts';
import type { Dataset } from '../training/types.ts';
import { meanPromptPredictor } from '../training/loop/validate.ts';
import type { GatePair } from './gate-decision.ts';

type Weights = ReadonlyMap<string, FloatTensor>;

export interface GateOptions {
  model: Model;
  plan: EncoderPlan;
  dataset: Dataset;
  /** Most pairs. */
  pairs: number;
  seed: number;
  /** current: absent where nothing was ever trained; then the better of the training-free methods answers in its place. */
  versions: { current?: Weights; candidate: Weights };
  device: Device | 'auto';
  threads: number;
  featureBytes: number;
  cache: { folder: string; bytes: number };
  onPair: (done: number, total: number) => void;
  /** Ends the measurement between two pairs. */
  signal: AbortSignal;
}

/** undefined: the signal ended it. @throws CHECKPOINT_MISMATCH, DATASET_*, IMAGE_* */
export async function measureVersions(options: GateOptions): Promise<GatePair[] | undefined> {
  const { dataset, versions, plan, signal } = options;
  const shapes = promptEncoderShapes(plan.config);
  if (versions.current) checkTensors(shapes, versions.current, 'the current version');
  checkTensors(shapes, versions.candidate, 'the candidate version');
  // One set of weights whose values change: the networks read them anew at every call.
  const active = new Map([...versions.candidate].map(([name, { data, shape }]): [string, FloatTensor] => [name, { data, shape }]));
  const use = (weights: Weights): void => {
    for (const [name, tensor] of active) tensor.data = (weights.get(name) as FloatTensor).data;
  };
  const model: Model = { ...options.model, manifest: { ...options.model.manifest, prompt_encoder: plan }, promptEncoder: active };
  const networks = createNetworks(model, await openRuntime({ device: options.device, threads: options.threads }));
  const features = frozenFeatures({ model, networks, source: nodeImageSource(), memoryBytes: options.featureBytes, disk: options.cache });
  try {
    const prepare = createPairMaker({
      ...{ dataset, features, resize: model.manifest.sam.resize },
      ...{ annotation: 'mask', labelReduction: plan.label_reduction },
    });
    const predict = meanPromptPredictor({ model, networks });
    const response = (weights: Weights) => (pair: PreparedPair) => {
      use(weights);
      return predict(pair);
    };
    const candidate = response(versions.candidate);
    const before = versions.current
      ? [response(versions.current)]
      : TRAINING_FREE.map((method) => methodPredictor({ model, networks }, method));
    const names = new Map(dataset.classes.map(({ id, name }) => [id, name]));
    const episodes = dataset.fold('all').testEpisodes(options.pairs, options.seed);
    const rows: (Omit<GatePair, 'current'> & { before: number[] })[] = [];
    for (const [i, episode] of episodes.entries()) {
      if (signal.aborted) return undefined;
      const pair = await prepare(episode, randomFor(options.seed, 'annotations', i), 'evaluation');
      const score = async (predictor: typeof predict): Promise<number> => iou(await predictor(pair), pair.truth, pair.ignored);
      const scores: number[] = [];
      for (const predictor of before) scores.push(await score(predictor));
      rows.push({
        label: names.get(episode.classId) ?? '',
        reference: imageOf(episode.reference.key),
        target: imageOf(episode.target.key),
        before: scores,
        candidate: await score(candidate),
      });
      options.onPair(rows.length, episodes.length);
      await turn();
    }
    const best = bestColumn(rows.map((row) => row.before));
    return rows.map(({ before, ...row }) => ({ ...row, current: before[best] as number }));
  } finally {
    await features.close();
    await networks.close();
  }
}

/** The column with the largest sum. */
function bestColumn(rows: readonly (readonly number[])[]): number {
  const sums = (rows[0] ?? []).map((_, column) => rows.reduce((sum, row) => sum + (row[column] as number), 0));
  return sums.indexOf(Math.max(...sums));
}

/** Keys name the image and the label. */
function imageOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}
