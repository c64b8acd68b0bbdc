/** Brings what is known of a project's annotations in line with Label Studio: webhooks may be lost, late, or never sent (imports). */
import { isProsamError, messageOf, type ErrorCode } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { annotationSchema } from '../ml-backend/request-schemas.ts';
import type { ListedTask } from './api-answers.ts';
import type { LabelStudioClient } from './api-client.ts';
import type { AnnotationRecorder, Connection } from './types.ts';

export interface ReconcileParts {
  client: LabelStudioClient;
  recorder: AnnotationRecorder;
  /** Numbers of the annotations that count here. */
  counted: (connection: Connection) => Promise<ReadonlySet<number>>;
  log: Log;
}

/** What was seen before, so that only what changed is fetched: annotation -> its updated_at. */
export type SeenAnnotations = Map<number, string>;

export interface ReconcileReport {
  tasks: number;
  annotations: number;
  /** Newly stored. */
  stored: number;
  removed: number;
  failed: number;
}

/** Annotations fetched at the same time. */
const CONCURRENCY = 3;
/** Annotations that are gone, looked at one by one in one sweep. */
const MOST_REMOVALS = 500;
/** These fail the next time, too. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['ANNOTATION_INVALID', 'ANNOTATION_OUTSIDE', 'ANNOTATION_CONFLICT', 'MASK_EMPTY', 'MASK_SIZE_MISMATCH'] as const),
  ...(['IMAGE_UNREADABLE', 'IMAGE_TOO_LARGE', 'IMAGE_EMPTY', 'URL_REFUSED', 'REQUEST_INVALID'] as const),
]);

/** @throws LABEL_STUDIO_* where the list itself cannot be had; one annotation that fails spoils nothing */
export async function reconcile(
  connection: Connection,
  { client, recorder, counted, log }: ReconcileParts,
  seen: SeenAnnotations,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ReconcileReport> {
  const report: ReconcileReport = { tasks: 0, annotations: 0, stored: 0, removed: 0, failed: 0 };
  // Before the list is read: what is stored meanwhile must not look as if it were gone.
  const before = new Set([...(await counted(connection)), ...seen.keys()]);
  const present = new Set<number>();
  const waiting: ListedTask[] = [];

  const pull = async (task: ListedTask): Promise<void> => {
    for (const one of await client.annotations(task.id, { signal })) {
      const updated = task.annotations.find(({ id }) => id === one.id)?.updated_at;
      if (updated !== undefined && seen.get(one.id) === updated) continue;
      const parsed = annotationSchema.safeParse(one);
      if (!parsed.success) continue;
      try {
        const outcome = await recorder.record(
          connection,
          { id: task.id, data: task.data, meta: task.meta ?? {} },
          parsed.data,
          signal ? { signal } : {},
        );
        if (outcome === 'stored') report.stored++;
        if (updated !== undefined) seen.set(one.id, updated);
      } catch (error) {
        signal?.throwIfAborted();
        report.failed++;
        if (isProsamError(error) && FOR_GOOD.has(error.code) && updated !== undefined) seen.set(one.id, updated);
        const { code } = error as { code?: unknown };
        log.warn({ project: connection.project, task: task.id, annotation: one.id, code }, `annotation not taken: ${messageOf(error)}`);
      }
    }
  };
  const drain = async (): Promise<void> => {
    for (let tasks = waiting.splice(0, CONCURRENCY); tasks.length > 0; tasks = waiting.splice(0, CONCURRENCY)) {
      // All have ended before an error goes on: nothing is recorded after this call has failed.
      const ends = await Promise.allSettled(tasks.map(pull));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  };

  for await (const task of client.tasks(connection.projectId, { signal })) {
    report.tasks++;
    for (const { id } of task.annotations) present.add(id);
    report.annotations += task.annotations.length;
    if (task.annotations.some(({ id, updated_at }) => seen.get(id) !== updated_at)) waiting.push(task);
    if (waiting.length >= CONCURRENCY) await drain();
  }
  await drain();

  const gone = [...before].filter((id) => !present.has(id));
  for (const id of gone.slice(0, MOST_REMOVALS)) {
    // A task that moved to another page between two answers is in no page, and yet there.
    if ((await client.annotation(id, { signal })) !== undefined) continue;
    seen.delete(id);
    if (await recorder.remove(connection, id)) report.removed++;
  }
  return report;
}
