/** The service: the engine, what is kept, and what has been learned, behind the one interface that adapters know. */
import { checkAnnotationKey, checkName, checkProject } from '../core/common/limits.ts';
import { createLruMap } from '../core/common/lru-map.ts';
import { messageOf, ProsamError } from '../core/common/errors.ts';
import type { ImageLimits } from '../core/image/node/decode.ts';
import type { Log } from './ports/log.ts';
import { within } from '../core/common/patience.ts';
import { noMetrics, type ServiceMetrics } from './ports/metrics.ts';
import type { Service, ServiceStatus } from './types.ts';
import type { AnnotationKey, Storage } from './ports/storage.ts';
import type { Engine } from '../core/engine/types.ts';
import { createAccept, TRAIN } from './accept.ts';
import { createAdmission, type AdmissionOptions } from './admission.ts';
import { createDescribeWorker, DESCRIBE } from './embed-masks.ts';
import { createErrorList } from './recent-errors.ts';
import { createServiceImages } from './images.ts';
import { createPredict } from './predict.ts';
import { createPredictionLog } from './prediction-log.ts';
import { projectInfo } from './project-info.ts';
import { rollbackOf } from './rollback.ts';
import { createReferenceSets, type ReferenceSettings } from './references.ts';
import { BASE, createServing, notFound } from './serving.ts';

export interface ServiceOptions {
  engine: Engine;
  storage: Storage;
  log: Log;
  metrics?: ServiceMetrics;
  references?: ReferenceSettings;
  admission?: AdmissionOptions;
  limits?: ImageLimits;
  /** Predictions of a project that stay with their masks. @default 200 */
  keepPredictions?: number;
  /** Milliseconds between looks for versions that others have put into service. @default 1000 */
  pollMs?: number;
  /** Who runs the learner. @default 'elsewhere' */
  learner?: ServiceStatus['learner'];
  /** What keeps the learner from a run. */
  waitingFor?: (project: string) => Promise<string | undefined>;
  /** What adapters want people to know, in the status. @default nothing */
  problems?: () => readonly string[];
  /** Longest wait for bytes of images and versions, in stores that set no limit themselves. @default 120,000 */
  patienceMs?: number;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
}

/** Of the shell around; whoever may set projects up decides how many there are. */
const MOST_NOTES = 100;
/** Longest wait for predictions that are about to be written, by somebody who only wants to look. */
const FLUSH_MS = 1000;

export interface RunningService extends Service {
  /** For the shell around it: something failed there. */
  report(error: unknown, where: string): void;
  /** The same for what lasts: listed in the status until it is told that it works again (undefined). */
  note(where: string, problem: Error | undefined): void;
  /** Refuses what comes, finishes what runs, writes what waits. Engine and storage stay open. */
  close(): Promise<void>;
}

export async function createService(options: ServiceOptions): Promise<RunningService> {
  const { engine, storage, log, metrics = noMetrics, now = Date.now, learner = 'elsewhere', pollMs = 1000, patienceMs } = options;
  const { store, queue, blobs } = storage;
  const { model, device } = engine.info;
  const startedMs = now();
  const errors = createErrorList(now);
  const admission = createAdmission(options.admission);
  const drawing = createAdmission(options.admission);
  const images = createServiceImages({ images: store.images, blobs, limits: options.limits ?? {}, now, patienceMs });
  const references = createReferenceSets(store.annotations, options.references, patienceMs);
  const onSwap = (project: string, version: string): void => metrics.serving(project, version);
  const serving = createServing({ engine, versions: store.versions, blobs, log, now, patienceMs, onSwap });
  const predictions = createPredictionLog(store.images, options.keepPredictions ?? 200, log);
  const info = { store, references, serving, model, waitingFor: options.waitingFor ?? (() => Promise.resolve(undefined)) };
  const predict = createPredict({
    engine,
    versions: store.versions,
    references,
    serving,
    admission,
    images,
    predictions,
    metrics,
    log,
    now,
  });
  const accept = createAccept({ store, images, engine, admission, drawing, metrics, now });
  metrics.device(model, device);

  const stopDescribing = await queue.work(
    DESCRIBE,
    createDescribeWorker({ engine, annotations: store.annotations, images, references, admission, log }),
    {
      visibleAfterMs: 300_000,
    },
  );
  let problem: string | undefined;
  /** Of the shell around, by where. */
  const notes = createLruMap<string, string>({ max: MOST_NOTES });
  let polling = Promise.resolve();
  let replaced = engine.worker?.replacements ?? 0;
  /** What others have put into service, and how things stand. */
  const poll = async (): Promise<void> => {
    try {
      const served = new Map(serving.state().map(({ project, modelVersion }) => [project, modelVersion]));
      for (const state of await store.versions.projects()) {
        const version = served.get(state.project);
        if (version !== undefined && version !== (state.current ?? BASE)) await serving.use(state, () => Promise.resolve());
      }
      metrics.messages(await queue.depth());
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

  /** Failures that are not the caller's doing are listed. */
  const listed = async <T>(where: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const { status = 500, code } = error as { status?: number; code?: string };
      const expected = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
      if (status >= 500 && !expected) errors.report(error, where);
      if (code !== undefined) metrics.error(code);
      throw error;
    }
  };
  const inProject = async <T>(project: string, work: () => Promise<T>): Promise<T> => {
    checkProject(project);
    return work();
  };
  const ofAnnotation = async <T>(key: AnnotationKey, work: () => Promise<T>): Promise<T> => {
    checkAnnotationKey(key);
    return work();
  };

  return {
    // Whoever goes away waits for nothing, whatever it is that hangs.
    predict: (request, given = {}) => listed('predict', () => within(predict(request, given), given)),
    accept: (request, given) => listed('annotations', () => accept(request, given)),
    refine: (request, { signal } = {}) =>
      listed('refine', async () => {
        checkProject(request.project);
        const { input } = await images.input(request.project, request.image, { signal });
        const turn = { client: request.client ?? request.project, priority: 'interactive' as const, signal };
        const refined = await admission.run(turn, () => engine.refine(input, request.prompts, signal ? { signal } : {}));
        return { masks: refined.masks, width: refined.width, height: refined.height };
      }),
    embed: ({ project, image, externalId, client = project }, { signal } = {}) =>
      listed('embed', async () => {
        checkProject(project);
        if (externalId !== undefined) checkName('externalId', externalId, 'imageId');
        const { sha256, input } = await images.input(project, image, { signal });
        const { width, height } = await admission.run({ client, priority: 'interactive', signal }, () =>
          engine.prepare(input, signal ? { signal } : {}),
        );
        await images.remember(project, image, { sha256, width, height }, externalId);
        return { sha256, width, height };
      }),
    remove: (key, revision) => ofAnnotation(key, () => store.annotations.remove(key, revision)),
    withdraw: (key, revision) => ofAnnotation(key, () => store.annotations.withdraw(key, revision)),
    restore: (key) => ofAnnotation(key, () => store.annotations.restore(key)),
    flag: (key, flagged) => ofAnnotation(key, () => store.annotations.flag(key, flagged)),
    annotations: (project, given) => inProject(project, () => store.annotations.list(project, given)),
    project: (project) => inProject(project, () => projectInfo(info, project)),
    projects: async () => (await store.versions.projects()).map(({ project }) => project),
    unlabelled: (project, given) => inProject(project, () => store.images.unlabelled(project, given)),
    async predictions(given) {
      // What cannot be written now is shown another time.
      await within(predictions.flush(), { ms: FLUSH_MS }).catch(() => undefined);
      return store.images.predictions(given);
    },
    imageBytes: (project, sha256) => inProject(project, () => images.bytes(project, sha256)),
    versions: (given) => store.versions.list(given),
    async version(id) {
      const found = await store.versions.get(id);
      if (found === undefined) throw notFound(id);
      return found;
    },
    history: (project, limit) => inProject(project, () => store.versions.history(project, limit)),
    promote: (project, version, reason) =>
      listed('promote', () =>
        inProject(project, async () => {
          // Tried before the pointer moves: what cannot answer here is not announced to anybody.
          if (version !== BASE) await serving.useVersion(project, version, () => Promise.resolve());
          await serving.swapTo(await store.versions.promote(project, version === BASE ? undefined : version, reason, now()));
        }),
      ),
    rollback: (project, reason) =>
      listed('rollback', () =>
        inProject(project, async () => {
          const state = await rollbackOf(store.versions, project, reason, now());
          await serving.swapTo(state);
          return { version: state.current ?? BASE };
        }),
      ),
    train: (project) =>
      inProject(project, () => queue.send({ name: TRAIN, key: JSON.stringify([project, 'manual']), data: { project, manual: true } })),
    runs: (given) => store.runs.list(given),
    async status() {
      const { worker } = engine;
      const away = worker?.ready === false ? [`the engine is being started again: ${worker.problem}`] : [];
      const told = [...notes.values(), ...(options.problems?.() ?? [])];
      const problems = [...(problem === undefined ? [] : [problem]), ...away, ...serving.problems(), ...told];
      const messages = await queue.depth().catch(() => ({}));
      const serves = serving.state();
      return {
        ready: problem === undefined && away.length === 0,
        problems,
        model,
        device,
        startedMs,
        queue: admission.state(),
        messages,
        serving: serves,
        learner,
      };
    },
    errors: errors.list,
    report: errors.report,
    note(where, noted) {
      if (noted === undefined) notes.delete(where);
      else {
        const text = `${where}: ${noted.message}`;
        if (notes.peek(where) !== text) errors.report(noted, where);
        notes.set(where, text);
      }
    },
    async close() {
      clearInterval(timer);
      await Promise.all([admission.close(), drawing.close()]);
      await stopDescribing();
      await polling;
      await predictions.close();
    },
  };
}
