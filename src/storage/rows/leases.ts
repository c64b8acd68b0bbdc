/** Leases by name: one holder at a time, over once their time is. */
import type { UpkeepStore } from '../../service/ports/upkeep.ts';
import { MAX_LEASE_MS } from '../../service/ports/versions.ts';
import type { Room } from '../schema/database.ts';

export function leaseStore({ connection }: Room): Pick<UpkeepStore, 'hold' | 'release' | 'held'> {
  return {
    async hold(name, holder, { nowMs, leaseMs }) {
      const until_ms = nowMs + Math.min(leaseMs, MAX_LEASE_MS);
      // Of two at the same time one writes.
      const written = await connection
        .insertInto('leases')
        .values({ name, holder, until_ms })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ holder, until_ms })
            .where((row) =>
              row.or([
                row('leases.holder', '=', holder),
                row('leases.until_ms', '<=', nowMs),
                // Written by a clock that was ahead.
                row('leases.until_ms', '>', nowMs + MAX_LEASE_MS),
              ]),
            ),
        )
        .returning('name')
        .executeTakeFirst();
      return written !== undefined;
    },
    async release(name, holder) {
      await connection.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute();
    },
    async held(prefix, nowMs) {
      const rows = await connection
        .selectFrom('leases')
        .select('name')
        .where('until_ms', '>', nowMs)
        .where('until_ms', '<=', nowMs + MAX_LEASE_MS)
        .orderBy('name')
        .execute();
      return rows.map(({ name }) => name).filter((name) => name.startsWith(prefix));
    },
  };
}
