/** Tables of `prosam backup` and `prosam restore`. */
import { command, options } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';
import { STORE_OPTIONS } from '../serve/spec.ts';

const json = options({ json: { type: 'flag', about: 'prints one JSON object on stdout' } });

export const BACKUP = command({
  name: 'backup',
  summary: SUMMARIES.backup,
  usage: ['DIR [--database URL] [--objects URL] [--config FILE] [--json]'],
  arguments: [{ name: 'DIR', about: 'folder of the new backup; it must not be there yet' }],
  intro: [
    'Rows and waiting messages as they stand at one moment, then the bytes they name, with hashes: everything that was acknowledged before it began. Services go on; prunes wait. A backup has its name only once it is whole: one that was cut off lies in DIR.unfinished, and the same command goes on with it.',
  ],
  options: { ...STORE_OPTIONS, ...json },
  exitCodes: { 0: 'done', 1: 'done, but bytes that rows name were missing or damaged in the store', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam backup backups/monday'],
});

export const RESTORE = command({
  name: 'restore',
  summary: SUMMARIES.restore,
  usage: ['DIR [--replace] [--database URL] [--objects URL] [--config FILE] [--json]'],
  arguments: [{ name: 'DIR', about: 'folder of a backup' }],
  intro: [
    'The whole backup is checked before anything is written; rows come in one transaction, all or none. A backup of SQLite may go to Postgres, and the other way round. Stop the services of the store first.',
  ],
  options: {
    replace: { type: 'flag', about: 'replaces everything the database holds; without it, only an empty one is taken' },
    ...STORE_OPTIONS,
    ...json,
  },
  exitCodes: { 0: 'done', 2: 'nothing was restored', 130: 'interrupted' },
  examples: [
    'prosam restore backups/monday',
    'prosam restore backups/monday --database postgres://prosam@db.internal/prosam --objects s3://masks/prosam',
  ],
});
