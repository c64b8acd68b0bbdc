/** The learner's training on a project's accepted masks, without its gate: the candidate that a run of it would put before people. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { modelFolder } from '../../src/core/checkpoint/model-paths.ts';
import { cocoRleFromMaskSync } from '../../src/core/mask/rle.ts';
import { LEARNER_DEFAULTS } from '../../src/learner/settings.ts';
import { trainingOf, type Snapshot, type SnapshotMask } from '../../src/learner/snapshot.ts';
import { storeDataset } from '../../src/learner/store-dataset.ts';
import { episodesPerEpoch, trainCandidate } from '../../src/learner/train-candidate.ts';
import { selfDescribingWeights } from '../../src/learner/weights.ts';
import { loadTrainingEngine } from '../../src/training/index.ts';
import type { ProjectImage } from './projects.ts';

export interface TrainOn {
  model: string;
  label: string;
  accepted: readonly ProjectImage[];
  /** Folder for the run and for features, both kept. */
  work: string;
  threads: number;
}

/** -> the candidate's weights. The learner's own settings, a seed that never changes. */
export async function trainedWeights({ model, label, accepted, work, threads }: TrainOn): Promise<{
  weights: Uint8Array;
  facts: Record<string, unknown>;
}> {
  const files = new Map(accepted.map(({ file }) => [createHash('sha256').update(file).digest('hex'), file]));
  const masks = [...files.keys()].map((sha256, i): SnapshotMask => {
    const { truth } = accepted[i] as ProjectImage;
    return { label, sha256, rle: cocoRleFromMaskSync(truth), provenance: 'edited', split: 'train', isNew: true };
  });
  const settings = { ...LEARNER_DEFAULTS, model, threads, device: 'cpu' };
  const { absentShare, replayShare } = settings;
  const snapshot: Snapshot = {
    ...{ format: 'prosam-learner-snapshot/2', run: label, project: label, seed: 321, training: trainingOf(settings), masks },
    ...{ absences: [], references: [], without: [], asked: {}, accepted: {}, notes: [] },
  };
  const plan = (await openModel(modelFolder(model))).manifest.prompt_encoder;
  if (plan === undefined) throw new Error(`${model}: expected a model with a prompt encoder, got one without.`);
  const folder = join(work, `${label} ${accepted.length}`.replaceAll(' ', '-'));
  const trained = await trainCandidate({
    context: { engine: await loadTrainingEngine(), settings, memoryUsed: () => 0 },
    ...{ snapshot, plan, start: 'model', hasStart: true, files: { training: folder, features: join(work, 'features') } },
    dataset: storeDataset({
      ...{ project: label, lessons: masks, absentShare, replayShare, episodes: episodesPerEpoch(snapshot) },
      fileOf: (sha256) => files.get(sha256) as string,
    }),
    onStep: () => undefined,
    signal: new AbortController().signal,
  });
  if (typeof trained === 'string') throw new Error(`${label}: the training ended early (${trained})`);
  return { weights: await selfDescribingWeights(trained.folder), facts: { seconds: trained.metrics.seconds } };
}
