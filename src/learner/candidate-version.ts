/** From a run's masks to the version they lead to and what the gate says of it. */
import { createHash } from 'node:crypto';
import { ProsamError } from '../core/common/errors.ts';
import { openModel } from '../core/checkpoint/model-folder.ts';
import type { Device } from '../core/runtime/devices/devices.ts';
import { modelFolder } from '../core/runtime/node/open-engine.ts';
import type { RunRecord, VersionRecord } from '../service/ports/versions.ts';
import { encoderPlan } from '../training/step/encoder-plan.ts';
import { PAPER_DISTRIBUTION } from '../training/train-options.ts';
import type { Dataset } from '../training/types.ts';
import { loadCurrent, openPipeline } from './gate.ts';
import { heldOutPairs, type Fold } from './held-out.ts';
import { judge } from './gate-decision.ts';
import type { Lease } from './lease.ts';
import type { LearnerContext, RunStartEvent } from './types.ts';
import { fetchImages, type RunFiles } from './run-files.ts';
import { startingPoint } from './starting-point.ts';
import { dataFingerprint, type Lesson, type Snapshot, type SnapshotMask } from './snapshot.ts';
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
  const point = await startingPoint(context, snapshot, project, opened, files);
  const { start, current, notes } = point;
  const paths = await fetchImages(
    storage.blobs,
    files,
    [...snapshot.masks, ...snapshot.absences, ...snapshot.references, ...snapshot.without.map((sha256) => ({ sha256 }))],
    signal,
  );
  if (signal.aborted) return 'stopped';
  const masks = snapshot.masks.filter(({ sha256 }) => paths.has(sha256));
  const gone = new Set(snapshot.masks.map(({ sha256 }) => sha256)).size - new Set(masks.map(({ sha256 }) => sha256)).size;
  if (gone > 0) notes.push(`${gone} ${gone === 1 ? 'image was' : 'images were'} left out: gone or damaged`);
  const absences = snapshot.absences.filter(({ sha256 }) => paths.has(sha256));
  const datasetOf = (lessons: readonly Lesson[]): Dataset =>
    storeDataset({
      ...{
        project,
        lessons,
        absentShare: snapshot.training.absentShare,
        replayShare: snapshot.training.replayShare,
        episodes: episodesPerEpoch(snapshot),
      },
      fileOf: (sha256) => paths.get(sha256) as string,
    });
  const lessons = [...masks, ...absences];
  const dataset = datasetOf(lessons);
  // What is wrong with the data is told before anything is computed.
  dataset.fold('all');
  if (!masks.some(({ split }) => split === 'gate')) throw nothingHeldOut(project);
  const begun = startEvent(run, snapshot, masks, notes);
  context.onEvent(begun);

  const weightsOf = async (data: Dataset, folder: string, fold?: Fold) => {
    const part = fold && { fold: { number: fold.number, of: fold.of } };
    const trained = await trainCandidate({
      ...{ context, snapshot, dataset: data, files: { ...files, training: folder }, plan, start, signal },
      hasStart: start !== 'model' || opened.promptEncoder !== undefined,
      onStep(step, steps, loss) {
        lease.progress = { phase: 'training', step, steps, loss, ...part };
        context.onEvent({ type: 'step', project, run: run.id, step, steps, loss, ...part });
      },
    });
    return typeof trained === 'string' ? trained : { ...trained, bytes: await selfDescribingWeights(trained.folder) };
  };
  const trained = await weightsOf(dataset, files.training);
  if (typeof trained === 'string') return trained;
  const { featureBytes, cacheBytes, threads, device, method, alikeIou } = settings;
  const cache = { folder: files.features, bytes: cacheBytes };
  await using engine = await openPipeline({ model: opened, device: device as Device | 'auto', threads, featureBytes, cache });
  await engine.loadPromptEncoder('candidate', trained.bytes);
  const pairs = await heldOutPairs({
    ...{ engine, snapshot, lessons, settings, files, signal, method, alikeIou },
    fileOf: (sha256) => paths.get(sha256),
    versions: { current: await loadCurrent(engine, current), candidate: 'candidate' },
    async trainWith(left, fold) {
      const other = await weightsOf(datasetOf(left), fold.folder, fold);
      return typeof other === 'string' ? other : other.bytes;
    },
    onPair(done, total) {
      lease.progress = { phase: 'gate', done, total };
      context.onEvent({ type: 'gate', project, run: run.id, done, total });
    },
  });
  if (typeof pairs === 'string') return pairs;
  const isMeasured = current !== undefined || opened.promptEncoder !== undefined;
  const { decision, reason, metrics } = judge(pairs, settings, isMeasured ? undefined : 'what needs no training');
  const blob = await storage.blobs.put(trained.bytes);
  const { images, labels, newMasks } = begun;
  const version: Verdict['version'] = {
    ...{ id: versionId(run.id, blob), project, runId: run.id, weights: blob, baseModel: opened.id, data: dataFingerprint(lessons) },
    ...(snapshot.parent !== undefined && { parent: snapshot.parent }),
    ...{ seed: snapshot.seed, code: context.codeVersion, createdMs: context.now() },
    ...{ outcome: decision === 'promote' ? 'promoted' : 'rejected', reason },
    metrics: {
      gate: {
        ...metrics,
        method,
        labels: metrics.labels.map((row) => ({ ...row, accepted: snapshot.accepted[row.label] ?? 0 })),
        rows: pairs,
      },
      training: { ...trained.metrics, attempts: run.attempts, images, labels, masks: masks.length, newMasks, absences: absences.length },
      ...(point.goesOnFrom !== undefined && { goesOnFrom: point.goesOnFrom }),
      notes: begun.notes,
    },
  };
  const ids = [...masks, ...snapshot.references].flatMap(({ id }) => id ?? []);
  return { state: version.outcome, reason, version, learnedFrom: [...new Set(ids)] };
}

function nothingHeldOut(project: string): ProsamError {
  return new ProsamError('DATASET_INVALID', `project ${project}: expected an image to test on, got none. Annotate more images.`);
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

/** The same for the same run and weights, so that what is stored twice is stored once. */
function versionId(run: string, weights: string): string {
  return `v-${createHash('sha256').update(`${run}${weights}`).digest('hex').slice(0, 12)}`;
}
