/** Label Studio's side of the service: its calls answered, what people do there learned from. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { silentLog } from '../../service/ports/log.ts';
import { noMetrics } from '../../service/ports/metrics.ts';
import type { Route } from '../http/route.ts';
import { createMlBackend, type MlCall, type MlPredictRequest } from './protocol/ml-backend.ts';
import { visibleTo } from '../http/guard.ts';
import { askedOf } from './asked.ts';
import { createRecorder } from './annotations.ts';
import { createBatch } from './batch.ts';
import { configOf, createConnections, projectName, type Connections } from './connection/connections.ts';
import { createEventWork } from './event-work.ts';
import { createInteractive } from './interactive.ts';
import { createDeferredPredictions } from './deferred-predictions.ts';
import { createPriors } from './priors.ts';
import { createDefaultImages, createTaskImages } from './task-images.ts';
import { createSlots } from './slots.ts';
import type { AnnotationRecorder, Connection, LabelStudioOptions } from './types.ts';

export interface LabelStudio {
  /** For the path Label Studio is given ('/label-studio'), and for '/' where it is given none. */
  routes: readonly Route[];
  /** The projects that are known, for work beside the routes. */
  connections: Pick<Connections, 'all' | 'ofKey'>;
  /** For annotations that come another way than by events. */
  recorder: AnnotationRecorder;
  /** Works off the events that are kept, also those from before a restart; resolves to what stops it. Any number of processes may do so. */
  work(): Promise<() => Promise<void>>;
  /** Resolves when no event waits to be worked on and nothing waits to be pushed. */
  idle(): Promise<void>;
  /** Gives what was begun so many milliseconds, then stops it. @default 5000 */
  close(withinMs?: number): Promise<void>;
}

/** Projects whose versions /versions lists. */
const MAX_VERSIONS = 100;

/** @throws CONFIG_INVALID for a token without the address it is for */
export function labelStudio(options: LabelStudioOptions): LabelStudio {
  const { service, api, log = silentLog, metrics = noMetrics, name = 'label-studio', instances = false } = options;
  const { threshold, tolerance, cleaning } = options;
  const {
    softDeadlineMs = 80_000,
    openDeadlineMs = 20_000,
    concurrency = 4,
    setupMs = 2000,
    maxPixels,
    maxBodyBytes,
    maxTasks,
  } = options.limits ?? {};
  const clockMs = options.clockMs ?? (() => performance.now());
  const closing = new AbortController();
  const { signal } = closing;
  const connections = createConnections(options);
  const fetchImage = options.fetchImage ?? createDefaultImages(options.images);
  const images = createTaskImages({ service, fetchImage, clockMs });
  const priors = createPriors(service, signal);
  const recorder = createRecorder({ service, images, log, source: name, limits: maxPixels === undefined ? {} : { maxPixels } });
  const late = createDeferredPredictions({ ...(api && { api }), log, signal });
  const slots = createSlots(concurrency);
  const settings = {
    instances,
    ...(threshold !== undefined && { threshold }),
    ...(tolerance !== undefined && { tolerance }),
    ...(cleaning && { cleaning }),
  };
  const { report } = options;
  const common = { service, images, priors, log, settings };
  const batch = createBatch({
    ...common,
    recorder,
    late,
    slots,
    metrics,
    report,
    softDeadlineMs,
    openDeadlineMs,
    closing: signal,
    ...(api?.answered && { onAnswered: api.answered }),
  });
  const interactive = createInteractive(common);
  const { queue } = options;
  const events = createEventWork({
    service,
    connections,
    recorder,
    images,
    ...(api && { api }),
    queue,
    name,
    log,
    metrics,
    report,
    closing: signal,
  });
  /** Newest known version by project: what is said where the real one takes too long. */
  const versions = createLruMap<string, string>({ max: MAX_VERSIONS });

  async function currentVersion(connection: Connection): Promise<string> {
    const { project } = connection;
    const asked = service.projects.get(project, askedOf(connection, configOf(connection), { settings })).then(({ version }) => {
      versions.set(project, version);
      return version;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve(versions.get(project) ?? 'not-ready'), setupMs)));
    asked.catch(() => undefined);
    return Promise.race([asked, late]).finally(() => clearTimeout(timer));
  }

  async function predict({ project: key, tasks, labelConfig, labelConfigXml, context }: MlPredictRequest, call: MlCall) {
    if (key === '')
      throw new ProsamError('REQUEST_INVALID', 'project: expected <id>.<seconds>, got none. Ask through a connected project.');
    const connection = connections.ofKey(key, labelConfigXml);
    const config = labelConfigXml === '' ? configOf(connection) : labelConfig;
    const [task] = tasks;
    if (context !== undefined && task !== undefined && tasks.length === 1) {
      return [await interactive({ connection, config, task, context }, call.signal)];
    }
    const responses = await batch({ connection, config, tasks }, call.signal);
    // Somebody opens a task: the next call may be a click. What has been predicted is prepared already.
    if (task !== undefined && tasks.length === 1 && responses[0] === undefined) events.warm(connection, [task]);
    return responses;
  }

  const { routes } = createMlBackend({
    modelClass: 'ProSAM',
    projectName: (key) => projectName(name, key),
    async about(caller) {
      const learning = (await options.learning?.(visibleTo(caller))) ?? [];
      return learning.length === 0 ? {} : { learning };
    },
    async setup(setup) {
      const { connection, changed } = connections.setUp(setup);
      if (changed) api?.connected?.(connection);
      return { modelVersion: await currentVersion(connection) };
    },
    predict,
    onEvent: (event) => events.handle(event),
    async versions({ caller }) {
      const visible = visibleTo(caller);
      const shown = connections.all().filter(({ project }) => visible?.(project) ?? true);
      return [...new Set(await Promise.all(shown.slice(-MAX_VERSIONS).map(currentVersion)))];
    },
    limits: {
      ...(maxBodyBytes !== undefined && { maxBodyBytes }),
      ...(maxTasks !== undefined && { maxTasks }),
      // Beyond the soft deadline there is only writing the answer.
      deadlineMs: softDeadlineMs + 18_000,
    },
  });
  const idle = async (): Promise<void> => {
    await events.idle();
    await late.flush();
  };
  return {
    routes,
    connections,
    recorder,
    idle,
    work: () => events.work(),
    async close(withinMs = 5000) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([idle(), new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)))]);
      clearTimeout(timer);
      closing.abort(new ProsamError('SERVICE_CLOSING', 'The service is shutting down. Try again when it is back.'));
      await idle();
    },
  };
}
