/**
 * Handling of known annotations missing from a project's list: each is requested by number, judged, and withdrawn where it is believed
 * gone.
 */
import { believeAbsence, LATELY_MS } from '../../../service/believe-absence.ts';
import type { ApiProject } from '../api/responses.ts';
import type { LabelStudioClient } from '../api/client.ts';
import { confirmProject } from './project.ts';
import type { AnnotationRecorder, Connection, CountedAnnotation } from '../types.ts';

/** Number of an annotation -> what counts of it here. */
export type CountedAnnotations = ReadonlyMap<number, readonly CountedAnnotation[]>;

export interface RemovalParts {
  client: Pick<LabelStudioClient, 'project' | 'annotation'>;
  recorder: Pick<AnnotationRecorder, 'withdraw'>;
  /** The annotations that count here. */
  counted: (connection: Connection) => Promise<CountedAnnotations>;
  /** Earlier withdrawals and their times, in milliseconds since 1970. */
  withdrawn: Map<number, number>;
  nowMs: () => number;
}

export interface ListedProject {
  /** Project as it answered before the list was read. */
  project: Pick<ApiProject, 'task_number'>;
  /** Different tasks in the list. */
  tasks: number;
  /** Numbers of the annotations in the list. */
  present: ReadonlySet<number>;
}

export interface Removals {
  removed: number;
  /** Known, missing, and not removed. */
  missing: number;
  /** Reason of a refusal. */
  refused?: string;
}

/** Annotations asked for at the same time. */
const CONCURRENCY = 3;

/** All or none of what is missing. before: what counted before the list was read. @throws LABEL_STUDIO_*, with nothing removed */
export async function removeMissing(
  connection: Connection,
  before: CountedAnnotations,
  listed: ListedProject,
  { client, recorder, counted, withdrawn, nowMs }: RemovalParts,
  { accepted = false, signal }: { accepted?: boolean | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Removals> {
  for (const [id, atMs] of withdrawn) if (listed.present.has(id) || before.has(id) || nowMs() - atMs > LATELY_MS) withdrawn.delete(id);
  if ([...before.keys()].every((id) => listed.present.has(id))) return { removed: 0, missing: 0 };
  // What people deleted while the list was read is no riddle.
  const now = await counted(connection);
  const known = new Map([...before].filter(([id]) => now.has(id)));
  const unlisted = [...known.keys()].filter((id) => !listed.present.has(id));
  if (unlisted.length === 0) return { removed: 0, missing: 0 };
  const judge = (missing: number, announced: number | undefined) =>
    believeAbsence({
      ...{ confirmed: true, listed: listed.tasks, announced, known: known.size, missing },
      ...{ lately: withdrawn.size, accepted },
    });
  const earlier = listed.project.task_number ?? undefined;
  const first = judge(unlisted.length, earlier);
  // Nobody is asked for each of thousands where all of them would not be believed.
  if (!first.gone && unlisted.length > known.size / 2) return { removed: 0, missing: unlisted.length, refused: first.why };

  const gone = await notFound(unlisted, client, signal);
  if (gone.length === 0) return { removed: 0, missing: 0 };
  // The server that said so must still be the one that is meant; tasks may have come or gone while the list was read.
  const { task_number } = await confirmProject(client, connection, { signal });
  const later = task_number ?? undefined;
  const belief = judge(gone.length, earlier === undefined || later === undefined ? (earlier ?? later) : Math.min(earlier, later));
  if (!belief.gone) return { removed: 0, missing: gone.length, refused: belief.why };
  let removed = 0;
  for (const id of gone) {
    if (!(await recorder.withdraw(connection, id, known.get(id) ?? []))) continue;
    withdrawn.set(id, nowMs());
    removed++;
  }
  return { removed, missing: 0 };
}

/** Those that are not found by their own numbers: a task that moved to another page between two answers is in no page, and yet there. */
async function notFound(
  ids: readonly number[],
  client: Pick<LabelStudioClient, 'annotation'>,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const gone: number[] = [];
  for (let from = 0; from < ids.length; from += CONCURRENCY) {
    const some = ids.slice(from, from + CONCURRENCY);
    const found = await Promise.all(some.map((id) => client.annotation(id, { signal })));
    some.forEach((id, place) => {
      if (found[place] === undefined) gone.push(id);
    });
  }
  return gone;
}
