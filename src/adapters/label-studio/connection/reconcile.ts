/** Brings what is known of a project's annotations in line with Label Studio: webhooks may be lost, late, or never sent (imports). */
import { isOwnError, messageOf, type ErrorCode } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import { annotationSteps } from '../protocol/read-task.ts';
import type { ListedTask } from '../api/responses.ts';
import type { ApiProject } from '../api/responses.ts';
import type { LabelStudioClient } from '../api/client.ts';
import { failed } from '../api/transport.ts';
import { confirmProject } from './project.ts';
import { removeMissing, type CountedAnnotations, type Removals } from './removals.ts';
import type { AnnotationRecorder, Connection } from '../types.ts';

export interface ReconcileParts {
  client: LabelStudioClient;
  recorder: AnnotationRecorder;
  /** The annotations that count here. */
  counted: (connection: Connection) => Promise<CountedAnnotations>;
  /** Called with the project as Label Studio describes it. @default not called */
  onProject?: ((project: ApiProject) => void) | undefined;
  log: Log;
  /** Milliseconds since 1970. @default Date.now */
  nowMs?: () => number;
}

/** State carried from one reconcile to the next, by annotation number. */
export interface ReconcileMemory {
  /** So that only what changed is fetched. */
  seen: Map<number, Seen>;
  /** Withdrawn as missing, and when, in milliseconds since 1970. */
  withdrawn: Map<number, number>;
}

interface Seen {
  updatedAt: string;
  /** It was stored, so that it must be looked at again where it counts no longer. */
  counts: boolean;
  /** It could not be taken, and is tried again then; milliseconds since 1970. */
  againMs?: number;
}

export interface ReconcileOptions {
  signal?: AbortSignal | undefined;
  /** A person has said that all that is missing is gone. @default false */
  acceptRemovals?: boolean | undefined;
  /** Whether annotations Label Studio shows count again even where they were removed here. @default false */
  restore?: boolean | undefined;
}

export interface ReconcileReport extends Removals {
  tasks: number;
  annotations: number;
  /** Newly stored, or counting again. */
  stored: number;
  failed: number;
  /** Reason of the first one that could not be taken. */
  failure?: string;
}

/** Annotations fetched at the same time. */
const CONCURRENCY = 3;
/** These fail the next time, too, unless something else answered than should have (a login page in place of an image). */
const LASTING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['ANNOTATION_INVALID', 'ANNOTATION_OUTSIDE', 'ANNOTATION_CONFLICT', 'MASK_EMPTY', 'MASK_SIZE_MISMATCH'] as const),
  ...(['IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE', 'IMAGE_EMPTY', 'URL_REFUSED', 'REQUEST_INVALID'] as const),
  ...(['REQUEST_TOO_LARGE', 'DEADLINE_EXCEEDED'] as const),
]);
const LASTING_MS = 3_600_000;

/** Message for whoever may ask; of what failed inside the service, the code alone. */
function tellable(error: unknown): string {
  if (!isOwnError(error)) return 'something unexpected happened; the log tells more';
  return error.status < 500 || error.code === 'URL_FAILED' ? error.message : `${error.code}; the log tells more`;
}

export function newMemory(): ReconcileMemory {
  return { seen: new Map(), withdrawn: new Map() };
}

/** @throws LABEL_STUDIO_* where the project or its list cannot be had, and nothing is removed then; one annotation that fails spoils nothing */
export async function reconcile(
  connection: Connection,
  { client, recorder, counted, log, onProject = () => undefined, nowMs = Date.now }: ReconcileParts,
  { seen, withdrawn }: ReconcileMemory,
  { signal, acceptRemovals, restore = false }: ReconcileOptions = {},
): Promise<ReconcileReport> {
  // Nothing is taken from another project either.
  const project = await confirmProject(client, connection, { signal });
  onProject(project);
  const report: ReconcileReport = { tasks: 0, annotations: 0, stored: 0, removed: 0, missing: 0, failed: 0 };
  // Before the list is read: what is stored meanwhile must not look as if it were gone.
  const known = await counted(connection);
  const tasks = new Set<number>();
  const present = new Set<number>();
  const waiting: ListedTask[] = [];

  const isSettled = (id: number, updatedAt: string): boolean => {
    const before = seen.get(id);
    if (before?.updatedAt !== updatedAt) return false;
    if (before.againMs !== undefined && nowMs() >= before.againMs) return false;
    // Withdrawn here or by another process, and shown again; or to be brought back.
    return known.has(id) || !(before.counts || restore);
  };
  const pull = async (task: ListedTask): Promise<void> => {
    for (const one of await client.annotations(task.id, { signal })) {
      const updatedAt = task.annotations?.find(({ id }) => id === one.id)?.updated_at;
      if (updatedAt !== undefined && isSettled(one.id, updatedAt)) continue;
      const annotation = await runSteps(annotationSteps(one), signal);
      if (annotation === undefined) continue;
      const again = !known.has(one.id);
      try {
        if (again && restore) await recorder.restore(connection, task, one.id);
        const outcome = await recorder.record(
          connection,
          { id: task.id, data: task.data, meta: task.meta ?? {} },
          annotation,
          signal ? { signal, again } : { again },
        );
        if (outcome === 'stored') report.stored++;
        if (updatedAt !== undefined) seen.set(one.id, { updatedAt, counts: outcome === 'stored' || known.has(one.id) });
      } catch (error) {
        signal?.throwIfAborted();
        report.failed++;
        report.failure ??= `task ${task.id}, annotation ${one.id}: ${tellable(error)}`;
        if (isOwnError(error) && LASTING.has(error.code) && updatedAt !== undefined)
          seen.set(one.id, { updatedAt, counts: false, againMs: nowMs() + LASTING_MS });
        const { code } = error as { code?: unknown };
        log.warn({ project: connection.project, task: task.id, annotation: one.id, code }, `annotation not taken: ${messageOf(error)}`);
      }
    }
  };
  const drain = async (): Promise<void> => {
    for (let some = waiting.splice(0, CONCURRENCY); some.length > 0; some = waiting.splice(0, CONCURRENCY)) {
      // All have ended before an error goes on: nothing is recorded after this call has failed.
      const ends = await Promise.allSettled(some.map(pull));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  };

  for await (const task of client.tasks(connection.projectId, { signal })) {
    if (task.annotations === undefined)
      throw failed(`GET /api/tasks: expected the annotations of task ${task.id}, got none. Update Label Studio to 1.23`);
    tasks.add(task.id);
    for (const { id } of task.annotations) {
      present.add(id);
      const before = seen.get(id);
      if (before && known.has(id)) before.counts = true;
    }
    if (!task.annotations.every(({ id, updated_at }) => isSettled(id, updated_at))) waiting.push(task);
    if (waiting.length >= CONCURRENCY) await drain();
  }
  await drain();
  for (const id of seen.keys()) if (!present.has(id)) seen.delete(id);
  const listed = { project, tasks: tasks.size, present };
  const removals = await removeMissing(
    connection,
    known,
    listed,
    { client, recorder, counted, withdrawn, nowMs },
    { accepted: acceptRemovals, signal },
  );
  return { ...report, ...removals, tasks: tasks.size, annotations: present.size };
}
