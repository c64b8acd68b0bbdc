/** Calls the adapter makes on Label Studio by itself: late predictions are pushed, annotations pulled, webhooks repaired. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import { silentLog, type Log } from '../../../service/ports/log.ts';
import type { ApiProject } from '../api/responses.ts';
import type { ConnectionClients } from './clients.ts';
import { confirmProject, shownTitle } from './project.ts';
import { newMemory, reconcile, type ReconcileMemory, type ReconcileOptions, type ReconcileReport } from './reconcile.ts';
import type { CountedAnnotations } from './removals.ts';
import { createUpkeep, type UpkeepParts } from './upkeep.ts';
import { describeProblem, repairWebhook, silentWebhook, type WebhookWanted } from './webhook.ts';
import type { AnnotationRecorder, Connection, LabelStudioApi, PushedPrediction } from '../types.ts';

export interface ConnectionApiOptions extends Pick<UpkeepParts, 'isOwn' | 'passwordOf'> {
  clients: ConnectionClients;
  /** Webhook settings of this service; undefined where its own address is unknown, and webhooks are then left alone. */
  webhook?: (connection: Connection) => WebhookWanted | undefined;
  /** The annotations that count in the service. */
  counted: (connection: Connection) => Promise<CountedAnnotations>;
  /** Told after every reconciliation: what is wrong with the project, until there is nothing any more. @default nobody is told */
  onProblem?: (connection: Connection, problem: Error | undefined) => void;
  /** Called with the title of a project whenever Label Studio says it. @default not called */
  onTitle?: (connection: Connection, title: string) => void;
  /** Between two reconciliations; 0 = only before training and when a project connects. @default 300,000 */
  everyMs?: number;
  /** After a project connects, before its webhook is looked at. @default 5000 */
  settleMs?: number;
  /** Whether this service takes webhooks with credentials alone. @default false */
  asksForLogin?: boolean;
  /** Lists what lasts until somebody does something. @default nothing is listed */
  report?: ((error: unknown, where: string) => void) | undefined;
  /** Leaves predictions of earlier versions that nobody used. @default false: they go once their task has a newer one */
  keepOutdated?: boolean;
  /** After an answer, before the stored predictions are looked at. @default 3000 */
  answeredMs?: number;
  log?: Log;
}

export interface ConnectionApi extends LabelStudioApi {
  connected(connection: Connection): void;
  beforeTraining(connection: Connection, options?: { signal?: AbortSignal }): Promise<void>;
  answered: NonNullable<LabelStudioApi['answered']>;
  /** Resolves to what was done. @throws LABEL_STUDIO_* */
  reconcile(connection: Connection, options?: ReconcileOptions): Promise<ReconcileReport>;
  /** Error of the last attempt. */
  problem(connection: Connection): Error | undefined;
  /** Must be given before anything connects: it belongs to the adapter that is made with this. */
  use(recorder: AnnotationRecorder): void;
  /** Ends the timer and what runs. */
  close(): Promise<void>;
}

/** Values in one pushed request; masks of large photos are long lists. */
const MAX_VALUES = 2_000_000;
const MAX_PREDICTIONS = 50;
/** Before training one waits no longer than this for Label Studio. */
const BEFORE_TRAINING_MS = 60_000;

export function createConnectionApi({
  clients,
  webhook,
  counted,
  onProblem = () => undefined,
  onTitle = () => undefined,
  everyMs = 300_000,
  settleMs = 5000,
  keepOutdated = false,
  asksForLogin = false,
  report,
  answeredMs = 3000,
  log = silentLog,
  ...own
}: ConnectionApiOptions): ConnectionApi {
  const known = new Map<string, State>();
  const closing = new AbortController();
  let recorder: AnnotationRecorder | undefined;

  const keyOf = ({ hostname, key }: Connection): string => `${hostname} ${key}`;
  const stateOf = (connection: Connection) => {
    const key = keyOf(connection);
    const state: State = known.get(key) ?? { connection, memory: newMemory(), problem: undefined, running: Promise.resolve() };
    state.connection = connection;
    known.set(key, state);
    return state;
  };

  /** One after the other: two at once would fetch everything twice. */
  const once: ConnectionApi['reconcile'] = (connection, { signal, ...options } = {}) => {
    const state = stateOf(connection);
    const stop = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
    const run = state.running.then(async () => {
      stop.throwIfAborted();
      if (recorder === undefined) throw new ProsamError('SERVICE_CLOSING', 'nothing records annotations yet. Call use() first.');
      const tell = (problem: Error | undefined): void => onProblem(connection, (state.problem = problem));
      try {
        const onProject = ({ title }: ApiProject): void => onTitle(connection, shownTitle(title));
        const parts = { client: clients(connection), recorder, counted, log, onProject };
        const report = await reconcile(connection, parts, state.memory, { ...options, signal: stop });
        if (report.stored + report.removed + report.failed > 0)
          log.info({ project: connection.project, ...report }, 'brought in line with Label Studio');
        const refusal = report.refused === undefined ? undefined : removalsRefused(connection, report.missing, report.refused);
        if (refusal) log.warn({ project: connection.project, code: refusal.code, missing: report.missing }, refusal.message);
        tell(refusal);
        return report;
      } catch (error) {
        if (!stop.aborted) tell(error instanceof Error ? error : new Error(messageOf(error)));
        throw error;
      }
    });
    state.running = run.catch(() => undefined);
    return run;
  };

  const repair = async (connection: Connection): Promise<void> => {
    const wanted = webhook?.(connection);
    const options = { signal: closing.signal };
    if (wanted === undefined) {
      const state = stateOf(connection);
      const silent = asksForLogin ? await silentWebhook(clients(connection), connection.projectId, options) : undefined;
      if (silent !== undefined && silent !== state.silent) {
        const error = new ProsamError('LABEL_STUDIO_FAILED', silent);
        log.warn({ project: connection.project, code: error.code }, error.message);
        report?.(error, connection.project);
      }
      state.silent = silent;
      return;
    }
    // The webhook tells our credentials, and those that seem left behind are deleted: in this project alone.
    await confirmProject(clients(connection), connection, options);
    for (const problem of await repairWebhook(clients(connection), connection.projectId, wanted, options)) {
      log.warn({ project: connection.project }, `put right: ${describeProblem(problem)}`);
    }
  };

  const quietly = async (what: string, connection: Connection, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (closing.signal.aborted) return;
      const { code } = error as { code?: unknown };
      log.warn({ project: connection.project, code }, `${what}: ${messageOf(error)}`);
    }
  };

  const sweep = async (connection: Connection, settleMs = 0): Promise<void> => {
    await quietly('annotations not pulled', connection, () => once(connection));
    // Label Studio makes its own webhook while it connects; made at the same time there would be two.
    await quietly('webhook not checked', connection, async () => {
      await wait(settleMs, undefined, { signal: closing.signal, ref: false });
      await repair(connection);
    });
  };

  let sweeping: Promise<void> = Promise.resolve();
  const timer =
    everyMs > 0
      ? setInterval(() => {
          sweeping = sweeping.then(async () => {
            for (const { connection } of [...known.values()]) if (!closing.signal.aborted) await sweep(connection);
          });
        }, everyMs).unref()
      : undefined;
  const background = new Set<Promise<void>>();
  const inBackground = (running: Promise<void>): void => {
    const work = running.finally(() => background.delete(work));
    background.add(work);
  };
  const upkeep = createUpkeep({
    ...own,
    client: clients,
    confirm: (connection) => confirmProject(clients(connection), connection, { signal: closing.signal }),
    run: (what, connection, work) => inBackground(quietly(what, connection, work)),
    ...{ keepOutdated, settleMs: answeredMs, signal: closing.signal },
  });

  return {
    use: (given) => void (recorder = given),
    reconcile: once,
    problem: (connection) => known.get(keyOf(connection))?.problem,
    connected(connection) {
      if (closing.signal.aborted || connection.hostname === '') return;
      stateOf(connection);
      inBackground(sweep(connection, settleMs));
    },
    async beforeTraining(connection, { signal } = {}) {
      if (connection.hostname === '') return;
      const late = AbortSignal.timeout(BEFORE_TRAINING_MS);
      await quietly('annotations not pulled before training', connection, () =>
        once(connection, { signal: signal ? AbortSignal.any([signal, late]) : late }),
      );
    },
    answered: (...answered) => upkeep.answered(...answered),
    async pushPredictions(connection, predictions, { signal } = {}) {
      const client = clients(connection);
      for (const group of groups(predictions)) await client.importPredictions(connection.projectId, group, { signal });
      const [newest] = predictions.slice(-1);
      if (newest) upkeep.answered(connection, newest.model_version, []);
    },
    listAnnotations: (connection, task, { signal } = {}) => clients(connection).annotations(task, { signal }),
    async close() {
      clearInterval(timer);
      closing.abort();
      await Promise.allSettled([sweeping, ...background, ...[...known.values()].map(({ running }) => running)]);
    },
  };
}

interface State {
  connection: Connection;
  memory: ReconcileMemory;
  problem: Error | undefined;
  /** Reason why nothing is told by a webhook, as it was last reported. */
  silent?: string | undefined;
  running: Promise<unknown>;
}

function removalsRefused({ projectId }: Connection, missing: number, why: string): ProsamError {
  return new ProsamError(
    'REMOVALS_REFUSED',
    `expected the annotations that count here in Label Studio's project ${projectId}, got a list without ${missing} of them: ${why}. ` +
      `Nothing was removed. Look at what the token may see there; if they are gone: prosam label-studio sync --project ${projectId} --accept-removals.`,
  );
}

/** Groups that fit into one request each. */
function* groups(predictions: readonly PushedPrediction[]): Generator<PushedPrediction[]> {
  let group: PushedPrediction[] = [];
  let values = 0;
  for (const one of predictions) {
    const size = one.result.reduce((sum, { value }) => sum + lengthOf(value.rle) + lengthOf(value.imageDataURL) / 4, 0);
    if (group.length > 0 && (group.length >= MAX_PREDICTIONS || values + size > MAX_VALUES)) {
      yield group;
      [group, values] = [[], 0];
    }
    group.push(one);
    values += size;
  }
  if (group.length > 0) yield group;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) || value instanceof Uint8Array || typeof value === 'string' ? value.length : 0;
}
