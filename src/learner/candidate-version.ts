/** From a run's masks to the version they lead to and what the gate says of it. */
import { createHash } from 'node:crypto';
import { openModel, type Model } from '../core/checkpoint/model-folder.ts';
import type { Device } from '../core/runtime/devices/devices.ts';
import { modelFolder } from '../core/runtime/node/open-engine.ts';
import type { RunRecord, VersionRecord } from '../service/ports/versions.ts';
import { encoderPlan, type EncoderPlan } from '../training/step/encoder-plan.ts';
import { PAPER_DISTRIBUTION } from '../training/train-options.ts';
import type { Dataset } from '../training/types.ts';
import { measureVersions, type GateOptions } from './gate.ts';
import { judge } from './gate-decision.ts';
import type { Lease } from './lease.ts';
import type { LearnerContext, RunStartEvent } from './types.ts';
import { fetchImages, type RunFiles } from './run-files.ts';
import { startingPoint } from './starting-point.ts';
import { dataFingerprint, type Snapshot, type SnapshotMask } from './snapshot.ts';
import { storeDataset } from './store-dataset.ts';
import { episodesPerEpoch, trainCandidate } from './train-candidate.ts';
import { selfDescribingWeights } from './weights.ts';

export interface Verdict {
  state: 'promoted' | 'rejected';
  reason: string;
  version: Omit<VersionRecord, 'number'>;
  /** Ids of the masks it was trained on and measured with. */
  learnedFrom: number[];
}

/** 'stopped', 'memory': nothing is decided, the next attempt goes on from the files. */
export async function candidateVersion(
  context: LearnerContext,
  run: RunRecord,
  snapshot: Snapshot,
  files: RunFiles,
  lease: Lease,
): Promise<Verdict | 'stopped' | 'memory'> {
  const { storage, settings } = context;
  const { project } = run;
  const signal = AbortSignal.any([context.signal, lease.lost]);
  const opened = await openModel(modelFolder(settings.model));
  const plan = opened.manifest.prompt_encoder ?? encoderPlan(opened, PAPER_DISTRIBUTION);
  const { start, current, notes } = await startingPoint(context, snapshot, project, opened, files.start);
  const paths = await fetchImages(storage.blobs, files, snapshot.masks, signal);
  if (signal.aborted) return 'stopped';
  const masks = snapshot.masks.filter(({ sha256 }) => paths.has(sha256));
  const gone = new Set(snapshot.masks.map(({ sha256 }) => sha256)).size - paths.size;
  if (gone > 0) notes.push(`${gone} ${gone === 1 ? 'image was' : 'images were'} left out: gone or damaged`);
  const dataset = storeDataset({
    ...{ project, masks, replayShare: snapshot.training.replayShare, episodes: episodesPerEpoch(snapshot) },
    fileOf: (sha256) => paths.get(sha256) as string,
  });
  dataset.fold('all'); // what is wrong with the data is told before anything is computed
  const begun = startEvent(run, snapshot, masks, notes);
  context.onEvent(begun);

  const trained = await trainCandidate({
    ...{ context, snapshot, dataset, files, plan, start, signal },
    hasStart: start !== 'model' || opened.promptEncoder !== undefined,
    onStep(step, steps, loss) {
      lease.progress = { phase: 'training', step, steps, loss };
      context.onEvent({ type: 'step', project, run: run.id, step, steps, loss });
    },
  });
  if (typeof trained === 'string') return trained;
  const { bytes, weights } = await selfDescribingWeights(trained.folder);
  const gate = await throughGate(context, run, lease, {
    opened,
    plan,
    dataset,
    versions: { ...(current && { current }), candidate: weights },
    files,
    signal,
  });
  if (gate === undefined) return 'stopped';
  const { promote, reason, metrics } = judge(gate, settings, current ? undefined : 'what needs no training');
  const blob = await storage.blobs.put(bytes);
  const { images, labels, newMasks } = begun;
  const version: Verdict['version'] = {
    ...{ id: versionId(run.id, blob), project, runId: run.id, weights: blob, baseModel: opened.id, data: dataFingerprint(masks) },
    ...(snapshot.parent !== undefined && { parent: snapshot.parent }),
    ...{ seed: snapshot.seed, code: context.codeVersion, createdMs: context.now() },
    ...{ outcome: promote ? 'promoted' : 'rejected', reason },
    metrics: {
      gate: { ...metrics, rows: gate },
      training: { ...trained.metrics, attempts: run.attempts, images, labels, masks: masks.length, newMasks },
      notes: begun.notes,
    },
  };
  return { state: version.outcome, reason, version, learnedFrom: masks.flatMap(({ id }) => id ?? []) };
}

function startEvent(run: RunRecord, { parent, notes }: Snapshot, masks: readonly SnapshotMask[], more: readonly string[]): RunStartEvent {
  return {
    ...{ type: 'start', project: run.project, run: run.id, attempt: run.attempts },
    ...(parent !== undefined && { parent }),
    images: new Set(masks.map(({ sha256 }) => sha256)).size,
    masks: masks.length,
    newMasks: masks.filter(({ isNew }) => isNew).length,
    labels: new Set(masks.map(({ label }) => label)).size,
    notes: [...notes, ...more],
  };
}

interface Contest {
  opened: Model;
  plan: EncoderPlan;
  dataset: Dataset;
  versions: GateOptions['versions'];
  files: RunFiles;
  signal: AbortSignal;
}

function throughGate({ settings, onEvent }: LearnerContext, run: RunRecord, lease: Lease, contest: Contest) {
  const { opened, plan, dataset, versions, files, signal } = contest;
  return measureVersions({
    ...{ model: opened, plan, dataset, pairs: settings.gatePairs, seed: GATE_SEED, versions },
    ...{ device: settings.device as Device | 'auto', threads: settings.threads, featureBytes: settings.featureBytes, signal },
    cache: { folder: files.features, bytes: settings.cacheBytes },
    onPair(done, total) {
      lease.progress = { phase: 'gate', done, total };
      onEvent({ type: 'gate', project: run.project, run: run.id, done, total });
    },
  });
}

/** One for all runs: what a project is measured on changes with its data alone. */
const GATE_SEED = 1;

/** The same for the same run and weights, so that what is stored twice is stored once. */
function versionId(run: string, weights: string): string {
  return `v-${createHash('sha256').update(`${run}${weights}`).digest('hex').slice(0, 12)}`;
}
