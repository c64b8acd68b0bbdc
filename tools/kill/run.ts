/**
 * Kills service, learner, prunes and backups at random moments and looks what is left: npm run test:kill -- [--kills 50]
 * [--database sqlite|postgres] [--only NAME] [--seed N] [--record FILE]
 *
 * --record FILE keeps the figures and goes on where the last run ended, until every row has its kills.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { textTable } from '../../src/cli/common/text-table.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../../test/unit/storage/start-postgres.ts';
import { s3Program, startS3, type S3Server } from '../../test/unit/storage/start-s3.ts';
import { killDamaged } from './damage.ts';
import { killEvents } from './events.ts';
import { killFits } from './fits.ts';
import { killAhead, killJobs } from './jobs.ts';
import { killLearning } from './learning.ts';
import { damageFile, writeClock, type KillPlace, type Scenario } from './place.ts';
import { openRecord } from './record.ts';
import { killSettings, randomFrom } from './settings.ts';
import { killBackups, killOneOfTwo, killPrunes } from './upkeep.ts';
import { killWrites } from './writes.ts';

/** share: of the kills; scenarios around the two main ones take longer for each. */
const SCENARIOS: { name: string; what: string; run: Scenario; share: number }[] = [
  { name: 'writes', what: 'annotation writes', run: killWrites, share: 1 },
  { name: 'learning', what: 'training, gate, promotion', run: killLearning, share: 1 },
  { name: 'fits', what: 'fitted numbers', run: killFits, share: 1 / 3 },
  { name: 'jobs', what: 'jobs and callbacks', run: killJobs, share: 1 / 6 },
  { name: 'events', what: 'events of a labeling tool', run: killEvents, share: 1 / 6 },
  { name: 'clock', what: 'a clock set back 30 days', run: killAhead, share: 1 / 6 },
  { name: 'damage', what: 'damaged and missing images', run: killDamaged, share: 1 / 6 },
  { name: 'prune', what: 'prune', run: killPrunes, share: 1 / 6 },
  { name: 'backup', what: 'backup', run: killBackups, share: 1 / 6 },
  { name: 'two', what: 'one of two services', run: killOneOfTwo, share: 1 / 6 },
];
/** Kills of one store, before its figures are recorded and another begins. */
const AT_ONCE = 25;

const { kills, databases, seed, only, record: file } = killSettings(process.argv.slice(2));
const root = mkdtempSync(join(tmpdir(), 'prosam-kill-'));
const random = randomFrom(seed);
const say = (text: string): void => void process.stderr.write(process.stderr.isTTY ? `\r${text}   ` : '');
const record = openRecord(file);
const skipped: string[] = [];
let postgres: PostgresServer | undefined;
let s3: S3Server | undefined;

async function place(database: 'sqlite' | 'postgres'): Promise<KillPlace> {
  const folder = mkdtempSync(join(root, `${database}-`));
  if (database === 'sqlite') {
    return {
      ...{ name: 'SQLite and disk', folder, environment: {} },
      change({ sqlite }) {
        const opened = new DatabaseSync(join(folder, 'prosam', 'prosam.db'), { timeout: 10_000 });
        opened.exec(sqlite);
        opened.close();
        return Promise.resolve();
      },
      damage: (sha256, bytes) => damageFile(folder, sha256, bytes),
    };
  }
  // With fsync, as people run it.
  postgres ??= await startPostgres({ fsync: true });
  const address = await postgres.createDatabase();
  const change: KillPlace['change'] = async ({ postgres: statement }) => {
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  if (s3Program() === undefined) {
    const environment = { PROSAM_DATABASE: address };
    return { name: 'Postgres and disk', folder, environment, change, damage: (sha256, bytes) => damageFile(folder, sha256, bytes) };
  }
  s3 ??= await startS3();
  const [server, objects] = [s3, await s3.createPlace()];
  return {
    ...{ name: 'Postgres and S3', folder, environment: { PROSAM_DATABASE: address, PROSAM_OBJECTS: objects }, change },
    damage: (sha256, bytes) => server.overwrite(objects, sha256, bytes ?? new Uint8Array()),
  };
}

try {
  await writeClock(root);
  for (const database of databases) {
    if (database === 'postgres' && postgresPrograms() === undefined) {
      skipped.push('Postgres: SKIPPED, no postgresql programs on this machine');
      continue;
    }
    for (const { name, what, run, share } of SCENARIOS) {
      if (only !== undefined && only !== name) continue;
      const wanted = Math.ceil(kills * share);
      for (let at = await place(database); record.done(at.name, what) < wanted; at = await place(database)) {
        const row = await run(at, Math.min(AT_ONCE, wanted - record.done(at.name, what)), random, say);
        record.add({ ...row, what });
        say('\n');
        console.log(
          `${row.where}, ${what}: ${record.done(at.name, what)} of ${wanted}${row.problems.map((one) => `; PROBLEM: ${one}`).join('')}`,
        );
        rmSync(at.folder, { recursive: true, force: true });
      }
    }
  }
} finally {
  await postgres?.stop();
  await s3?.stop();
  rmSync(root, { recursive: true, force: true });
}
const cells = record.rows.map(({ where, what, kills: count, counts, problems }) => {
  const figures = Object.entries(counts).map(([key, value]) => `${value} ${key}`);
  return [
    where,
    what,
    String(count),
    [...figures, ...problems.slice(0, 3).map((one) => `PROBLEM: ${one}`)].join(', '),
    problems.length === 0 ? 'ok' : 'FAILED',
  ];
});
console.log(
  textTable({ caption: `SIGKILL at random moments (seed ${seed})`, head: ['store', 'during', 'kills', 'afterwards', ''], rows: cells }),
);
for (const line of skipped) console.log(line);
process.exitCode = record.rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
