/** Work on events after Label Studio got its response: one at a time within a project. */
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import { runSteps } from '../../core/mask/cooperative.ts';
import type { ServiceMetrics } from '../../service/ports/metrics.ts';
import type { Service } from '../../service/types.ts';
import type { MlEvent } from './protocol/events.ts';
import { outputsOf } from './protocol/label-config.ts';
import { annotationSteps } from './protocol/read-task.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { configOf, type Connections } from './connection/connections.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { AnnotationRecorder, Connection, LabelStudioApi, LabelStudioOptions } from './types.ts';

export interface EventParts {
  service: Pick<Service, 'projects'>;
  connections: Connections;
  recorder: AnnotationRecorder;
  images: TaskImages;
  api?: LabelStudioApi;
  log: Log;
  metrics: Pick<ServiceMetrics, 'error'>;
  report?: LabelStudioOptions['report'];
  /** Aborts when the adapter closes. */
  closing: AbortSignal;
}

export interface EventWork {
  /** Returns at once. */
  handle(event: MlEvent): void;
  /** Embeds the images of tasks that somebody will look at. Returns at once. */
  warm(connection: Connection, tasks: readonly MlTask[]): void;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

/** Events waiting; what is dropped beyond is found again by reconciliation. */
const MAX_WAITING = 10_000;
/** Most images prepared after an import; in larger ones it is unknown which image is opened first. */
const MAX_WARMED = 16;

export function createEventWork(parts: EventParts): EventWork {
  const { service, connections, recorder, images, api, log, metrics, report, closing } = parts;
  const lines = new Map<string, Promise<void>>();
  let waiting = 0;

  const failed = (project: string, what: string, error: unknown): void => {
    if (closing.aborted) return;
    const code = isProsamError(error) ? error.code : 'STORAGE_FAILED';
    metrics.error(code);
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
    const [output] = outputsOf(configOf(connection));
    if (output === undefined) return;
    for (const task of tasks.slice(0, MAX_WARMED)) {
      enqueue(`embed ${connection.project}`, connection.project, `the image of task ${task.id} is not prepared`, () =>
        images.embedded(imageOfTask(connection, task, output.image.field)),
      );
    }
  };

  const importedAnnotations = async (connection: Connection, task: MlTask): Promise<void> => {
    const found = (await api?.listAnnotations(connection, task.id, { signal: closing })) ?? [];
    for (const one of found) {
      const annotation = await runSteps(annotationSteps(one), closing);
      if (annotation) await recorder.record(connection, task, annotation, { signal: closing });
    }
  };

  return {
    warm,
    handle(event) {
      if (event.kind === 'other') return;
      const connection = connections.ofEvent(event.project);
      const { project } = connection;
      switch (event.kind) {
        case 'annotations':
          for (const { task, annotation } of event.pairs) {
            enqueue(project, project, `annotation ${annotation.id} is not taken`, () =>
              recorder.record(connection, task, annotation, { signal: closing }),
            );
          }
          break;
        case 'annotations-deleted':
          for (const id of event.ids) enqueue(project, project, `annotation ${id} is not removed`, () => recorder.remove(connection, id));
          break;
        case 'tasks':
          for (const task of event.tasks.filter(({ total_annotations = 0 }) => total_annotations > 0)) {
            enqueue(project, project, `imported annotations of task ${task.id} are not taken`, () => importedAnnotations(connection, task));
          }
          if (event.tasks.length <= MAX_WARMED) warm(connection, event.tasks);
          break;
        case 'train':
          enqueue(`train ${project}`, project, 'training is not asked for', async () => {
            await api
              ?.beforeTraining?.(connection, { signal: closing })
              .catch((error: unknown) => failed(project, 'annotations could not be compared before training', error));
            await service.projects.train(project);
          });
          break;
        case 'tasks-deleted':
          enqueue(project, project, 'annotations of deleted tasks are not removed', () => recorder.removeTasks(connection, event.ids));
          break;
        case 'project':
          break;
      }
    },
    async idle() {
      while (lines.size > 0) await Promise.all(lines.values());
    },
  };
}
