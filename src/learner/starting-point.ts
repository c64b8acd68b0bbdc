/** The weights a run goes on from, and those in service that its candidate has to match. */
import { writeFile } from 'node:fs/promises';
import type { Model } from '../core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../core/checkpoint/read-tensors.ts';
import { ProsamError } from '../core/common/errors.ts';
import type { VersionRecord } from '../service/ports/versions.ts';
import type { LearnerContext } from './types.ts';
import type { Snapshot } from './snapshot.ts';
import { readWeights } from './weights.ts';

export interface StartingPoint {
  /** 'model', or a file of weights. */
  start: string;
  /** Absent where nothing trained is in service. */
  current?: ReadonlyMap<string, FloatTensor>;
  /** Notes for people about it. */
  notes: string[];
}

/** Number of a project's versions searched for one that can be trained further. */
const LOOK_BACK = 50;

/** file: where weights from the store go. @throws VERSION_NOT_FOUND, CHECKPOINT_INVALID, OUTPUT_FAILED */
export async function startingPoint(
  { storage }: Pick<LearnerContext, 'storage'>,
  { parent }: Pick<Snapshot, 'parent'>,
  project: string,
  model: Model,
  file: string,
): Promise<StartingPoint> {
  const { versions } = storage.store;
  /** Whether the store still has them. */
  const fetched = async ({ weights }: VersionRecord): Promise<boolean> => {
    const bytes = await storage.blobs.get(weights);
    if (bytes !== undefined) await writeFile(file, bytes);
    return bytes !== undefined;
  };
  const notes: string[] = [];
  if (parent !== undefined) {
    const version = await versions.get(parent);
    if (version === undefined)
      throw new ProsamError('VERSION_NOT_FOUND', `expected version ${parent}, which the run starts from, there is none.`);
    if (version.baseModel === model.id) {
      if (!(await fetched(version)))
        throw new ProsamError(
          'VERSION_NOT_FOUND',
          `version ${parent}: expected its weights ${version.weights}, they are gone. Roll back to another.`,
        );
      return { start: file, current: await readWeights(file), notes };
    }
    notes.push(`it does not go on from ${parent}, which belongs to ${version.baseModel}, not to ${model.id}`);
  }
  if (model.promptEncoder) return { start: 'model', current: model.promptEncoder, notes };
  // A first prompt encoder takes more than one run: what the last one made goes on until it is good enough.
  const unfinished = (await versions.list({ project, limit: LOOK_BACK })).find((version) => version.baseModel === model.id);
  if (unfinished && (await fetched(unfinished)))
    return { start: file, notes: [...notes, `it goes on from ${unfinished.id}, which is not in service`] };
  return { start: 'model', notes: [...notes, 'the first prompt encoder of its model: it starts from random weights'] };
}
