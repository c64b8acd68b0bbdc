/** Messages in a table of the same file as everything else, so that they are sent by the transaction they belong to. */
import { sql } from 'kysely';
import { messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import { MAX_DELAY_MS } from '../../service/ports/message.ts';
import type { Message, WorkOptions } from '../../service/ports/storage.ts';
import {
  backoffMs,
  CLOCK_CHECK_MS,
  CLOCK_SKEW_MS,
  createRarely,
  createWorkers,
  DEFAULT_ATTEMPTS,
  DEFAULT_VISIBLE_MS,
  legalDelayMs,
  longestRestMs,
  POLL_MS,
  type DrivenQueue,
} from '../queue-driver.ts';
import { fromJson, toJson, type Change, type Connection } from '../schema/schema.ts';
import type { Held } from '../work-loop.ts';

/** Given up messages are kept this long for people to look at. */
const KEEP_DEAD_MS = 14 * 24 * 3_600_000;

export function tableQueue(connection: Connection, log: Log, pollMs = POLL_MS): DrivenQueue {
  const workers = createWorkers(log, pollMs);
  const enqueue = async (change: Change | Connection, messages: readonly Message[]): Promise<void> => {
    for (const message of messages) await insert(change, message, Date.now());
  };
  return {
    outbox: { prepare: () => Promise.resolve(), enqueue, announce: (messages) => workers.wake(messages.map(({ name }) => name)) },
    async send(...messages) {
      const [only, another] = messages;
      if (only !== undefined && another === undefined) await enqueue(connection, messages);
      else await connection.transaction().execute((change) => enqueue(change, messages));
      workers.wake(messages.map(({ name }) => name));
    },
    work(name, handler, options = {}) {
      const mayLookAhead = createRarely(CLOCK_CHECK_MS);
      return Promise.resolve(workers.start(name, options, handler, () => fetch(connection, name, { ...options, mayLookAhead })));
    },
    async depth() {
      const rows = await connection
        .selectFrom('messages')
        .select(({ fn }) => ['name', fn.countAll<number>().as('messages')])
        .where('state', '<>', 'dead')
        .groupBy('name')
        .execute();
      return Object.fromEntries(rows.map(({ name, messages }) => [name, messages]));
    },
    async clear(change) {
      await change.deleteFrom('messages').execute();
    },
    async *pending(moment = connection) {
      const rows = await moment.selectFrom('messages').selectAll().where('state', '<>', 'dead').orderBy('id').execute();
      for (const { name, key, data, due_ms } of rows)
        yield { name, data: fromJson(data), ...(key !== null && { key }), delayMs: Math.max(0, due_ms - Date.now()) };
    },
    close: () => workers.stop(),
  };
}

async function insert(change: Change | Connection, message: Message, nowMs: number): Promise<void> {
  const { name, data, key } = message;
  await change
    .insertInto('messages')
    .values({
      name,
      key: key ?? null,
      data: toJson(data),
      state: 'waiting',
      due_ms: nowMs + legalDelayMs(message),
      attempts: 0,
      created_ms: nowMs,
      last_error: null,
    })
    // One with this key that nobody has begun on waits already.
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

interface FetchOptions extends WorkOptions {
  /** Whether it is time to look for what waits because the clock was corrected. */
  mayLookAhead: () => boolean;
}

async function fetch(connection: Connection, name: string, options: FetchOptions): Promise<Held | undefined> {
  const { visibleAfterMs = DEFAULT_VISIBLE_MS, attempts = DEFAULT_ATTEMPTS, mayLookAhead } = options;
  const nowMs = Date.now();
  const waiting = connection.selectFrom('messages').select('id').where('name', '=', name).where('state', '<>', sql.lit('dead'));
  const inOrder = (some: typeof waiting) => some.orderBy('due_ms').orderBy('id').limit(1);
  let first = inOrder(waiting.where('due_ms', '<=', nowMs));
  // A look costs others nothing; only taking a message needs the lock.
  if ((await first.executeTakeFirst()) === undefined) {
    if (!mayLookAhead()) return undefined;
    // Written by a clock that was ahead of this one: sent in the future, or due later than any message may be.
    first = inOrder(
      waiting
        .where('due_ms', '>', nowMs)
        .where((row) =>
          row.or([
            row('due_ms', '>', nowMs + MAX_DELAY_MS + CLOCK_SKEW_MS),
            row.and([row('state', '=', 'tried'), row('due_ms', '>', nowMs + longestRestMs(visibleAfterMs))]),
            row.and([row('state', '=', 'waiting'), row('created_ms', '>', nowMs + CLOCK_SKEW_MS)]),
          ]),
        ),
    );
    if ((await first.executeTakeFirst()) === undefined) return undefined;
  }
  const taken = await connection
    .updateTable('messages')
    .set((row) => ({ state: 'tried', attempts: row('attempts', '+', 1), due_ms: nowMs + visibleAfterMs }))
    .where('id', '=', first)
    .returningAll()
    .executeTakeFirst();
  if (taken === undefined) return undefined;
  // Whoever takes it after this one counts another attempt: then this one has no say any more.
  const mine = { id: taken.id, attempts: taken.attempts };
  const update = (set: { state?: 'dead'; due_ms: number; attempts?: number; last_error?: string }) =>
    connection.updateTable('messages').set(set).where('id', '=', mine.id).where('attempts', '=', mine.attempts).execute();
  const giveUp = async (why: string): Promise<void> => {
    await update({ state: 'dead', due_ms: Date.now(), last_error: why });
    await connection
      .deleteFrom('messages')
      .where('name', '=', name)
      .where('state', '=', 'dead')
      .where('due_ms', '<', Date.now() - KEEP_DEAD_MS)
      .execute();
  };
  if (mine.attempts > attempts) {
    // Those who tried did not even live to say that they failed.
    await giveUp(taken.last_error ?? 'was not handled to the end in time');
    return fetch(connection, name, options);
  }
  return {
    data: fromJson(taken.data),
    attempt: mine.attempts,
    async done() {
      await connection.deleteFrom('messages').where('id', '=', mine.id).where('attempts', '=', mine.attempts).execute();
    },
    async failed(error) {
      if (mine.attempts >= attempts) return giveUp(messageOf(error));
      await update({ due_ms: Date.now() + backoffMs(mine.attempts), last_error: messageOf(error) });
    },
    async returned() {
      await update({ due_ms: Date.now(), attempts: mine.attempts - 1 });
    },
  };
}
