/** The weights a run goes on from, and those in service that its candidate has to beat. */
import { writeFile } from 'node:fs/promises';
import type { Model } from '../core/checkpoint/model-folder.ts';
import { ProsamError } from '../core/common/errors.ts';
import type { VersionRecord } from '../service/ports/versions.ts';
import type { GateVerdict } from './gate-decision.ts';
import type { RunFiles } from './run-files.ts';
import type { LearnerContext } from './types.ts';
import type { Snapshot } from './snapshot.ts';

export interface StartingPoint {
  /** 'model', or a file of weights. */
  start: string;
  /** Id of the version that is, where it is not the one in service. */
  goesOnFrom?: string;
  /** File of the version in service; absent where the model's own prompt encoder answers, or none. */
  current?: string;
  /** Notes for people about it. */
  notes: string[];
}

/** @throws VERSION_NOT_FOUND, CHECKPOINT_INVALID, OUTPUT_FAILED */
export async function startingPoint(
  { storage }: Pick<LearnerContext, 'storage'>,
  { parent }: Pick<Snapshot, 'parent'>,
  project: string,
  model: Model,
  files: Pick<RunFiles, 'start' | 'current'>,
): Promise<StartingPoint> {
  const { versions } = storage.store;
  /** Whether the store still has them. */
  const fetched = async ({ weights }: VersionRecord, file: string): Promise<boolean> => {
    const bytes = await storage.blobs.get(weights);
    if (bytes !== undefined) await writeFile(file, bytes);
    return bytes !== undefined;
  };
  const notes: string[] = [];
  let current: string | undefined;
  if (parent !== undefined) {
    const version = await versions.get(parent);
    if (version === undefined)
      throw new ProsamError('VERSION_NOT_FOUND', `expected version ${parent}, which the run starts from, there is none.`);
    if (version.baseModel !== model.id) {
      notes.push(`it does not go on from ${parent}, which belongs to ${version.baseModel}, not to ${model.id}`);
    } else if (await fetched(version, files.current)) {
      current = files.current;
    } else {
      throw new ProsamError(
        'VERSION_NOT_FOUND',
        `version ${parent}: expected its weights ${version.weights}, they are gone. Roll back to another.`,
      );
    }
  }
  const isFirst = current === undefined && model.promptEncoder === undefined;
  const unfinished = (await versions.list({ project, limit: LOOK_BACK })).find(({ baseModel }) => baseModel === model.id);
  // What was not surely better goes on; what was worse does not, but for a first prompt encoder, which takes more than one run.
  const goesOn = unfinished !== undefined && unfinished.id !== parent && (isFirst || isUnfinished(unfinished, parent));
  if (goesOn && (await fetched(unfinished, files.start))) {
    notes.push(`it goes on from ${unfinished.id}, which is not in service`);
    return { start: files.start, goesOnFrom: unfinished.id, ...(current !== undefined && { current }), notes };
  }
  if (current !== undefined) return { start: current, current, notes };
  if (isFirst) notes.push('the first prompt encoder of its model: it starts from random weights');
  return { start: 'model', notes };
}

/** Number of a project's versions searched for one that can be trained further. */
const LOOK_BACK = 50;

/** Whether it was held against what is in service now, and left to learn more. */
function isUnfinished({ parent, outcome, metrics }: VersionRecord, live: string | undefined): boolean {
  const { decision } = (metrics as { gate?: { decision?: GateVerdict } } | null)?.gate ?? {};
  return outcome === 'rejected' && decision === 'learn' && parent === live;
}
