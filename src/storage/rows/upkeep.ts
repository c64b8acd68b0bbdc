/** Rows that nobody needs any more, removed a page at a time; and which blobs rows point to. */
import { sql } from 'kysely';
import type { PrunedKind, PrunedRows, PruneRules, UpkeepStore } from '../../service/ports/upkeep.ts';
import { changing, type Room } from '../schema/database.ts';
import type { Change, Connection } from '../schema/schema.ts';
import { leaseStore } from './leases.ts';
import { prunableRows, type Prunable } from './prunable.ts';
import { lockProject, projectLock } from './projects.ts';

/** Kinds whose rows others change under the lock of their project. */
const LOCKED: ReadonlySet<PrunedKind> = new Set(['predictions', 'versions', 'images']);
const NONE: PrunedRows = { rows: 0, bytes: 0, ids: [] };

export function upkeepStore(room: Room): UpkeepStore {
  const { connection } = room;
  return {
    ...leaseStore(room),
    async prunable(kind, rules) {
      const query = prunableRows(kind, rules);
      if (query === undefined) return NONE;
      const { rows } = await sql<{ rows: number; bytes: number | null }>`
        select count(*) as rows, sum(bytes) as bytes from (${query}) as prunable`.execute(connection);
      return { rows: rows[0]?.rows ?? 0, bytes: rows[0]?.bytes ?? 0, ids: [] };
    },
    async prune(kind, rules, limit) {
      // Looked for without a lock; most often there is nothing.
      const [first] = await find(connection, kind, rules, 1);
      if (first === undefined) return NONE;
      const { project } = first;
      const locks = LOCKED.has(kind) ? { locks: projectLock(project) } : {};
      return changing(room, locks, async (change) => {
        if (LOCKED.has(kind)) await lockProject(change, project);
        const found = await find(change, kind, rules, limit, LOCKED.has(kind) ? project : undefined);
        const keys = found.map(({ key }) => key);
        if (keys.length > 0) await REMOVE[kind](change, keys, project);
        return {
          rows: found.length,
          bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
          ids: kind === 'runs' ? keys : [],
        };
      });
    },
    async pointedTo(hashes) {
      if (hashes.length === 0) return new Set();
      const names = sql.join(hashes);
      const { rows } = await sql<{ sha256: string }>`
        select sha256 from images where sha256 in (${names})
        union select sha256 from annotations where sha256 in (${names})
        union select weights from versions where weights in (${names})`.execute(connection);
      return new Set(rows.map(({ sha256 }) => sha256));
    },
  };
}

async function find(
  connection: Connection,
  kind: PrunedKind,
  rules: PruneRules,
  limit: number,
  project?: string,
): Promise<readonly Prunable[]> {
  const query = prunableRows(kind, rules);
  if (query === undefined) return [];
  const where = project === undefined ? sql`` : sql`where project = ${project}`;
  const { rows } = await sql<Prunable>`select * from (${query}) as prunable ${where} order by key limit ${sql.lit(limit)}`.execute(
    connection,
  );
  return rows;
}

const REMOVE: Record<PrunedKind, (change: Change, keys: readonly string[], project: string) => Promise<unknown>> = {
  predictions: (change, keys) => change.deleteFrom('predictions').where('id', 'in', keys.map(Number)).execute(),
  async jobs(change, keys) {
    await change.deleteFrom('batch_items').where('batch', 'in', keys).execute();
    await change.deleteFrom('batches').where('id', 'in', keys).execute();
  },
  // Somebody may have asked for another try meanwhile.
  deliveries: (change, keys) => change.deleteFrom('deliveries').where('id', 'in', keys).where('state', '<>', 'waiting').execute(),
  runs: (change, keys) => change.deleteFrom('runs').where('id', 'in', keys).where('state', '<>', 'running').execute(),
  versions: (change, keys) => change.deleteFrom('versions').where('id', 'in', keys).execute(),
  async images(change, keys, project) {
    await change.deleteFrom('predictions').where('project', '=', project).where('sha256', 'in', keys).execute();
    await change.deleteFrom('images').where('project', '=', project).where('sha256', 'in', keys).execute();
    await change
      .updateTable('projects')
      .set((row) => ({ images: row('images', '-', keys.length) }))
      .where('project', '=', project)
      .execute();
  },
  signatures: (change, keys) => change.deleteFrom('used_signatures').where('signature', 'in', keys).execute(),
};
