/** The service: engine, storage and trained versions behind the one interface that adapters know, in resource groups. */
import { createLruMap } from '../core/common/lru-map.ts';
import { messageOf, ProsamError } from '../core/common/errors.ts';
import type { ImageLimits } from '../core/image/node/decode.ts';
import type { Log } from './ports/log.ts';
import { noMetrics, type ServiceMetrics } from './ports/metrics.ts';
import type { LearnerRun, Service } from './types.ts';
import type { Storage } from './ports/storage.ts';
import type { Engine, Method } from '../core/engine/types.ts';
import { createAccept } from './accept.ts';
import { createAdmission, type AdmissionOptions } from './admission.ts';
import { createStorageHealth, type ServicePart } from './health.ts';
import { createDescribeWorker, DESCRIBE } from './embed-masks.ts';
import { createErasures } from './erasure.ts';
import { createErrorList } from './recent-errors.ts';
import { createServiceImages } from './images.ts';
import { createPredict } from './predict.ts';
import { createPredictionLog } from './prediction-log.ts';
import { createReferenceSets, type ReferenceSettings } from './references.ts';
import { createSeenVersions } from './seen-version.ts';
import { createLearningLines } from './learning/lines.ts';
import { BASE, createServing } from './serving.ts';
import { annotationService } from './groups/annotations.ts';
import { predictionService } from './groups/predictions.ts';
import { projectService } from './groups/projects.ts';
import { versionService } from './groups/versions.ts';

export interface ServiceOptions {
  engine: Engine;
  storage: Storage;
  log: Log;
  metrics?: ServiceMetrics;
  references?: ReferenceSettings;
  /** Method of requests that name none. @default the engine's: 'auto' */
  method?: Method;
  admission?: AdmissionOptions;
  limits?: ImageLimits;
  /** Predictions of a project that stay with their masks. @default 200 */
  keepPredictions?: number;
  /** Milliseconds between looks for versions that others have put into service. @default 1000 */
  pollMs?: number;
  /** Process that runs the learner, for the status. @default 'external' */
  learner?: LearnerRun;
  /** Whether predictions use numbers that the learner has fitted to labels. @default true */
  useFits?: boolean;
  /** Reason why the learner does not start a run; undefined: there is none. */
  waitingFor?: (project: string) => Promise<string | undefined>;
  /** Problems that adapters report for the status. @default none */
  problems?: () => readonly string[];
  /** Longest wait for bytes of images and versions, in stores that set no limit themselves. @default 120,000 */
  patienceMs?: number;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

/** Between two looks at images that could not be read, in milliseconds. */
const LOOK_AGAIN_MS = 30_000;
/** Largest number of notes: callers who set projects up decide how many there are. */
const MAX_NOTES = 100;

export interface RunningService extends Service {
  /** For the shell around it: something failed there. */
  report(error: unknown, where: string): void;
  /** The same for what lasts, of a project: listed in the status until it is told that it works again (undefined). */
  note(where: string, problem: Error | undefined): void;
  /** Refuses what comes, finishes what runs, writes what waits. Engine and storage stay open. */
  close(): Promise<void>;
}

export async function createService(options: ServiceOptions): Promise<RunningService> {
  const { engine, storage, log, metrics = noMetrics, now = Date.now, learner = 'external', pollMs = 1000, patienceMs } = options;
  const { store, queue, blobs } = storage;
  const { model: baseModel, device } = engine.info;
  const startedMs = now();
  const errors = createErrorList(now, metrics);
  const admission = createAdmission(options.admission);
  const drawing = createAdmission(options.admission);
  const images = createServiceImages({ images: store.images, blobs, limits: options.limits ?? {}, now, patienceMs });
  const fits = options.useFits === false ? undefined : store.fits;
  const references = createReferenceSets(store.annotations, options.references, patienceMs, images.unreadable, fits);
  const onSwap = (project: string, encoderVersion: string): void => metrics.serving(project, encoderVersion);
  const serving = createServing({ engine, versions: store.versions, blobs, log, now, patienceMs, onSwap });
  const seen = createSeenVersions(store.versions);
  const predictionLog = createPredictionLog(store.images, options.keepPredictions ?? 200, log);
  const waitingFor = options.waitingFor ?? (() => Promise.resolve(undefined));
  const lines = createLearningLines({ runs: store.runs, ...(fits && { fits }), waitingFor, now });
  const predict = createPredict({
    engine,
    versions: store.versions,
    references,
    serving,
    seen,
    ...(options.method && { method: options.method }),
    admission,
    images,
    predictions: predictionLog,
    metrics,
    log,
    now,
  });
  const health = createStorageHealth({ store, blobs, report: errors.report });
  const erasures = createErasures({ store: store.images, blobs, images, engine, predictions: predictionLog, log, now });
  const accept = createAccept({ store, images, engine, admission, drawing, metrics, now });
  metrics.device(baseModel, device);

  const stopDescribing = await queue.work(
    DESCRIBE,
    createDescribeWorker({ engine, annotations: store.annotations, images, references, admission, log }),
    {
      visibleAfterMs: 300_000,
    },
  );
  let problem: string | undefined;
  let lookedAgainMs = performance.now();
  /** Notes of the shell around, by place. */
  const notes = createLruMap<string, { where: string; text: string }>({ max: MAX_NOTES });
  let polling = Promise.resolve();
  let replaced = engine.worker?.replacements ?? 0;
  /** Loads versions that other processes have deployed, and updates the metrics. */
  const poll = async (): Promise<void> => {
    health.look();
    if (performance.now() - lookedAgainMs > LOOK_AGAIN_MS) {
      lookedAgainMs = performance.now();
      void images.lookAgain();
    }
    try {
      const served = new Map(serving.state().map(({ project, encoderVersion }) => [project, encoderVersion]));
      for (const state of await store.versions.projects()) {
        const version = served.get(state.project);
        if (version !== undefined && version !== (state.current ?? BASE)) await serving.use(state, () => Promise.resolve());
      }
      metrics.messages(await queue.depth());
      void erasures.sweep();
      problem = undefined;
    } catch (error) {
      if (problem === undefined) errors.report(error, 'database');
      problem = `the database does not answer: ${messageOf(error)}`;
    }
    metrics.engineQueue(admission.state());
    const { worker } = engine;
    if (worker === undefined) return;
    metrics.engineWorker(worker);
    if (worker.replacements > replaced && worker.problem !== undefined) {
      log.warn({ replacements: worker.replacements, pid: worker.pid }, `worker replaced: ${worker.problem}`);
      errors.report(new ProsamError('ENGINE_CRASHED', worker.problem), 'engine');
    }
    replaced = worker.replacements;
  };
  let looking = false;
  const timer = setInterval(() => {
    // While a database that does not answer is waited for, looks do not pile up.
    if (looking) return;
    looking = true;
    polling = poll().finally(() => (looking = false));
  }, pollMs).unref();

  const { listed } = errors;
  return {
    predictions: predictionService({ engine, admission, images, stored: store.images, log: predictionLog, predict, listed }),
    annotations: annotationService({ stored: store.annotations, accept, listed }),
    projects: projectService({
      store,
      references,
      serving,
      seen,
      info: engine.info,
      method: options.method,
      waitingFor,
      images,
      queue,
      erasures,
      now,
      listed,
    }),
    versions: versionService({ stored: store.versions, serving, now, listed }),
    async status(visible) {
      const { worker } = engine;
      const away = worker?.ready === false ? [`the engine is being started again: ${worker.problem}`] : [];
      // Sentences of adapters, and those of images, may name anybody's project.
      const told = visible ? [] : (options.problems?.() ?? []);
      const noted = notes.values().flatMap(({ where, text }) => ((visible?.(where) ?? true) ? [text] : []));
      const stores = health.problems();
      const gone = visible ? undefined : images.unreadable.problem();
      const problems = [
        ...(problem === undefined ? [] : [problem]),
        ...away,
        ...stores.map((one) => one.problem),
        ...(gone === undefined ? [] : [gone]),
        ...serving.problems(visible),
        ...noted,
        ...told,
      ];
      const failing = new Set<ServicePart>(stores.map(({ part }) => part));
      if (problem !== undefined) failing.add('database');
      if (away.length > 0) failing.add('engine');
      const messages = await queue.depth().catch(() => ({}));
      const serves = serving.state().filter(({ project }) => visible?.(project) ?? true);
      return {
        ready: problem === undefined && away.length === 0,
        failing: [...failing].sort(),
        problems,
        baseModel,
        device,
        startedMs,
        engineQueue: admission.state(),
        messages,
        serving: serves,
        learner,
        // A database that does not answer is not asked for more.
        learning: failing.has('database') ? [] : await lines.of(serves.map((one) => one.project)),
      };
    },
    errors: errors.list,
    report: errors.report,
    note(where, noted) {
      if (noted === undefined) notes.delete(where);
      else {
        const text = `${where}: ${noted.message}`;
        if (notes.peek(where)?.text !== text) errors.report(noted, where);
        notes.set(where, { where, text });
      }
    },
    async close() {
      clearInterval(timer);
      await Promise.all([admission.close(), drawing.close()]);
      await Promise.all([stopDescribing(), erasures.idle()]);
      await polling;
      await health.idle();
      await predictionLog.close();
    },
  };
}
