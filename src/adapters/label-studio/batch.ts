/** Many tasks in one request: what is ready in time is the answer, the rest is worked off and pushed; one failure is one task's. */
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { runSteps, type Steps } from '../../core/mask/cooperative.ts';
import { isAnswerVersion } from '../../service/answer-version.ts';
import type { Log } from '../../service/ports/log.ts';
import { countOwn } from '../../service/ports/counted-errors.ts';
import type { ServiceMetrics } from '../../service/ports/metrics.ts';
import type { MlResponse } from './protocol/responses.ts';
import { outputsOf, type LabelConfig } from './protocol/label-config.ts';
import type { MlTask } from './protocol/request-schemas.ts';
import { configOfTask, hasLabelsOfTasks } from './protocol/task-data.ts';
import { askedOf } from './asked.ts';
import type { DeferredPredictions } from './deferred-predictions.ts';
import { predictTask, wantedOutputs, type TaskParts, type TaskResponse } from './predict-task.ts';
import type { Slots } from './slots.ts';
import type { AnnotationRecorder, Connection, LabelStudioApi, LabelStudioOptions } from './types.ts';

export interface BatchParts extends TaskParts {
  recorder: AnnotationRecorder;
  late: DeferredPredictions;
  slots: Slots;
  log: Log;
  metrics: Pick<ServiceMetrics, 'error'>;
  report?: LabelStudioOptions['report'];
  softDeadlineMs: number;
  /** The same for a single task: somebody waits for it to open. */
  openDeadlineMs: number;
  /** Called with the version of an answer and the tasks that have predictions of earlier ones. @default not called */
  onAnswered?: NonNullable<LabelStudioApi['answered']>;
  /** Aborts when the adapter closes: work goes on after a request is answered. */
  closing: AbortSignal;
}

/** One task's prediction on its way. */
interface Flight {
  response: Promise<TaskResponse | undefined>;
  /** Once it is there. */
  landed?: TaskResponse | undefined;
  /** Requests that will answer with it. Where none is left when it is done, it is pushed. */
  waiting: number;
}

export type Batch = (
  request: { connection: Connection; config: LabelConfig; tasks: readonly MlTask[] },
  signal: AbortSignal,
) => Promise<(MlResponse | undefined)[]>;

export function createBatch(parts: BatchParts): Batch {
  const { service, recorder, late, slots, log, metrics, report, softDeadlineMs, openDeadlineMs, closing } = parts;
  const flights = new Map<string, Flight>();

  const failed = (connection: Connection, task: MlTask, what: string, error: unknown): undefined => {
    if (closing.aborted) return undefined;
    const code = isProsamError(error) ? error.code : 'ENGINE_FAILED';
    countOwn(metrics, error, code);
    report?.(error, connection.project);
    log.warn({ project: connection.project, task: task.id, code }, `${what}: ${messageOf(error)}`);
    return undefined;
  };

  return async ({ connection, config, tasks }, signal) => {
    const { project } = connection;
    const urgent = tasks.length === 1;
    const deadline = createDeadline(urgent ? Math.min(openDeadlineMs, softDeadlineMs) : softDeadlineMs, signal);
    try {
      // References first: they decide over the version, and over what can be predicted at all.
      const learning = tasks.flatMap((task) =>
        task.annotations.map((annotation) =>
          slots
            .run(urgent, () =>
              closing.aborted ? Promise.resolve('nothing' as const) : recorder.record(connection, task, annotation, { signal: closing }),
            )
            .catch((error: unknown) => failed(connection, task, `annotation ${annotation.id} is not taken`, error)),
        ),
      );
      await Promise.race([Promise.all(learning), deadline.over]);
      const { version, concepts } = await service.projects.get(project, askedOf(connection, config, parts));
      const known = new Set(concepts.filter(({ masks }) => masks > 0).map(({ label }) => label));
      if (!(await runSteps(isAnyWanted(config, tasks, known), signal))) {
        // Label Studio tells the person that predictions were retrieved, and stores none: the reason stands where people look next.
        const why = await runSteps(nothingToPredict(config, tasks), signal);
        const { code } = why;
        log.warn({ project, tasks: tasks.length, known: known.size, code }, `nothing is predicted: ${why.message}`);
        // Whoever opens a task asked for nothing.
        if (!urgent) {
          countOwn(metrics, why, code);
          report?.(why, project);
        }
        return tasks.map(() => undefined);
      }
      const asked = tasks.map((task) => {
        if (task.predictions.some(({ model_version }) => model_version === version)) return undefined;
        const kept = late.take(project, task.id, version);
        const flight: Flight = kept
          ? { response: Promise.resolve(kept), landed: kept, waiting: 0 }
          : fly(connection, config, task, { version, known, urgent });
        flight.waiting++;
        return flight;
      });
      await Promise.race([Promise.all(asked.flatMap((flight) => (flight ? [flight.response] : []))), deadline.over]);
      // What has landed belongs to this answer, unless nobody takes it; what comes from here on is pushed.
      const responses = asked.map((flight, place) => {
        if (flight === undefined) return undefined;
        flight.waiting--;
        const response = flight.landed;
        if (response !== undefined && signal.aborted && flight.waiting === 0)
          late.add({ connection, task: (tasks[place] as MlTask).id, response });
        return response;
      });
      const heldBack = asked.reduce((sum, flight) => sum + (flight?.landed?.heldBack ?? 0), 0);
      if (heldBack > 0) log.info({ project, heldBack }, 'masks are held back: their labels are probably not there (threshold)');
      if (asked.some((flight) => flight !== undefined)) parts.onAnswered?.(connection, version, withEarlier(tasks, version));
      if (deadline.reached()) {
        const ready = responses.filter((response) => response !== undefined).length;
        log.warn({ project, tasks: tasks.length, ready }, 'a batch is answered in part: the rest follows');
      }
      return responses;
    } finally {
      deadline.end();
    }
  };

  /** The same task asked twice is computed once. */
  function fly(
    connection: Connection,
    config: LabelConfig,
    task: MlTask,
    { version, known, urgent }: { version: string; known: ReadonlySet<string>; urgent: boolean },
  ): Flight {
    const key = JSON.stringify([connection.project, version, task.id]);
    const running = flights.get(key);
    if (running) return running;
    const priority = urgent ? ('interactive' as const) : ('batch' as const);
    const compute = async (): Promise<TaskResponse | undefined> => {
      if (closing.aborted) return undefined;
      return predictTask(parts, { connection, config, task, version, known, priority }, closing);
    };
    const flight: Flight = {
      waiting: 0,
      response: slots
        .run(urgent, compute)
        .catch((error: unknown) => failed(connection, task, `task ${task.id} is not predicted`, error))
        .then((response) => {
          flights.delete(key);
          flight.landed = response;
          if (response !== undefined && flight.waiting === 0 && !closing.aborted) late.add({ connection, task: task.id, response });
          return response;
        }),
    };
    flights.set(key, flight);
    return flight;
  }
}

/** Numbers of tasks that have predictions of other versions of this service. */
function withEarlier(tasks: readonly MlTask[], version: string): MlTask['id'][] {
  const isEarlier = (one: string | undefined): boolean => one !== undefined && one !== version && isAnswerVersion(one);
  return tasks.filter(({ predictions }) => predictions.some(({ model_version }) => isEarlier(model_version))).map(({ id }) => id);
}

/** Over after its time, or when nobody waits any more. */
function createDeadline(milliseconds: number, signal: AbortSignal) {
  let reached = false;
  let stop = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const timer = setTimeout(() => {
    reached = true;
    stop();
  }, milliseconds);
  const gone = (): void => stop();
  signal.addEventListener('abort', gone, { once: true });
  if (signal.aborted) stop();
  return {
    over,
    reached: () => reached,
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
    },
  };
}

/** Whether any label of a task can be looked for. */
function* isAnyWanted(config: LabelConfig, tasks: readonly MlTask[], known: ReadonlySet<string>): Steps<boolean> {
  for (const task of differing(config, tasks)) {
    try {
      if ((yield* wantedOutputs(config, task, known)).size > 0) return true;
    } catch {
      // Its own prediction says what is wrong with it.
      return true;
    }
  }
  return false;
}

/** Tasks whose labels may differ: one of them where the configuration says all. */
function differing(config: LabelConfig, tasks: readonly MlTask[]): readonly MlTask[] {
  return hasLabelsOfTasks(config) ? tasks : tasks.slice(0, 1);
}

/** Reason why no label of a configuration can be looked for. */
function* nothingToPredict(config: LabelConfig, tasks: readonly MlTask[]): Steps<ProsamError> {
  for (const { data } of differing(config, tasks)) {
    if (outputsOf(configOfTask(config, data)).length > 0)
      return new ProsamError(
        'REFERENCE_MISSING',
        'no label of the configuration has a reference yet. Submit one annotation, then ask again.',
      );
    yield;
  }
  return new ProsamError(
    'REQUEST_INVALID',
    'expected labels on an image in BrushLabels, BitmaskLabels, PolygonLabels, EllipseLabels or RectangleLabels, got a configuration with none. Add one of them.',
  );
}
