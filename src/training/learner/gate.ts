/** Both versions on the same held-out pairs with the same marks, through the same networks. */
import { setImmediate as turn } from 'node:timers/promises';
import { checkTensors } from '../../core/checkpoint/check-tensors.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { nodeImageSource } from '../../core/image/node-source.ts';
import { iou } from '../../core/mask/metrics.ts';
import type { Device } from '../../core/runtime/devices.ts';
import { createNetworks } from '../../core/runtime/networks.ts';
import { openRuntime } from '../../core/runtime/choose-device.ts';
import { drawsFor } from '../draws.ts';
import type { EncoderPlan } from '../encoder-plan.ts';
import { frozenFeatures } from '../frozen-features.ts';
import { createPairMaker } from '../pairs.ts';
import { promptEncoderShapes } from '../parameters.ts';
import type { Dataset } from '../types.ts';
import { meanPromptPredictor } from '../validate.ts';
import type { GatePair } from './gate-decision.ts';

type Weights = ReadonlyMap<string, FloatTensor>;

export interface GateOptions {
  model: Model;
  plan: EncoderPlan;
  dataset: Dataset;
  /** Most pairs. */
  pairs: number;
  seed: number;
  versions: Record<'current' | 'candidate', Weights>;
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
  for (const [name, weights] of Object.entries(versions)) checkTensors(promptEncoderShapes(plan.config), weights, `the ${name} version`);
  // One set of weights whose values change: the networks read them anew at every call.
  const active = new Map([...versions.current].map(([name, { data, shape }]): [string, FloatTensor] => [name, { data, shape }]));
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
    const names = new Map(dataset.classes.map(({ id, name }) => [id, name]));
    const episodes = dataset.fold('all').testEpisodes(options.pairs, options.seed);
    const rows: GatePair[] = [];
    for (const [i, episode] of episodes.entries()) {
      if (signal.aborted) return undefined;
      const pair = await prepare(episode, drawsFor(options.seed, 'marks', i), 'evaluation');
      const score = async (weights: Weights): Promise<number> => {
        use(weights);
        return iou(await predict(pair), pair.truth, pair.ignored);
      };
      rows.push({
        label: names.get(episode.classId) ?? '',
        reference: imageOf(episode.reference.key),
        target: imageOf(episode.target.key),
        current: await score(versions.current),
        candidate: await score(versions.candidate),
      });
      options.onPair(rows.length, episodes.length);
      await turn();
    }
    return rows;
  } finally {
    await features.close();
    await networks.close();
  }
}

/** Keys name the image and the label. */
function imageOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}
