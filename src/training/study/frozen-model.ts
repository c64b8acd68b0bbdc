/** A model's frozen networks over a data set: image features, targets with their truth, and the mask decoder with its slopes. */
import { openModel, type Model } from '../../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { nodeImageSource } from '../../core/image/node/source.ts';
import { checkModelWeights, createNetworks, type Networks } from '../../core/onnx/networks.ts';
import { openRuntime } from '../../core/runtime/devices/choose-device.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import { frozenFeatures, type FrozenFeatures } from '../batches/frozen-features.ts';
import { sourceOptions } from '../read-as.ts';
import { openPromptDecoder } from '../step/open-decoder.ts';
import type { DecoderTargets, PromptDecoder } from '../step/prompt-decoder.ts';
import { classMask, labelsOnSquare } from '../batches/label-square.ts';
import type { Episode } from '../types.ts';
import type { StudyContext } from './study-context.ts';

export interface FrozenModel {
  model: Model;
  networks: Networks;
  features: FrozenFeatures;
  /** The target of an episode under the loss, coarse: logits that go with all prompts. Loads the training engine. The caller disposes of it. */
  target(episode: Episode, coarse?: FloatTensor): Promise<{ targets: DecoderTargets; truth: Uint8Array }>;
  close(): Promise<void>;
}

/** Width of a prompt vector of a model. @throws MODEL_* */
export async function promptWidth(name: string): Promise<number> {
  const { manifest } = await openModel(modelFolder(name));
  return manifest.sam.config.outChans;
}

const MEMORY_BYTES = 2 ** 29;
const DISK_BYTES = 16 * 2 ** 30;

/** @throws MODEL_*, CHECKPOINT_*, DEVICE_UNAVAILABLE */
export async function openFrozenModel(context: StudyContext, name: string): Promise<FrozenModel> {
  const { settings } = context;
  const { dataset, device = 'auto' } = settings;
  const model = await openModel(modelFolder(name));
  checkModelWeights(model);
  const networks = createNetworks(model, await openRuntime({ device, threads: settings.threads }));
  const features = frozenFeatures({
    model,
    networks,
    source: nodeImageSource(sourceOptions(dataset)),
    memoryBytes: MEMORY_BYTES,
    disk: { folder: settings.cacheDir, bytes: DISK_BYTES },
  });
  let decoder: Promise<PromptDecoder> | undefined;
  const openDecoder = async (): Promise<PromptDecoder> => openPromptDecoder((await context.engine()).tf, model);
  return {
    model,
    networks,
    features,
    async target({ classId, target }, coarse) {
      const { square } = features;
      const labels = labelsOnSquare(await dataset.labels(target), square, model.manifest.sam.resize);
      const truth = classMask(labels, classId).data;
      const image = await features.image(target.file);
      const mask = { data: Float32Array.from(truth), shape: [1, square, square] };
      return { targets: (await (decoder ??= openDecoder())).targets(image, mask, coarse), truth };
    },
    async close() {
      (await decoder?.catch(() => undefined))?.dispose();
      await features.close();
      await networks.close();
    },
  };
}
