/** The whole service in one call: configuration, storage, engine, learner and adapters, wired together. */
import { consoleRoutes } from '../adapters/console/console-routes.ts';
import { createBodyBudget } from '../adapters/http/body/body-budget.ts';
import { createGuard } from '../adapters/http/guard.ts';
import { createHttpApp, type HttpApp } from '../adapters/http/http-app.ts';
import { createImageSources } from '../adapters/http/images/image-sources.ts';
import type { ImageSources } from '../adapters/http/images/image-input.ts';
import { createLog } from '../adapters/http/create-log.ts';
import { listen, type Listening } from '../adapters/http/listen.ts';
import { createMetrics } from '../adapters/http/metrics.ts';
import { openStorage } from '../storage/open-storage.ts';
import { webhook } from '../adapters/webhook/webhook.ts';
import { ProsamError } from '../core/common/errors.ts';
import { learnerFacts } from '../learner/facts.ts';
import { decideRun } from '../learner/policy.ts';
import type { Log } from '../service/ports/log.ts';
import { createEngine } from '../core/runtime/node/create-engine.ts';
import { externalSystem } from '../external/external-system.ts';
import type { Service } from '../service/types.ts';
import type { SignatureStore, Storage, Store } from '../service/ports/storage.ts';
import { sharedReplayMemory, type ReplayMemory } from '../adapters/http/signature.ts';
import type { Engine } from '../core/engine/types.ts';
import { allowedTimes, parseLearnerSettings } from '../learner/read-settings.ts';
import { createService } from '../service/service.ts';
import { codeVersion } from './version.ts';
import { loadConfig, type ConfigSources } from './config.ts';
import type { ProsamConfig, ProsamSettings } from './config-types/config.ts';
import { pruneEverything } from './prune/prune.ts';
import { startPruning } from './prune/schedule.ts';
import { startLearnerChild } from './learner-child.ts';
import { mountCvat } from './mount-cvat.ts';
import { mountLabelStudio } from './mount-label-studio.ts';

const HOUR_MS = 3_600_000;
/** Time of a start in which everything else comes first. */
const FIRST_PRUNE_MS = 600_000;

export interface CreateServerOptions extends ProsamConfig {
  /** Path of a configuration file. @default prosam.config.{ts,js,json} in the working folder, where there is one */
  configFile?: string;
  /** @default process.env */
  environment?: ConfigSources['environment'];
  /** Instead of what `database` and `objects` name; closed with the service. */
  storage?: Storage;
  /** Instead of what `model` and `device` name; closed with the service. */
  engine?: Engine;
  /** @default JSON lines on standard output */
  logger?: Log;
}

export interface ProsamServer {
  readonly settings: ProsamSettings;
  readonly service: Service;
  /** Mount adapters of your own here, before `listen`. */
  readonly app: HttpApp;
  /** Shared by adapters: bytes of images, wherever they are, under the configured rules. */
  readonly images: ImageSources;
  /** http://host:port @throws CONFIG_INVALID where the port is taken */
  listen(): Promise<string>;
  /** Stops accepting, lets running calls finish until `limits.shutdownMs`, and closes everything it opened. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens storage and engine, starts the learner, and mounts the adapters.
 * @throws CONFIG_INVALID, STORAGE_FAILED, STORAGE_TIMEOUT, MIGRATION_NEEDED, MODEL_*, DEVICE_UNAVAILABLE
 * @example
 * await using server = await createServer({ model: 'small', learner: { run: 'off' } });
 * console.log(await server.listen());
 */
export async function createServer(options: CreateServerOptions = {}): Promise<ProsamServer> {
  const { configFile, environment, storage: givenStorage, engine: givenEngine, logger, ...config } = options;
  const settings = await loadConfig({
    options: config,
    ...(configFile !== undefined && { file: configFile }),
    ...(environment && { environment }),
  });
  const log = logger ?? createLog({ level: settings.log.level });
  const metrics = createMetrics();
  let signatures: SignatureStore | undefined;
  const guard = guardOf(
    settings,
    sharedReplayMemory((signature, times) => (signatures as SignatureStore).use(signature, times)),
  );

  /** Functions that close what has been opened, in the order of opening. */
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const close of opened.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    opened.push(() => {
      metrics.close();
      return Promise.resolve();
    });
    const { database, objects, migrate, storageTimeouts: timeouts } = settings;
    const storage = givenStorage ?? (await openStorage({ database, objects, migrate, timeouts, log }));
    opened.push(() => storage.close());
    signatures = storage.store.signatures;
    const engine = givenEngine ?? (await createEngine(engineOptions(settings, log)));
    opened.push(() => engine.close());
    const { references, limits, keepPredictions, images: imageSettings, learner } = settings;
    const { maxBytes, maxPixels } = imageSettings;
    /** Problems that adapters report for the status. */
    const told: (() => string[])[] = [];
    /** Titles of projects in the tools they come from, by their name here. */
    let titles: ReadonlyMap<string, string> = new Map();
    const service = await createService({
      ...{ engine, storage, log, metrics, references, keepPredictions, limits: { maxBytes, maxPixels } },
      admission: { concurrency: limits.concurrency, waiting: limits.waiting, clientShare: limits.clientShare },
      ...(settings.external.default && { method: 'external' as const }),
      ...{ learner: learner.run, useFits: learner.fitFrom > 0 },
      waitingFor: waitingFor(storage.store, settings),
      problems: () => told.flatMap((problems) => problems()),
    });
    opened.push(() => service.close());
    const images = createImageSources(imageSettings);
    opened.push(() => images.close());

    const bodies = createBodyBudget(limits.bodiesInFlightBytes);
    const app = createHttpApp({
      ...{ guard, log, metrics, bodies, metricsAccess: settings.metrics },
      limits: { maxBodyBytes: limits.bodyBytes, deadlineMs: limits.deadlineMs },
      ready: () => service.status(),
      onFailure: (error, asked) => service.report(error, asked),
      about: { title: 'prosam', version: codeVersion(), description: 'One mask in, the same concept in every other image.' },
      ...settings.http,
      ...(settings.allowedHosts && { allowedHosts: settings.allowedHosts }),
      ...(settings.trustProxy !== undefined && { trustProxy: settings.trustProxy }),
    });
    const { store, queue } = storage;
    const hook = webhook({
      service,
      images,
      batches: store.batches,
      deliveries: store.deliveries,
      queue,
      callbacks: settings.callbacks,
      log,
    });
    opened.push(() => hook.close());
    app.mount('/v1', hook.routes);
    app.mount(
      '/',
      consoleRoutes(service, (project) => titles.get(project)),
    );
    opened.push(await hook.work());
    if (settings.labelStudio.enabled) {
      const onProblem = (project: string, problem: Error | undefined): void => service.note(project, problem);
      const mounted = mountLabelStudio({
        settings,
        service,
        app,
        images,
        queue,
        log,
        metrics,
        onProblem,
        onError: (error, where) => service.report(error, where),
      });
      ({ titles } = mounted);
      opened.push(() => mounted.close());
      opened.push(await mounted.work());
    }
    const forCvat = settings.cvat.enabled ? mountCvat({ settings, service, app, bodies, images, queue, log }) : undefined;
    if (forCvat) {
      told.push(forCvat.problems);
      opened.push(() => forCvat.close());
    }
    if (settings.prune.everyHours > 0) {
      const everyMs = settings.prune.everyHours * HOUR_MS;
      const pruning = startPruning({
        ...{ firstMs: Math.min(everyMs, FIRST_PRUNE_MS), everyMs, log },
        prune: (signal) => pruneEverything(storage, settings, { remove: true, signal }),
        onProblem: (error) => service.report(error, 'prune'),
      });
      opened.push(() => pruning.close());
    }
    if (learner.run === 'managed') {
      const child = startLearnerChild({ settings, log, metrics, onProblem: (error) => service.report(error, 'learner') });
      opened.push(() => child.close(limits.shutdownMs));
    }

    let listening: Listening | undefined;
    opened.push(async () => listening?.close({ deadlineMs: limits.shutdownMs }));
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= closeAll());
    return {
      ...{ settings, service, app, images, close },
      async listen() {
        if (closing) throw new ProsamError('SERVICE_CLOSING', 'the service has been closed. Create a new one.');
        listening ??= await listen(app, { host: settings.host, port: settings.port });
        await forCvat?.listen();
        return listening.url;
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await closeAll().catch(() => undefined);
    throw error;
  }
}

function guardOf({ auth }: ProsamSettings, replays: ReplayMemory) {
  const { tokens, basic, hmac } = auth;
  const open = tokens.length + basic.length + hmac.length === 0;
  return createGuard({ tokens, basic, hmac, replays, ...(open && { anonymous: 'admin' }) });
}

function engineOptions(
  {
    model,
    device,
    threads,
    precision,
    inferenceTimeoutMs,
    cache,
    cacheBytes,
    external: { place, timeoutMs, maxBytes: maxAnswerBytes, environment },
    images: { maxBytes, maxPixels },
  }: ProsamSettings,
  log: Log,
) {
  return {
    model,
    device,
    threads,
    precision,
    inferenceTimeoutMs,
    priority: 'low' as const,
    limits: { maxBytes, maxPixels },
    ...(place !== undefined && {
      external: externalSystem(place, { timeoutMs, maxBytes: maxAnswerBytes, environment, log: (line) => log.info({ line }, 'external') }),
    }),
    ...(cache !== '' && { cacheDir: cache, cacheDirBytes: cacheBytes }),
  };
}

/** The learner's own decision, for people to read. */
function waitingFor(
  store: Store,
  { learner: { run, ...learner }, model }: ProsamSettings,
): (project: string) => Promise<string | undefined> {
  const policy = parseLearnerSettings({ ...learner, model });
  const nextAllowedMs = allowedTimes(policy);
  return async (project) => {
    if (run === 'off') return 'a learner: it is switched off';
    const decision = decideRun(await learnerFacts(store, project, policy), policy, { nowMs: Date.now(), nextAllowedMs });
    return decision.due ? undefined : decision.waitingFor;
  };
}
