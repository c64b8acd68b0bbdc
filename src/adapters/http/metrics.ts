/** Metrics of the service in the text format of Prometheus. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ServiceMetrics } from '../../service/ports/metrics.ts';

export interface Metrics extends ServiceMetrics {
  /** One request answered. route: a path pattern, never a path. status 499: the client left. */
  request(route: string, method: string, status: number, milliseconds: number): void;
  /** Registers the byte count of request bodies in memory, read whenever metrics are scraped. */
  bodies(read: () => BodyBytes): void;
  readonly contentType: string;
  /** visible: whether a project may be seen. @default all */
  text(visible?: (project: string) => boolean): Promise<string>;
  /** Stops measuring the event loop. */
  close(): void;
}

export interface BodyBytes {
  /** All that are held now. */
  held: number;
  /** Part of those bytes from senders not yet authenticated. */
  unproved: number;
  /** Most that may be held. */
  limit: number;
}

/** Seconds: from a request answered out of a cache to one that waited long for a slow device. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const STAGE_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Between two looks at the event loop; part of what the monitor measures, taken off again. */
const LOOP_INTERVAL_MS = 10;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> =>
    new Gauge({ name: `prosam_${name}`, help, labelNames, registers });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: `prosam_${name}`, help, labelNames, registers });
  const seconds = <T extends string>(name: string, help: string, labelNames: readonly T[], buckets: number[]): Histogram<T> =>
    new Histogram({ name: `prosam_${name}_seconds`, help, labelNames, buckets, registers });

  const requests = seconds('http_request', 'Time to answer, by route and status', ['route', 'method', 'status'], REQUEST_BUCKETS);
  const stages = seconds('stage', 'Time of one stage of a prediction', ['stage'], STAGE_BUCKETS);
  const queue = gauge('engine_queue', 'Requests in front of the engine: running, waiting, and the limit of those', ['state']);
  const workerReady = gauge('engine_ready', '1 while the process that computes answers, 0 while it is started again', []);
  const workerMemory = gauge('engine_resident_memory_bytes', 'Memory of the process that computes, at its last answer', []);
  const replaced = counter('engine_replacements_total', 'Times a dead or hung process that computes was replaced', []);
  const caches = counter('cache_lookups_total', 'Looks into a cache', ['cache', 'outcome']);
  const device = gauge('device_info', 'The frozen model and the device that runs it; always 1', ['base_model', 'device']);
  const serving = gauge('serving_version_info', 'The prompt encoder a project is answered with; always 1', ['project', 'encoder_version']);
  const learnerState = gauge('learner_running', '1 while the learner works on a project, by what it does', ['project', 'state']);
  const learnerStep = gauge('learner_step', 'Training steps of the current run: done, total', ['project', 'kind']);
  const learnerLoss = gauge('learner_loss', 'Loss of the newest training step', ['project']);
  const annotations = counter('annotations_total', 'Annotations acknowledged', ['provenance', 'outcome']);
  const withheld = counter(
    'masks_withheld_total',
    'Masks found and left out: the probability of their concept was below the threshold',
    [],
  );
  const errors = counter('errors_total', 'Refusals and failures', ['code']);
  const messages = gauge('messages_waiting', 'Messages waiting in the queue of the store', ['name']);
  let readBodies: (() => BodyBytes) | undefined;
  new Gauge({
    name: 'prosam_http_body_bytes',
    help: 'Bytes of request bodies in memory: held, those whose senders have not proved who they are, and the limit of all',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, bytes] of Object.entries(readBodies?.() ?? {})) this.set({ state }, bytes as number);
    },
  });
  const stopProcess = measureProcess(registers);
  const current = new Map<string, string>();
  let replacementsTold = 0;

  return {
    request: (route, method, status, ms) => requests.observe({ route, method, status: String(status) }, ms / 1000),
    bodies: (read) => void (readBodies = read),
    stage: (stage, ms) => stages.observe({ stage }, ms / 1000),
    engineQueue: (depth) => {
      for (const state of ['running', 'waiting', 'limit'] as const) queue.set({ state }, depth[state]);
    },
    engineWorker: ({ ready, replacements, residentBytes }) => {
      workerReady.set(ready ? 1 : 0);
      workerMemory.set(residentBytes);
      replaced.inc(replacements - replacementsTold);
      replacementsTold = replacements;
    },
    cache: (cache, outcome) => caches.inc({ cache, outcome }),
    device: (baseModel, name) => {
      device.reset();
      device.set({ base_model: baseModel, device: name }, 1);
    },
    serving: (project, encoderVersion) => {
      const before = current.get(project);
      if (before !== undefined) serving.remove({ project, encoder_version: before });
      current.set(project, encoderVersion);
      serving.set({ project, encoder_version: encoderVersion }, 1);
    },
    learner: (project, { state, step, steps, loss }) => {
      for (const one of ['running', 'gating'] as const) learnerState.set({ project, state: one }, state === one ? 1 : 0);
      learnerStep.set({ project, kind: 'done' }, step);
      learnerStep.set({ project, kind: 'total' }, steps);
      if (loss !== undefined) learnerLoss.set({ project }, loss);
    },
    withheld: (count) => withheld.inc(count),
    annotation: (provenance, outcome) => annotations.inc({ provenance, outcome }),
    error: (code) => errors.inc({ code }),
    messages: (depth) => {
      messages.reset();
      for (const [name, count] of Object.entries(depth)) messages.set({ name }, count);
    },
    contentType: registry.contentType,
    async text(visible) {
      const all = await registry.metrics();
      return visible ? withoutHidden(all, visible) : all;
    },
    close: stopProcess,
  };
}

/** Lines of the text format without those of projects that may not be seen. */
function withoutHidden(text: string, visible: (project: string) => boolean): string {
  return text
    .split('\n')
    .filter((line) => {
      const [, escaped] = /[{,]project="((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
      return escaped === undefined || line.startsWith('#') || visible(unescaped(escaped));
    })
    .join('\n');
}

/** Value of a label: backslash, quote and line feed are escaped (Prometheus' exposition format). */
function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
}

/** Memory, processor time and event loop of this process. */
function measureProcess(registers: Registry[]): () => void {
  const loop = monitorEventLoopDelay({ resolution: LOOP_INTERVAL_MS });
  loop.enable();
  new Gauge({
    name: 'prosam_event_loop_delay_seconds',
    help: 'How late the event loop was, since the metrics were last read',
    labelNames: ['quantile'],
    registers,
    collect() {
      const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - LOOP_INTERVAL_MS / 1000);
      const idle = loop.count === 0;
      for (const percent of [50, 99, 100]) this.set({ quantile: String(percent / 100) }, idle ? 0 : late(loop.percentile(percent)));
      loop.reset();
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process in RAM',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_heap_bytes',
    help: 'Memory in use: JavaScript heap, and buffers outside it',
    labelNames: ['kind'],
    registers,
    collect() {
      const { heapUsed, external } = process.memoryUsage();
      this.set({ kind: 'heap' }, heapUsed);
      this.set({ kind: 'external' }, external);
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'Processor time used',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  return () => void loop.disable();
}
