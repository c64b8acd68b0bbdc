/** Long requests: each item settles once, and the last one ends the batch. */
import type { BatchItem, BatchRecord, BatchStore } from '../../service/ports/batches.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { changing, type Room } from '../schema/database.ts';
import { hearOf } from './projects.ts';
import { fromJson, toJson, type Change, type Connection, type Tables } from '../schema/schema.ts';

const ITEMS_AT_ONCE = 1000;

export function batchStore(room: Room): BatchStore {
  const { connection } = room;
  return {
    create: (batch, inputs, message) =>
      changing(room, { possible: [message] }, async (change, send) => {
        await hearOf(change, [batch.project]);
        const { id, project, createdMs, request } = batch;
        // Nothing to wait for: over before it began.
        const ended_ms = inputs.length === 0 ? createdMs : null;
        const counts = { total: inputs.length, done: 0, failed: 0, cancelled: 0 as const };
        await change
          .insertInto('batches')
          .values({ id, project, created_ms: createdMs, ended_ms, request: toJson(request), ...counts })
          .execute();
        for (let from = 0; from < inputs.length; from += ITEMS_AT_ONCE) {
          const items = inputs.slice(from, from + ITEMS_AT_ONCE);
          await change
            .insertInto('batch_items')
            .values(
              items.map((input, i) => ({ batch: id, position: from + i, input: toJson(input), state: 'waiting' as const, result: null })),
            )
            .execute();
        }
        await send([message]);
      }),
    get: (id) => find(connection, id),
    async items(id, { after, limit, state }) {
      let items = connection.selectFrom('batch_items').selectAll().where('batch', '=', id).orderBy('position').limit(limit);
      if (after !== undefined) items = items.where('position', '>', after);
      if (state !== undefined) items = items.where('state', '=', state);
      return (await items.execute()).map(itemOf);
    },
    settle: (id, index, { state, result, nowMs }, whenEnded) =>
      changing(room, { locks: `batch ${id}`, possible: whenEnded }, async (change, send) => {
        await lockBatch(change, id);
        const settled = await change
          .updateTable('batch_items')
          .set({ state, result: toJson(result) })
          .where('batch', '=', id)
          .where('position', '=', index)
          .where('state', '=', 'waiting')
          .executeTakeFirstOrThrow();
        if (settled.numUpdatedRows > 0n) {
          const counted = await change
            .updateTable('batches')
            .set((row) => (state === 'done' ? { done: row('done', '+', 1) } : { failed: row('failed', '+', 1) }))
            .where('id', '=', id)
            .returningAll()
            .executeTakeFirstOrThrow();
          if (counted.done + counted.failed === counted.total) {
            await change.updateTable('batches').set({ ended_ms: nowMs }).where('id', '=', id).execute();
            await send(whenEnded);
          }
        }
        return (await find(change, id)) as BatchRecord;
      }),
    /** Items given up count as failed, without a result. A batch that has ended stays as it is. */
    cancel: (id, nowMs, whenEnded = []) =>
      changing(room, { locks: `batch ${id}`, possible: whenEnded }, async (change, send) => {
        const batch = await find(change, id);
        if (batch === undefined) return undefined;
        await lockBatch(change, id);
        const given = await change
          .updateTable('batch_items')
          .set({ state: 'failed' })
          .where('batch', '=', id)
          .where('state', '=', 'waiting')
          .executeTakeFirstOrThrow();
        const { numUpdatedRows } = given;
        if (numUpdatedRows > 0n) {
          await change
            .updateTable('batches')
            .set((row) => ({ failed: row('failed', '+', Number(numUpdatedRows)), cancelled: 1, ended_ms: nowMs }))
            .where('id', '=', id)
            .execute();
          await send(whenEnded);
        }
        return find(change, id);
      }),
  };
}

/** Two last items that settle at once must see each other. @throws BATCH_NOT_FOUND */
async function lockBatch(change: Change, id: string): Promise<void> {
  const locked = await change
    .updateTable('batches')
    .set((row) => ({ total: row.ref('total') }))
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (locked.numUpdatedRows > 0n) return;
  throw new ProsamError(
    'BATCH_NOT_FOUND',
    `expected a batch, got ${JSON.stringify(id)}, which is none. Use the id that the request for the batch answered with.`,
  );
}

async function find(connection: Connection, id: string): Promise<BatchRecord | undefined> {
  const row = await connection.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirst();
  return row && batchOf(row);
}

function batchOf(row: Tables['batches']): BatchRecord {
  return {
    ...{ id: row.id, project: row.project, createdMs: row.created_ms, ...(row.ended_ms !== null && { endedMs: row.ended_ms }) },
    ...{ request: fromJson(row.request), total: row.total, done: row.done, failed: row.failed, cancelled: row.cancelled === 1 },
  };
}

function itemOf(row: Tables['batch_items']): BatchItem {
  const { position, input, state, result } = row;
  return { index: position, input: fromJson(input), state, ...(result !== null && { result: fromJson(result) }) };
}
