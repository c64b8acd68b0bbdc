/** Kills service and learner at random moments and looks what is left: `npm run test:kill`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textTable } from '../../src/cli/common/text-table.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../../test/unit/storage/start-postgres.ts';
import { killLearning } from './learning.ts';
import type { KillPlace, KillRow } from './place.ts';
import { killSettings, randomFrom } from './settings.ts';
import { killWrites } from './writes.ts';

const { kills, databases, seed } = killSettings(process.argv.slice(2));
const root = mkdtempSync(join(tmpdir(), 'prosam-kill-'));
const random = randomFrom(seed);
const say = (text: string): void => void process.stderr.write(process.stderr.isTTY ? `\r${text}   ` : '');
const rows: KillRow[] = [];
let postgres: PostgresServer | undefined;

async function place(database: 'sqlite' | 'postgres'): Promise<KillPlace> {
  const folder = mkdtempSync(join(root, `${database}-`));
  if (database === 'sqlite') return { name: 'SQLite', folder, environment: {} };
  // With fsync, as people run it.
  postgres ??= await startPostgres({ fsync: true });
  return { name: 'Postgres', folder, environment: { PROSAM_DATABASE: await postgres.createDatabase() } };
}

try {
  for (const database of databases) {
    if (database === 'postgres' && postgresPrograms() === undefined) {
      rows.push({ where: 'Postgres', what: 'everything', kills: 0, outcome: 'SKIPPED: no postgresql programs on this machine', ok: true });
      continue;
    }
    rows.push(await killWrites(await place(database), kills, random, say));
    rows.push(await killLearning(await place(database), kills, random, say));
  }
} finally {
  await postgres?.stop();
  rmSync(root, { recursive: true, force: true });
}
say('\n');
const cells = rows.map(({ where, what, kills: count, outcome, ok }) => [where, what, String(count), outcome, ok ? 'ok' : 'FAILED']);
console.log(
  textTable({ caption: `SIGKILL at random moments (seed ${seed})`, head: ['store', 'during', 'kills', 'afterwards', ''], rows: cells }),
);
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
