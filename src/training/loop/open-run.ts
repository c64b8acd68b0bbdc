/** Everything a run needs, opened: frozen networks, data, decoder, and the state to start or go on from. */
import { dirname, join, resolve, sep } from 'node:path';
import { openModel, type Model } from '../../core/checkpoint/model-folder.ts';
import { checkModelFolder } from '../../core/files/replace-folder.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { geometryOf } from '../../core/image/geometry.ts';
import { nodeImageSource } from '../../core/image/node/source.ts';
import { checkModelWeights, createNetworks, preprocessOf, type Networks } from '../../core/onnx/networks.ts';
import { openRuntime } from '../../core/runtime/devices/choose-device.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';
import { MAX_INDEX } from '../step/seeds.ts';
import { encoderPlan, type EncoderPlan } from '../step/encoder-plan.ts';
import { frozenFeatures, type FrozenFeatures } from '../batches/frozen-features.ts';
import { grownMarks } from '../batches/grown-marks.ts';
import { createPairMaker, type PairMaker } from '../batches/pairs.ts';
import { createRehearsal, type Rehearse } from '../batches/rehearsal.ts';
import { openPromptDecoder } from '../step/open-decoder.ts';
import type { PromptDecoder } from '../step/prompt-decoder.ts';
import type { RunState } from './checkpoint.ts';
import { sourceOptions } from '../read-as.ts';
import { settingsFingerprint } from './fingerprint.ts';
import { keepWeight } from './keep.ts';
import { startingParameters, startingState } from './starting-state.ts';
import type { Tf } from '../tfjs/tfjs-ops.ts';
import { tensorFlowOf, type TrainSettings } from '../train-options.ts';
import type { Episode, Fold } from '../types.ts';

export interface OpenRun {
  tf: Tf;
  /** With the prompt encoder in training as its own. */
  model: Model;
  /** Those of the model; the prompt encoder's weights are read anew at every call, so that training may change them in place. */
  networks: Networks;
  plan: EncoderPlan;
  fold: Fold;
  /** Steps of the whole run. */
  steps: number;
  stepsPerEpoch: number;
  /** Training episodes of one epoch, in the order they come. */
  episodesOf(epoch: number): readonly Episode[];
  features: FrozenFeatures;
  pairs: PairMaker;
  /** Weight of the distance from the answers of the start; 0: none is taken. */
  keep: number;
  /** Pairs on which that is taken. */
  rehearse: Rehearse | undefined;
  decoder: PromptDecoder;
  state: RunState;
  /** Notes for people about the initial weights. */
  notes: string[];
  fingerprint: Record<string, string | number>;
  /** Device of the frozen networks. */
  device: string;
  close(): Promise<void>;
}

export async function openRun(settings: TrainSettings): Promise<OpenRun> {
  const tf = tensorFlowOf(settings.engine);
  const folder = modelFolder(settings.model);
  refuseOwnModel(folder, settings.out);
  for (const which of ['best', 'last']) await checkModelFolder(join(settings.out, which));
  const opened = await openModel(folder);
  checkModelWeights(opened);
  const fold = settings.dataset.fold(settings.fold);
  const plan = encoderPlan(opened, settings);
  const episodesOf = perEpoch((epoch) => fold.trainingEpisodes(epoch, settings.seed));
  const { stepsPerEpoch, steps } = lengthOf(settings, episodesOf(0).length);
  const isTrained = settings.start !== 'scratch' && (settings.start !== 'model' || opened.manifest.prompt_encoder !== undefined);
  const keep = keepWeight(settings.keep, isTrained, episodesOf(0));
  const fingerprint = settingsFingerprint({ ...settings, keep }, opened.id, episodesOf(0));
  const { state, notes } = await startingState(settings, opened, plan, fingerprint);
  for (const phrase of fold.leftOut ?? []) notes.push(`left out of training: ${phrase}`);

  const model: Model = {
    ...opened,
    manifest: { ...opened.manifest, prompt_encoder: plan },
    promptEncoder: state.average ?? state.parameters,
  };
  const networks = createNetworks(model, await openRuntime({ device: settings.device, threads: settings.threads }));
  const features = frozenFeatures({
    model,
    networks,
    source: nodeImageSource(sourceOptions(settings.dataset)),
    memoryBytes: settings.memoryBytes,
    disk: { folder: settings.cacheDir ?? join(dirname(settings.out), 'features'), bytes: settings.cacheDirBytes },
  });
  const labelReduction = plan.label_reduction;
  const marks = grownMarks({ networks, geometry: geometryOf(preprocessOf(model)), trained: labelReduction });
  const start = keep > 0 ? (await startingParameters(settings, opened, plan)).parameters : undefined;
  const pairs = createPairMaker({
    dataset: settings.dataset,
    features,
    resize: model.manifest.sam.resize,
    annotation: settings.annotation,
    labelReduction,
    ...(settings.augmentation && { augmentation: settings.augmentation }),
    ...(settings.marks > 0 && { marks: { share: settings.marks, grown: marks } }),
  });
  const decoder = await openPromptDecoder(tf, model);
  return {
    ...{ tf, model, networks, plan, fold, steps, stepsPerEpoch, episodesOf, features, pairs, decoder, state, notes, fingerprint, keep },
    rehearse: start && createRehearsal({ networks, features, marks, config: plan.config, labelReduction, start }),
    device: networks.device,
    async close() {
      decoder.dispose();
      await features.close();
      await networks.close();
    },
  };
}

/** A run replaces its folders `best` and `last`. */
function refuseOwnModel(model: string, out: string): void {
  if (!`${resolve(model)}${sep}`.startsWith(`${out}${sep}`)) return;
  throw new ProsamError(
    'OPTION_INVALID',
    `expected a model outside the run's own folder ${out}, which it writes to, got ${model}. Use another folder for the run.`,
  );
}

/** Remembers the latest epoch, whose episodes every one of its steps asks for. */
function perEpoch(draw: (epoch: number) => readonly Episode[]): (epoch: number) => readonly Episode[] {
  let latest: { epoch: number; episodes: readonly Episode[] } | undefined;
  return (epoch) => {
    if (latest?.epoch !== epoch) latest = { epoch, episodes: draw(epoch) };
    return latest.episodes;
  };
}

function lengthOf({ batch, epochs, maxSteps }: TrainSettings, episodes: number): Pick<OpenRun, 'steps' | 'stepsPerEpoch'> {
  const stepsPerEpoch = Math.max(1, Math.floor(episodes / batch));
  const steps = Math.min(epochs * stepsPerEpoch, maxSteps ?? Infinity);
  if (steps <= MAX_INDEX) return { steps, stepsPerEpoch };
  throw new ProsamError(
    'OPTION_INVALID',
    `expected at most ${MAX_INDEX} steps, got ${epochs} epochs of ${stepsPerEpoch}. Train fewer epochs or larger batches.`,
  );
}
