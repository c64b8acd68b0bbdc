/** One training run of a project from claim to verdict; whatever stops it on the way, it is counted once or taken up again. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { learnedUpTo } from './facts.ts';
import { MIN_MASKS } from './policy.ts';
import { isOwnError, messageOf, type ErrorCode } from '../core/common/errors.ts';
import type { RunRecord, RunState, VersionRecord } from '../service/ports/versions.ts';
import { chooseMasks, type Choice } from './choose-masks.ts';
import { candidateVersion, type Verdict } from './candidate-version.ts';
import { holdLease, type Lease } from './lease.ts';
import type { EndState, LearnerContext, RunOutcome } from './types.ts';
import { forgetErased } from './forget-erased.ts';
import { runFiles, tidyRun, type RunFiles } from './run-files.ts';
import { readSnapshot, trainingOf, writeSnapshot, type Snapshot } from './snapshot.ts';

/** Not the run's fault: it is put aside and tried again. */
const PASSING: readonly ErrorCode[] = [
  'STORAGE_FAILED',
  'STORAGE_TIMEOUT',
  'OUTPUT_FAILED',
  'RUN_LOCKED',
  'TRAINING_ENGINE_MISSING',
  'DEVICE_UNAVAILABLE',
];

/**
 * Goes on with the project's run where one was put aside, otherwise begins one, whatever the policy says.
 * onClaim: the run stands in the store, so that nothing else needs to remember it.
 * @throws STORAGE_FAILED, OUTPUT_FAILED, RUN_LOCKED, ...: the run is put aside then
 */
export async function runProject(context: LearnerContext, project: string, onClaim?: () => void): Promise<RunOutcome> {
  const { storage, settings, holder, now } = context;
  const { store } = storage;
  const id = `r-${randomBytes(6).toString('hex')}`;
  const runs = await store.runs.list({ project, limit: 50 });
  const upTo = Math.max(-1, ...(await store.annotations.concepts(project)).map(({ newest }) => newest));
  let choice: Choice | undefined;
  if (!runs.some(({ state }) => state === 'running')) {
    choice = await choiceFor(context, project, { id, upTo }, runs);
    if (choice.masks.length === 0) return { state: 'waiting', waitingFor: tooLittle() };
  }
  const run = await store.runs.claim(project, holder, { id, upTo, leaseMs: settings.leaseMs, nowMs: now() });
  if (run === undefined) return { state: 'held' };
  onClaim?.();
  const lease = holdLease({ runs: store.runs, run: run.id, holder, leaseMs: settings.leaseMs, now, log: context.log });
  const files = runFiles(settings.workDir, run.id);
  await forgetErased(files.features, store.images);
  try {
    const outcome = await attempt(context, run, lease, files, async () =>
      run.id === id && choice ? choice : choiceFor(context, project, run, runs),
    );
    const { state, reason, encoderVersion } = outcome;
    context.onEvent({ type: 'end', project, run: run.id, state, reason, ...(encoderVersion !== undefined && { encoderVersion }) });
    return outcome;
  } finally {
    await lease.stop();
  }
}

function tooLittle(): string {
  return `a label marked in ${MIN_MASKS} images, so that two can be trained on and one held back`;
}

function choiceFor(
  { storage, settings }: LearnerContext,
  project: string,
  { id, upTo }: Pick<RunRecord, 'id' | 'upTo'>,
  runs: readonly RunRecord[],
): Promise<Choice> {
  const { gateShare, maxMasks, gatePairs, references } = settings;
  const sizes = { gateShare, maxMasks, gatePairs, references };
  return chooseMasks(storage.store, project, { upTo, learnedUpTo: learnedUpTo(runs), ...sizes, seed: seedOf(id) });
}

type Ended = Extract<RunOutcome, { run: string }>;

async function attempt(
  context: LearnerContext,
  run: RunRecord,
  lease: Lease,
  files: RunFiles,
  choose: () => Promise<Choice>,
): Promise<Ended> {
  const { settings, log } = context;
  const { runs } = context.storage.store;
  const putAside = async (state: EndState, reason: string): Promise<Ended> => {
    await lease.stop();
    await runs.release(run.id, context.holder);
    return { state, run: run.id, reason };
  };
  const lost: Ended = { state: 'lost', run: run.id, reason: 'the lease of the run went to another learner' };
  let verdict: Verdict | 'stopped' | 'memory';
  try {
    if (run.attempts > settings.maxAttempts) throw new Error(`it was taken up ${run.attempts - 1} times and never came to an end`);
    await mkdir(files.folder, { recursive: true });
    verdict = await candidateVersion(context, run, await snapshotOf(context, run, files, choose), files, lease);
  } catch (error) {
    if (lease.lost.aborted) return lost;
    const known = isOwnError(error);
    if (known && PASSING.includes(error.code)) {
      await putAside('interrupted', error.message).catch(() => undefined);
      throw error;
    }
    const reason = known ? `${error.code}: ${error.message}` : messageOf(error);
    log.error({ run: run.id, project: run.project, error: reason }, 'the training run failed');
    return end(context, run, lease, files, { state: 'failed', reason });
  }
  if (lease.lost.aborted) return lost;
  if (verdict === 'memory') return putAside('memory', `the process held more than ${settings.maxMemoryBytes} bytes`);
  if (verdict === 'stopped') return putAside('interrupted', 'the learner was asked to stop');
  return end(context, run, lease, files, verdict);
}

/** Ends a run as the store decides: a promotion may have come too late. */
async function end(
  { storage, holder, now }: LearnerContext,
  run: RunRecord,
  lease: Lease,
  files: RunFiles,
  result: { state: RunState; reason: string; version?: Omit<VersionRecord, 'number'>; learnedFrom?: readonly number[] },
): Promise<Ended> {
  await lease.stop();
  const { runs } = storage.store;
  const written = await runs.finish(run.id, holder, { ...result, nowMs: now() });
  if (!written) return { state: 'lost', run: run.id, reason: 'the lease of the run went to another learner' };
  await tidyRun(files);
  const { state = result.state, reason = result.reason, encoderVersion } = (await runs.get(run.id)) ?? {};
  return { state: state as EndState, run: run.id, reason, ...(encoderVersion !== undefined && { encoderVersion }) };
}

async function snapshotOf(context: LearnerContext, run: RunRecord, { folder }: RunFiles, choose: () => Promise<Choice>): Promise<Snapshot> {
  const known = await readSnapshot(folder, run.id);
  if (known) return known;
  const { masks, notes, ...asked } = await choose();
  if (masks.length === 0) throw new Error(`expected ${tooLittle()}; what the run began with was removed since`);
  const { current } = await context.storage.store.versions.state(run.project);
  const snapshot: Snapshot = {
    ...{ format: 'prosam-learner-snapshot/2', run: run.id, project: run.project, seed: seedOf(run.id) },
    ...(current !== undefined && { parent: current }),
    ...{ training: trainingOf(context.settings), masks, notes, ...asked },
  };
  await writeSnapshot(folder, snapshot);
  return snapshot;
}

/** Whole, below 2^31: the same for every part of a run. */
function seedOf(run: string): number {
  return createHash('sha256').update(run).digest().readUInt32BE(0) >>> 1;
}
