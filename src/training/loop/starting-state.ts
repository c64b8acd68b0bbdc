/** The state a run begins with: that of its folder's checkpoint, or new weights. */
import { basename, join } from 'node:path';
import { checkTensors } from '../../core/checkpoint/check-tensors.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import { readCheckpoint, type RunState } from './checkpoint.ts';
import { randomFor } from '../step/seeds.ts';
import type { EncoderPlan } from '../step/encoder-plan.ts';
import { adamWState } from '../../core/common/adamw.ts';
import { initialParameters, promptEncoderShapes } from '../step/parameters.ts';
import type { TrainSettings } from '../train-options.ts';
import { promptEncoderFromCheckpoint } from './warm-start.ts';

export interface StartingState {
  state: RunState;
  /** Notes for people about the initial weights. */
  notes: string[];
}

/** fingerprint: what must be as it was when the run began. @throws RUN_INVALID, MODEL_NOT_FOUND, CHECKPOINT_* */
export async function startingState(
  settings: TrainSettings,
  model: Model,
  plan: EncoderPlan,
  fingerprint: Readonly<Record<string, string | number>>,
): Promise<StartingState> {
  const stored = await readCheckpoint(settings.out);
  if (stored) {
    checkResume(stored, settings, fingerprint);
    checkFit(stored, settings, plan);
    return { state: stored, notes: [`resumed after step ${stored.progress.step}`] };
  }
  const { parameters, notes } = await startingParameters(settings, model, plan);
  if (settings.resume) notes.unshift(`there is no checkpoint in ${settings.out} yet: the run begins`);
  const average = settings.averageDecay === undefined ? undefined : copyOf(parameters);
  const progress = { step: 0, optimizerStep: 0, bestMiou: -1, bestStep: 0, validatedStep: 0, settings: { ...fingerprint } };
  return { state: { progress, parameters, optimizer: adamWState(parameters), ...(average && { average }) }, notes };
}

function checkResume({ progress }: RunState, { out, resume }: TrainSettings, now: Readonly<Record<string, string | number>>): void {
  if (!resume) throw new ProsamError('RUN_INVALID', `${out} holds a run of ${progress.step} steps. Resume it, or name another folder.`);
  const before = progress.settings;
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
  if (changed.length === 0) return;
  const list = changed.map((name) => `${name} was ${before[name] ?? 'not set'}, is now ${now[name] ?? 'not set'}`).join('; ');
  throw new ProsamError('RUN_INVALID', `${out} was begun with other settings: ${list}. Repeat its settings, or name another folder.`);
}

/** A file that was damaged or mixed up must not become a run. */
function checkFit({ parameters, optimizer, average }: RunState, { out, averageDecay }: TrainSettings, { config }: EncoderPlan): void {
  const groups = [parameters, ...(averageDecay === undefined ? [] : [average ?? new Map<string, FloatTensor>()])];
  try {
    for (const group of groups) checkTensors(promptEncoderShapes(config), group, 'its checkpoint');
  } catch (cause) {
    if (!isProsamError(cause)) throw cause;
    throw new ProsamError('RUN_INVALID', `${out}: ${cause.message.replace(/\n[^\n]*$/, '')}\nStart in another folder.`, { cause });
  }
  const values = [...groups.flatMap((group) => [...group.values()].map(({ data }) => data)), ...optimizer.mean.values()];
  if (values.every((data) => data.every(Number.isFinite))) return;
  throw new ProsamError('RUN_INVALID', `${out}: expected finite numbers in its checkpoint, got others. Start in another folder.`);
}

/** Weights of step 0; the same for every part of a run. @throws MODEL_NOT_FOUND, CHECKPOINT_* */
export async function startingParameters(
  { seed, start, outputGain }: TrainSettings,
  model: Model,
  plan: EncoderPlan,
): Promise<{
  parameters: Map<string, FloatTensor>;
  notes: string[];
}> {
  const random = randomFor(seed, 'start');
  const own = model.manifest.prompt_encoder;
  if (start === 'scratch' || (start === 'model' && own === undefined)) {
    return { parameters: initialParameters(plan.config, random, outputGain), notes: ['the prompt encoder starts from random weights'] };
  }
  const file = start === 'model' ? join(model.sam.folder, (own as { file: string }).file) : start;
  const { parameters, notes } = await promptEncoderFromCheckpoint(file, plan.config, random);
  return { parameters, notes: [`the prompt encoder starts from ${basename(file)}`, ...notes] };
}

function copyOf(parameters: ReadonlyMap<string, FloatTensor>): Map<string, FloatTensor> {
  return new Map([...parameters].map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
}
