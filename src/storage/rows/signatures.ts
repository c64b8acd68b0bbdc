/** Signatures that were used, shared by all processes of a service and kept over restarts. */
import type { SignatureStore } from '../../service/ports/storage.ts';
import type { Room } from '../schema/database.ts';

/** Rows that are over, removed with each that comes: the table stays as small as what still counts. */
const REMOVED_AT_ONCE = 100;

export function signatureStore({ connection }: Room): SignatureStore {
  return {
    async use(signature, { nowMs, keepUntilMs }) {
      const over = connection.selectFrom('used_signatures').select('signature').where('keep_until_ms', '<', nowMs).limit(REMOVED_AT_ONCE);
      await connection.deleteFrom('used_signatures').where('signature', 'in', over).execute();
      // Of two at the same time one inserts.
      const added = await connection
        .insertInto('used_signatures')
        .values({ signature, keep_until_ms: keepUntilMs })
        .onConflict((conflict) => conflict.column('signature').doNothing())
        .executeTakeFirst();
      return (added.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
  };
}
