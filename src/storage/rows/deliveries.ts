/** Deliveries to addresses of the user, kept until they arrived or are given up. */
import type { DeliveryRecord, DeliveryStore } from '../../service/ports/batches.ts';
import { storableText } from '../../core/common/limits.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { changing, type Room } from '../schema/database.ts';
import { hearOf } from './projects.ts';
import { fromJson, toJson, type Tables } from '../schema/schema.ts';

export function deliveryStore(room: Room): DeliveryStore {
  const { connection } = room;
  return {
    add: ({ id, project, url, body, createdMs }, message) =>
      changing(room, { possible: [message] }, async (change, send) => {
        await hearOf(change, [project]);
        const row = { id, project, url, body: toJson(body), state: 'waiting' as const, attempts: 0, created_ms: createdMs };
        await change.insertInto('deliveries').values(row).execute();
        await send([message]);
      }),
    async get(id) {
      const row = await connection.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst();
      return row && deliveryOf(row);
    },
    attempted: (id, { state, lastError }, messages) =>
      changing(room, { possible: messages }, async (change, send) => {
        const noted = await change
          .updateTable('deliveries')
          .set((row) => ({
            attempts: row('attempts', '+', 1),
            state,
            last_error: lastError === undefined ? null : storableText(lastError),
          }))
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        if (noted.numUpdatedRows === 0n)
          throw new ProsamError(
            'DELIVERY_NOT_FOUND',
            `expected a delivery, got ${JSON.stringify(id)}, which is none. List them: GET /v1/deliveries`,
          );
        await send(messages);
      }),
    async list({ project, state, limit }) {
      let all = connection.selectFrom('deliveries').selectAll().orderBy('created_ms', 'desc').orderBy('id').limit(limit);
      if (project !== undefined) all = all.where('project', '=', project);
      if (state !== undefined) all = all.where('state', '=', state);
      return (await all.execute()).map(deliveryOf);
    },
  };
}

function deliveryOf(row: Tables['deliveries']): DeliveryRecord {
  return {
    ...{ id: row.id, project: row.project, url: row.url, body: fromJson(row.body), state: row.state, attempts: row.attempts },
    ...{ createdMs: row.created_ms, ...(row.last_error !== null && { lastError: row.last_error }) },
  };
}
