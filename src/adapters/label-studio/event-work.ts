/** Work on events after Label Studio got its response: kept in the store's queue first, or, without one, one at a time within a project. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import { runSteps } from '../../core/mask/cooperative.ts';
import { countOwn } from '../../service/ports/counted-errors.ts';
import type { ServiceMetrics } from '../../service/ports/metrics.ts';
import type { Service } from '../../service/types.ts';
import type { Queue } from '../../service/ports/storage.ts';
import { EVENT_ATTEMPTS, isHopeless, keepEvents, tasksOf, workOffEvents, type KeptEvent } from './event-queue.ts';
import type { MlEvent } from './protocol/events.ts';
import { outputsOf } from './protocol/label-config.ts';
import { annotationSteps } from './protocol/read-task.ts';
import { configOfTask } from './protocol/task-data.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { configOf, type Connections } from './connection/connections.ts';
import { imageOfTask, nameOfTask, type TaskImages } from './task-images.ts';
import type { AnnotationRecorder, Connection, LabelStudioApi, LabelStudioOptions } from './types.ts';

export interface EventParts {
  service: Pick<Service, 'projects'>;
  connections: Connections;
  recorder: AnnotationRecorder;
  images: TaskImages;
  api?: LabelStudioApi;
  /** Keeps events; without one they are lost when the process ends. */
  queue?: Queue | undefined;
  /** Name of the installation. */
  name: string;
  log: Log;
  metrics: Pick<ServiceMetrics, 'error'>;
  report?: LabelStudioOptions['report'];
  /** Aborts when the adapter closes. */
  closing: AbortSignal;
}

export interface EventWork {
  /** Resolves once what the event asks for is kept; without a queue at once. @throws STORAGE_FAILED, STORAGE_TIMEOUT */
  handle(event: MlEvent): Promise<void>;
  /** Works off what is kept, also from before a restart; resolves to what stops it. */
  work(): Promise<() => Promise<void>>;
  /** Embeds the images of tasks that somebody will look at. Returns at once. */
  warm(connection: Connection, tasks: readonly MlTask[]): void;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

/** Deleted tasks that are remembered. */
const MAX_DELETED = 50_000;
/** Events waiting; what is dropped beyond is found again by reconciliation. */
const MAX_WAITING = 10_000;
/** Two images to train on and one to judge by. */
const MIN_MASKS = 3;
/** Most images prepared after an import; in larger ones it is unknown which image is opened first. */
const MAX_WARMED = 16;

export function createEventWork(parts: EventParts): EventWork {
  const { service, connections, recorder, images, api, queue, name, log, metrics, report, closing } = parts;
  const lines = new Map<string, Promise<void>>();
  let waiting = 0;

  const failed = (project: string, what: string, error: unknown): void => {
    if (closing.aborted) return;
    const code = isProsamError(error) ? error.code : 'STORAGE_FAILED';
    countOwn(metrics, error, code);
    report?.(error, project);
    log.warn({ project, code }, `${what}: ${messageOf(error)}`);
  };
  /** In a line of its own name, so that slow work of one kind holds up nothing else. */
  const enqueue = (line: string, project: string, what: string, work: () => Promise<unknown>): void => {
    if (waiting >= MAX_WAITING) {
      log.error({ project, waiting }, 'too many events wait: one is dropped, and found again when annotations are compared');
      return;
    }
    waiting++;
    const before = lines.get(line) ?? Promise.resolve();
    const after = before.then(async () => {
      try {
        if (!closing.aborted) await work();
      } catch (error) {
        failed(project, what, error);
      } finally {
        waiting--;
        if (lines.get(line) === after) lines.delete(line);
      }
    });
    lines.set(line, after);
  };

  const warm: EventWork['warm'] = (connection, tasks) => {
    for (const task of tasks.slice(0, MAX_WARMED)) {
      enqueue(`embed ${connection.project}`, connection.project, `the image of task ${task.id} is not prepared`, async () => {
        const [output] = outputsOf(configOfTask(configOf(connection), task.data));
        if (output) await images.embedded(imageOfTask(connection, task, output.image));
      });
    }
  };

  const importedAnnotations = async (connection: Connection, task: MlTask, signal: AbortSignal): Promise<void> => {
    const found = (await api?.listAnnotations(connection, task.id, { signal })) ?? [];
    for (const one of found) {
      const annotation = await runSteps(annotationSteps(one), signal);
      if (annotation) await recorder.record(connection, task, annotation, { signal });
    }
  };
  const trained = async (connection: Connection, signal: AbortSignal): Promise<void> => {
    await api
      ?.beforeTraining?.(connection, { signal })
      .catch((error: unknown) => failed(connection.project, 'annotations could not be compared before training', error));
    await service.projects.train(connection.project);
    const { concepts } = await service.projects.get(connection.project);
    const most = Math.max(0, ...concepts.map(({ masks }) => masks));
    if (most >= MIN_MASKS) return;
    const why = `expected masks of one label in at least ${MIN_MASKS} images, got ${most}. Annotate more images, then start training again.`;
    failed(connection.project, 'training has too little to learn from', new ProsamError('DATASET_INVALID', why));
  };
  /** Tasks that events said were deleted, with the number of that event: events are worked off in any order. */
  const deletedTasks = createLruMap<string, number>({ max: MAX_DELETED });
  let deletions = 0;
  /** Work of one event, with what is said of it where it fails. */
  const workOf = ({ project: from, what }: KeptEvent, signal: AbortSignal = closing, attempt = 1) => {
    const connection = connections.ofEvent(from);
    const { project } = connection;
    switch (what.kind) {
      case 'annotation': {
        const { task, annotation } = what;
        const key = JSON.stringify([project, String(task.id)]);
        const before = deletions;
        const work = async (): Promise<void> => {
          // Tried again after its task was deleted: what is gone stays gone.
          if (attempt > 1 && deletedTasks.has(key)) return;
          await recorder.record(connection, task, annotation, { signal });
          // Deleted while it was recorded.
          if ((deletedTasks.peek(key) ?? 0) > before) await recorder.removeTasks(connection, [task.id]);
        };
        return { project, line: project, failure: `annotation ${annotation.id} is not taken`, work };
      }
      case 'deleted': {
        const work = async (): Promise<void> => {
          for (const id of what.ids) await recorder.remove(connection, id);
        };
        return { project, line: project, failure: `annotations ${what.ids.slice(0, 5).join(', ')} are not removed`, work };
      }
      case 'imported': {
        const work = () => importedAnnotations(connection, what.task, signal);
        return { project, line: project, failure: `imported annotations of task ${what.task.id} are not taken`, work };
      }
      case 'tasks-deleted': {
        const work = async (): Promise<void> => {
          deletions++;
          for (const id of what.ids) deletedTasks.set(JSON.stringify([project, String(id)]), deletions);
          await recorder.removeTasks(connection, what.ids);
          // A deleted task's images go with all that came of them. What another task shows, too, comes back when annotations are compared.
          for (const id of what.ids)
            for (const sha256 of await service.projects.imagesNamed(project, nameOfTask(id)))
              await service.projects.eraseImage(project, sha256);
        };
        return { project, line: project, failure: 'annotations and images of deleted tasks are not removed', work };
      }
      case 'train':
        return { project, line: `train ${project}`, failure: 'training is not asked for', work: () => trained(connection, signal) };
    }
  };

  return {
    warm,
    async handle(event) {
      const events = tasksOf(event);
      if (event.kind !== 'other') {
        const connection = connections.ofEvent(event.project);
        if (event.kind === 'tasks' && event.tasks.length <= MAX_WARMED) warm(connection, event.tasks);
      }
      if (queue) {
        await keepEvents(queue, name, events);
        return;
      }
      for (const one of events) {
        const { line, project, failure, work } = workOf(one);
        enqueue(line, project, failure, work);
      }
    },
    async work() {
      if (queue === undefined) return () => Promise.resolve();
      return workOffEvents(queue, name, async (event, { signal: stopping, attempt }) => {
        const signal = AbortSignal.any([closing, stopping]);
        const { project, failure, work } = workOf(event, signal, attempt);
        try {
          await work();
        } catch (error) {
          // What is wrong with the event itself is wrong at every attempt.
          if (signal.aborted || (!isHopeless(error) && attempt < EVENT_ATTEMPTS)) throw error;
          failed(project, failure, error);
        }
      });
    },
    async idle() {
      while (lines.size > 0) await Promise.all(lines.values());
    },
  };
}
