/** Events of Label Studio in the store's queue: kept before they are answered, worked off with retries, after a restart as well. */
import type { Queue, Message, WorkContext } from '../../service/ports/storage.ts';
import { isProsamError } from '../../core/common/errors.ts';
import type { EventProject, MlEvent } from './protocol/events.ts';
import type { MlAnnotation, MlTask } from './protocol/request-schemas.ts';

/** Name of its messages. */
const EVENT = 'label-studio-event';
/** Tries before an event is given up; comparing annotations finds it again. */
export const EVENT_ATTEMPTS = 12;
/** Fetching an image that is far away, and growing many masks, takes minutes. */
const VISIBLE_AFTER_MS = 600_000;
const CONCURRENCY = 4;
/** Text that nobody writes: marks bytes in JSON. */
const BYTES = '$bytes';

/** Work of one message: one annotation each, so that one that cannot be stored keeps no other from it. */
export type EventTask =
  | { kind: 'annotation'; task: MlTask; annotation: MlAnnotation }
  | { kind: 'deleted'; ids: (number | string)[] }
  | { kind: 'imported'; task: MlTask }
  | { kind: 'tasks-deleted'; ids: (number | string)[] }
  | { kind: 'train' };

export interface KeptEvent {
  project: EventProject;
  what: EventTask;
}

/** Work that an event makes, in its order; none for what only changes settings. */
export function tasksOf(event: MlEvent): KeptEvent[] {
  if (event.kind === 'other' || event.kind === 'project') return [];
  const { project } = event;
  const of = (what: EventTask): KeptEvent => ({ project, what });
  switch (event.kind) {
    case 'annotations':
      return event.pairs.map(({ task, annotation }) => of({ kind: 'annotation', task: onlyItself(task), annotation }));
    case 'annotations-deleted':
      return event.ids.length === 0 ? [] : [of({ kind: 'deleted', ids: event.ids })];
    case 'tasks':
      return event.tasks.flatMap((task) => ((task.total_annotations ?? 0) > 0 ? [of({ kind: 'imported', task: onlyItself(task) })] : []));
    case 'tasks-deleted':
      return event.ids.length === 0 ? [] : [of({ kind: 'tasks-deleted', ids: event.ids })];
    case 'train':
      return [of({ kind: 'train' })];
  }
}

/** A task without what other people did on it. */
function onlyItself(task: MlTask): MlTask {
  return { ...task, annotations: [], drafts: [], predictions: [] };
}

/** All of them in one transaction. name: of the installation, so that several keep theirs apart. */
export async function keepEvents(queue: Queue, name: string, events: readonly KeptEvent[]): Promise<void> {
  if (events.length > 0) await queue.send(...events.map((event) => messageOf(name, event)));
}

/** Resolves to what stops it. work: rejects where it is to be tried again. */
export function workOffEvents(
  queue: Queue,
  name: string,
  work: (event: KeptEvent, context: WorkContext) => Promise<void>,
): Promise<() => Promise<void>> {
  const handle = (data: unknown, context: WorkContext): Promise<void> => work(withBytes(data) as KeptEvent, context);
  return queue.work(queueOf(name), handle, { attempts: EVENT_ATTEMPTS, visibleAfterMs: VISIBLE_AFTER_MS, concurrency: CONCURRENCY });
}

/** Whether the same event would fail again, however often. */
export function isHopeless(error: unknown): boolean {
  return isProsamError(error) && error.status < 500 && error.status !== 429 && error.status !== 408;
}

function messageOf(name: string, event: KeptEvent): Message {
  const key = event.what.kind === 'train' ? { key: event.project.key } : {};
  return { name: queueOf(name), ...key, data: withoutBytes(event) };
}

/** Names of queues hold letters, digits, dots, dashes and underscores alone. */
function queueOf(name: string): string {
  return name === 'label-studio' ? EVENT : `${EVENT}-${Buffer.from(name).toString('hex')}`;
}

/** Plain JSON: run lengths arrive as bytes. */
function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner)]));
}

function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  const bytes = (value as Record<string, unknown>)[BYTES];
  if (typeof bytes === 'string' && Object.keys(value).length === 1) return new Uint8Array(Buffer.from(bytes, 'base64'));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]));
}
