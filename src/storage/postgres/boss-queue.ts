/** Messages in pg-boss on the same Postgres, sent by the transaction they belong to. */
import { randomUUID } from 'node:crypto';
import { CompiledQuery, sql } from 'kysely';
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { messageOf } from '../../core/common/errors.ts';
import { storableText } from '../../core/common/limits.ts';
import type { Log } from '../../service/ports/log.ts';
import { within } from '../../core/common/patience.ts';
import { MAX_DELAY_MS } from '../../service/ports/message.ts';
import type { Message, WorkOptions } from '../../service/ports/storage.ts';
import { optionalPackage } from '../map-errors.ts';
import { postgresFailed } from './failures.ts';
import type { PostgresDatabase } from './postgres.ts';
import { announcer, listen, type Ear } from './announcements.ts';
import {
  CLOCK_CHECK_MS,
  CLOCK_SKEW_MS,
  createRarely,
  createWorkers,
  DEFAULT_ATTEMPTS,
  DEFAULT_VISIBLE_MS,
  FIRST_REST_MS,
  legalDelayMs,
  LONGEST_REST_MS,
  POLL_MS,
  type DrivenQueue,
} from '../queue-driver.ts';
import type { Change, Connection } from '../schema/schema.ts';
import type { Held } from '../work-loop.ts';

const SCHEMA = 'prosam_queue';
const JOBS = sql.table(`${SCHEMA}.job`);
const QUEUES = sql.table(`${SCHEMA}.queue`);
/** Seconds between checks for messages whose worker did not finish in time. */
const SUPERVISE_SECONDS = 5;
/** A message nobody works on waits this long. */
const RETENTION_SECONDS = 365 * 24 * 3600;
/** One that was given up is kept this long for people to look at. */
const KEEP_DEAD_SECONDS = 14 * 24 * 3600;

/** Retries of a message that is never given up: what the column holds. */
const MAX_RETRIES = 2 ** 31 - 1;

/** Content of a job: data may be anything, and unkeyed messages get a unique key. */
interface Envelope {
  data?: unknown;
  /** Instead of `data`, as JSON: text that `jsonb` cannot hold. */
  json?: string;
  key?: string;
}

/** NUL and halves of surrogate pairs, as JSON.stringify writes them: `jsonb` refuses them, text of the same letters it does not. */
const NOT_IN_JSONB = /\\u(?:0000|d[89a-f])/;

function envelopeOf({ data, key }: Message): Envelope {
  const json = data === undefined ? undefined : JSON.stringify(data);
  const content = json === undefined ? {} : NOT_IN_JSONB.test(json) ? { json } : { data };
  return { ...content, ...(key !== undefined && { key }) };
}

function dataOf({ data, json }: Envelope): unknown {
  return json === undefined ? data : (JSON.parse(json) as unknown);
}

/** @throws STORAGE_FAILED, PACKAGE_MISSING */
export async function bossQueue(database: PostgresDatabase, migrate: boolean, log: Log, pollMs = POLL_MS): Promise<DrivenQueue> {
  const { connection } = database;
  const boss = migrate ? await startAlone(database, log) : await startBoss(database, false, log);
  const workers = createWorkers(log, pollMs);
  const tell = announcer(connection);
  let ear: Ear | undefined;
  const announce = (messages: readonly Message[]): void => {
    workers.wake(messages.map(({ name }) => name));
    tell(messages.filter(({ delayMs = 0 }) => delayMs <= 0).map(({ name }) => name));
  };
  const mayLookAhead = createRarely(CLOCK_CHECK_MS);
  const ready = new Set<string>();
  const prepare = async (names: Iterable<string>): Promise<void> => {
    for (const name of names) {
      if (ready.has(name)) continue;
      await told(
        boss.createQueue(name, {
          // Of messages that nobody has begun on, one of each key.
          policy: 'short',
          ...{
            retryLimit: DEFAULT_ATTEMPTS - 1,
            retryDelay: FIRST_REST_MS / 1000,
            retryBackoff: true,
            retryDelayMax: LONGEST_REST_MS / 1000,
          },
          ...{ expireInSeconds: DEFAULT_VISIBLE_MS / 1000, retentionSeconds: RETENTION_SECONDS, deleteAfterSeconds: KEEP_DEAD_SECONDS },
        }),
      );
      ready.add(name);
    }
  };
  const enqueue = async (change: Change | Connection, messages: readonly Message[]): Promise<void> => {
    const executeSql = async (text: string, values: unknown[] = []) => ({
      rows: [...(await change.executeQuery(CompiledQuery.raw(text, values))).rows],
    });
    // In one order always, so that two changes never wait for each other's keys.
    const ordered = [...messages].sort((one, other) => (`${one.name} ${one.key}` < `${other.name} ${other.key}` ? -1 : 1));
    for (const message of ordered) {
      const { name, key } = message;
      const delayMs = legalDelayMs(message);
      const startAfter = { ...(delayMs > 0 && { startAfter: `${delayMs} milliseconds` }) };
      await told(boss.send(name, envelopeOf(message), { singletonKey: key ?? randomUUID(), ...startAfter, db: { executeSql } }));
    }
  };
  return {
    outbox: {
      prepare: (messages) => prepare(messages.map(({ name }) => name)),
      enqueue,
      announce,
    },
    async send(...messages) {
      const [only, another] = messages;
      await prepare(messages.map(({ name }) => name));
      if (only !== undefined && another === undefined) await enqueue(connection, messages);
      else await connection.transaction().execute((change) => enqueue(change, messages));
      announce(messages);
    },
    async work(name, handler, options = {}) {
      await prepare([name]);
      ear ??= listen(database.listeners, (heard) => workers.wake(heard === undefined ? undefined : [heard]));
      return workers.start(name, options, handler, () => fetch(boss, connection, name, options, mayLookAhead));
    },
    async depth() {
      const { rows } = await sql<{ name: string; messages: number }>`
        select name, count(*) as messages from ${JOBS} where state in ('created', 'retry', 'active') group by name`.execute(connection);
      return Object.fromEntries(rows.map(({ name, messages }) => [name, messages]));
    },
    async clear(change) {
      await sql`delete from ${JOBS}`.execute(change);
    },
    async *pending(moment = connection) {
      const { rows } = await sql<{ name: string; data: Envelope; delay: number }>`
        select name, data, greatest(0, extract(epoch from start_after - now()) * 1000)::float8 as delay
        from ${JOBS} where state in ('created', 'retry', 'active') order by created_on, id`.execute(moment);
      for (const { name, data, delay } of rows)
        yield { name, data: dataOf(data), ...(data.key !== undefined && { key: data.key }), delayMs: delay };
    },
    async close() {
      await Promise.all([workers.stop(), ear?.close()]);
      // Its own looking after the queue may be waiting for a database that does not answer.
      await within(boss.stop({ close: false, graceful: false }), { ms: database.timeouts.connectMs }).catch((error: unknown) => {
        log.warn({ error: messageOf(error) }, 'the queue in Postgres did not stop in time');
      });
    },
  };
}

/** Two of them that make the same schema at once get into each other's way. */
async function startAlone(database: PostgresDatabase, log: Log): Promise<PgBoss> {
  return database.connection.transaction().execute(async (change) => {
    await database.lockSchema(change);
    // The transaction shows that it is alive, so that one whose process was stopped can be told from it and ended.
    const alive = setInterval(() => {
      sql`select 1`.execute(change).catch(() => undefined);
    }, database.timeouts.idleTransactionMs / 3);
    try {
      return await startBoss(database, true, log);
    } finally {
      clearInterval(alive);
    }
  });
}

async function startBoss({ pool }: PostgresDatabase, migrate: boolean, log: Log): Promise<PgBoss> {
  const { PgBoss: Boss } = await optionalPackage('pg-boss', 'the queue of a Postgres database', () => import('pg-boss'));
  const boss = new Boss({
    db: { executeSql: (text, values) => pool.query(text, values as unknown[]) },
    ...{ schema: SCHEMA, migrate, schedule: false, registerInstance: false },
    ...{ superviseIntervalSeconds: SUPERVISE_SECONDS, monitorIntervalSeconds: SUPERVISE_SECONDS },
  });
  boss.on('error', (error) => log.warn({ error: messageOf(error) }, 'the queue in Postgres has trouble'));
  await told(boss.start());
  return boss;
}

async function fetch(
  boss: PgBoss,
  connection: Connection,
  name: string,
  { visibleAfterMs = DEFAULT_VISIBLE_MS, attempts = DEFAULT_ATTEMPTS }: WorkOptions,
  mayLookAhead: () => boolean,
): Promise<Held | undefined> {
  const take = () => told<JobWithMetadata<Envelope>[]>(boss.fetch(name, { includeMetadata: true }));
  let [job] = await take();
  if (job === undefined && mayLookAhead() && (await correctClock(connection))) [job] = await take();
  if (job === undefined) return undefined;
  const mine = sql`name = ${name} and id = ${job.id}::uuid and state = 'active' and retry_count = ${job.retryCount}`;
  // The sender did not know how its reader works; whoever takes the job says so.
  const wanted = { seconds: Math.max(1, Math.ceil(visibleAfterMs / 1000)), retries: Math.min(attempts - 1, MAX_RETRIES) };
  if (job.expireInSeconds !== wanted.seconds || job.retryLimit !== wanted.retries)
    await sql`update ${JOBS} set expire_seconds = ${wanted.seconds}, retry_limit = ${wanted.retries} where ${mine}`.execute(connection);
  return {
    data: dataOf(job.data),
    attempt: job.retryCount + 1,
    async done() {
      await told(boss.deleteJob(name, job));
    },
    async failed(error) {
      await told(boss.fail(name, job, { message: storableText(messageOf(error)) }));
    },
    async returned() {
      // As if it had not been taken: without a start, the next one to take it counts no further attempt.
      await sql`update ${JOBS} set state = 'retry', started_on = null, start_after = now() where ${mine}`.execute(connection);
    },
  };
}

/**
 * Brings to the present what a clock that was ahead has written: messages sent in the future or due later than any may be, messages taken
 * in the future, whose time would never be over, and the notes of pg-boss on when it looked after its queues. Resolves to whether there
 * was anything.
 */
async function correctClock(connection: Connection): Promise<boolean> {
  const from = (ms: number) => sql`now() + ${`${ms} milliseconds`}::interval`;
  const soon = from(CLOCK_SKEW_MS);
  const { rows } = await sql<{ changed: boolean }>`
    with jobs as (
      update ${JOBS} set start_after = now(), created_on = least(created_on, now()),
        started_on = least(started_on, now()), heartbeat_on = least(heartbeat_on, now())
      where (state = 'created' and (created_on > ${soon} or start_after > ${from(MAX_DELAY_MS + CLOCK_SKEW_MS)}))
        or (state = 'retry' and start_after > ${from(LONGEST_REST_MS + CLOCK_SKEW_MS)})
        or (state = 'active' and started_on > ${soon})
      returning 1),
    queues as (
      update ${QUEUES} set monitor_on = least(monitor_on, now()), monitor_claim_on = least(monitor_claim_on, now()),
        maintain_on = least(maintain_on, now())
      where monitor_on > ${soon} or monitor_claim_on > ${soon} or maintain_on > ${soon}
      returning 1)
    select exists (select 1 from jobs) or exists (select 1 from queues) as changed`.execute(connection);
  return rows[0]?.changed === true;
}

function told<T>(promise: Promise<T>): Promise<T> {
  return promise.catch((error: unknown) => {
    throw postgresFailed(error);
  });
}
