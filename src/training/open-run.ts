/** Everything a run needs, opened: frozen networks, data, decoder, and the state to start or go on from. */
import { basename, dirname, join } from 'node:path';
import { openModel, type Model } from '../core/checkpoint/model-folder.ts';
import { readFloatTensors, type FloatTensor } from '../core/checkpoint/weight-file.ts';
import { ProsamError } from '../core/errors.ts';
import { nodeImageSource } from '../core/image/node-source.ts';
import { gridSize } from '../core/model/config.ts';
import { checkModelWeights, createNetworks } from '../core/runtime/networks.ts';
import { nodeRuntime } from '../core/runtime/node.ts';
import { autoDevice } from '../core/runtime/devices.ts';
import { modelFolder } from '../core/runtime/open-engine.ts';
import { readCheckpoint, type RunState } from './checkpoint.ts';
import { drawsFor } from './draws.ts';
import { encoderPlan, type EncoderPlan } from './encoder-plan.ts';
import { frozenFeatures, type FrozenFeatures } from './frozen-features.ts';
import { adamWState } from './optimizer.ts';
import { createPairMaker, type PairMaker } from './pairs.ts';
import { initialParameters } from './parameters.ts';
import { createPromptDecoder, type PromptDecoder } from './prompt-decoder.ts';
import { settingsFingerprint, type TrainSettings } from './train-options.ts';
import type { Fold } from './types.ts';
import { createValidator, type Validator } from './validate.ts';
import { promptEncoderFromCheckpoint } from './warm-start.ts';

export interface OpenRun {
  model: Model;
  plan: EncoderPlan;
  fold: Fold;
  features: FrozenFeatures;
  pairs: PairMaker;
  decoder: PromptDecoder;
  validator: Validator;
  state: RunState;
  resumed: boolean;
  /** What a person should know of how the weights began. */
  notes: string[];
  fingerprint: Record<string, string | number>;
  close(): Promise<void>;
}

export async function openRun(settings: TrainSettings): Promise<OpenRun> {
  const model = await openModel(modelFolder(settings.model));
  checkModelWeights(model);
  const fold = settings.dataset.fold(settings.fold);
  const plan = encoderPlan(model, settings);
  const fingerprint = settingsFingerprint(settings, model.id);
  const { state, resumed, notes } = await startingState(settings, model, plan, fingerprint);

  const runtime = nodeRuntime({ device: settings.device === 'auto' ? autoDevice() : settings.device, threads: settings.threads });
  const networks = createNetworks({ ...model, manifest: { ...model.manifest, prompt_encoder: plan } }, runtime);
  const features = frozenFeatures({
    model: { ...model, manifest: { ...model.manifest, prompt_encoder: plan } },
    networks,
    source: nodeImageSource(),
    memoryBytes: settings.memoryBytes,
    disk: { folder: settings.cacheDir ?? join(dirname(settings.out), 'features'), bytes: settings.cacheDirBytes },
  });
  const pairs = createPairMaker({
    dataset: settings.dataset,
    features,
    resize: model.manifest.sam.resize,
    annotation: settings.annotation,
    labelReduction: plan.label_reduction,
    ...(settings.augmentation && { augmentation: settings.augmentation }),
  });
  const sam = await readFloatTensors(decoderWeights(model));
  const decoder = createPromptDecoder(settings.engine.tf, (name) => sam.get(name) as FloatTensor, model.manifest.sam.config);
  const validator = createValidator(model, plan, state.average ?? state.parameters, runtime);
  return {
    ...{ model, plan, fold, features, pairs, decoder, validator, state, resumed, notes, fingerprint },
    async close() {
      decoder.dispose();
      await features.close();
      await validator.close();
      await networks.close();
    },
  };
}

/** The image encoder, by far the largest part of a SAM, stays where it is. */
function decoderWeights({ sam }: Model): Model['sam'] {
  return { ...sam, tensors: new Map([...sam.tensors].filter(([name]) => !name.startsWith('image_encoder.'))) };
}

/** Prompt sets decoded at once on a model of this size: two at SAM's own, which keeps a step below 2 GB. */
export function chunkFor({ manifest: { sam } }: Model): number {
  const cells = gridSize(sam.config) ** 2 * sam.config.outChans;
  return Math.max(1, Math.floor((2 * 64 ** 2 * 256) / cells));
}

async function startingState(
  settings: TrainSettings,
  model: Model,
  plan: EncoderPlan,
  fingerprint: Record<string, string | number>,
): Promise<Pick<OpenRun, 'state' | 'resumed' | 'notes'>> {
  const stored = await readCheckpoint(settings.out);
  if (stored && !settings.resume) {
    throw new ProsamError(
      'RUN_INVALID',
      `${settings.out} holds a run of ${stored.progress.step} steps. Resume it, or name another folder.`,
    );
  }
  if (stored) {
    const before = JSON.parse(stored.progress.settings) as Record<string, unknown>;
    const names = [...new Set([...Object.keys(before), ...Object.keys(fingerprint)])];
    const changed = names.filter((name) => before[name] !== fingerprint[name]);
    if (changed.length > 0) {
      const list = changed.map((name) => `${name} was ${String(before[name])}, is now ${String(fingerprint[name])}`).join('; ');
      throw new ProsamError(
        'RUN_INVALID',
        `${settings.out} was begun with other settings: ${list}. Repeat its settings, or name another folder.`,
      );
    }
    return { state: stored, resumed: true, notes: [] };
  }
  const { parameters, notes } = await startingParameters(settings, model, plan);
  const average = settings.averageDecay === undefined ? undefined : copyOf(parameters);
  const progress = {
    ...{ step: 0, optimizerStep: 0, bestMiou: -1, bestStep: 0, validatedStep: 0 },
    settings: JSON.stringify(fingerprint),
  };
  return { state: { progress, parameters, optimizer: adamWState(parameters), ...(average && { average }) }, resumed: false, notes };
}

async function startingParameters(settings: TrainSettings, model: Model, plan: EncoderPlan) {
  const random = drawsFor(settings.seed, 'start');
  const { start } = settings;
  const own = model.manifest.prompt_encoder;
  if (start === 'scratch' || (start === 'model' && own === undefined)) {
    return { parameters: initialParameters(plan.config, random), notes: ['the prompt encoder starts from random weights'] };
  }
  const file = start === 'model' ? join(model.sam.folder, (own as { file: string }).file) : start;
  const { parameters, notes } = await promptEncoderFromCheckpoint(file, plan.config, random);
  return { parameters, notes: [`the prompt encoder starts from ${basename(file)}`, ...notes] };
}

function copyOf(parameters: ReadonlyMap<string, FloatTensor>): Map<string, FloatTensor> {
  return new Map([...parameters].map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
}
