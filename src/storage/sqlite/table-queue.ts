/** Messages in a table of the same file as everything else, so that they are sent by the transaction they belong to. */
import { sql } from 'kysely';
import { messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import type { Message, WorkOptions } from '../../service/ports/storage.ts';
import { backoffMs, createWorkers, DEFAULT_ATTEMPTS, DEFAULT_VISIBLE_MS, POLL_MS, type DrivenQueue } from '../queue-driver.ts';
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
    async send(message) {
      await enqueue(connection, [message]);
      workers.wake([message.name]);
    },
    work: (name, handler, options = {}) => Promise.resolve(workers.start(name, options, handler, () => fetch(connection, name, options))),
    async depth() {
      const rows = await connection
        .selectFrom('messages')
        .select(({ fn }) => ['name', fn.countAll<number>().as('messages')])
        .where('state', '<>', 'dead')
        .groupBy('name')
        .execute();
      return Object.fromEntries(rows.map(({ name, messages }) => [name, messages]));
    },
    async *pending() {
      const rows = await connection.selectFrom('messages').selectAll().where('state', '<>', 'dead').orderBy('id').execute();
      for (const { name, key, data, due_ms } of rows)
        yield { name, data: fromJson(data), ...(key !== null && { key }), delayMs: Math.max(0, due_ms - Date.now()) };
    },
    close: () => workers.stop(),
  };
}

async function insert(change: Change | Connection, { name, data, key, delayMs = 0 }: Message, nowMs: number): Promise<void> {
  await change
    .insertInto('messages')
    .values({
      name,
      key: key ?? null,
      data: toJson(data),
      state: 'waiting',
      due_ms: nowMs + delayMs,
      attempts: 0,
      created_ms: nowMs,
      last_error: null,
    })
    // One with this key that nobody has begun on waits already.
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function fetch(
  connection: Connection,
  name: string,
  { visibleAfterMs = DEFAULT_VISIBLE_MS, attempts = DEFAULT_ATTEMPTS }: WorkOptions,
): Promise<Held | undefined> {
  const nowMs = Date.now();
  const due = connection
    .selectFrom('messages')
    .select('id')
    .where('name', '=', name)
    .where('due_ms', '<=', nowMs)
    .where('state', '<>', sql.lit('dead'));
  const first = due.orderBy('due_ms').orderBy('id').limit(1);
  // A look costs others nothing; only taking a message needs the lock.
  if ((await first.executeTakeFirst()) === undefined) return undefined;
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
    return fetch(connection, name, { visibleAfterMs, attempts });
  }
  return {
    data: fromJson(taken.data),
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
