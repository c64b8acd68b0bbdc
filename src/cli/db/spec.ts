/** Tables of `prosam db` and its sub-commands. */
import { configSchema } from '../../server/config-schema.ts';
import { command, options, type GroupSpec } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const { database, objects } = configSchema.parse({});
const EXIT_CODES = { 0: 'done', 2: 'nothing was done', 130: 'interrupted' } as const;

const json = options({ json: { type: 'flag', about: 'prints one JSON object on stdout' } });
const DATABASE = options({
  database: { type: 'text', value: 'D', about: 'SQLite file or postgres://user:password@host/database', default: `./${database}` },
});
const OBJECTS = options({
  objects: { type: 'text', value: 'O', about: 'folder or s3://bucket/prefix?endpoint=URL&region=REGION', default: `./${objects}` },
});

export const DB_STATUS = command({
  name: 'db status',
  summary: 'schema of the database, and the one this version of prosam expects',
  usage: ['[--database D] [--json]'],
  options: { ...DATABASE, ...json },
  exitCodes: { 0: 'nothing to do', 1: 'the schema is not that of this version', 2: 'failed' },
  examples: ['prosam db status --database postgres://prosam@db.internal/prosam'],
});

export const DB_MIGRATE = command({
  name: 'db migrate',
  summary: 'brings the schema up to date; forward only, so keep a copy (prosam serve does this by itself)',
  usage: ['[--database D] [--json]'],
  options: { ...DATABASE, ...json },
  exitCodes: EXIT_CODES,
  examples: ['prosam db migrate'],
});

export const DB_COPY = command({
  name: 'db copy',
  summary: 'copies rows, waiting messages and bytes from one place to another; stop prosam first',
  usage: ['[--from-database D] [--from-objects O] --to-database D --to-objects O [--json]'],
  options: {
    'from-database': { ...DATABASE.database, about: 'database to copy from' },
    'from-objects': { ...OBJECTS.objects, about: 'objects to copy from' },
    'to-database': { type: 'text', value: 'D', about: 'database to copy to; it must be empty', required: true },
    'to-objects': { type: 'text', value: 'O', about: 'objects to copy to', required: true },
    ...json,
  },
  exitCodes: EXIT_CODES,
  examples: ['prosam db copy --to-database postgres://prosam@db.internal/prosam --to-objects ./prosam/blobs'],
});

export const DB_EXPORT = command({
  name: 'db export',
  summary: 'copies everything into a folder: rows.jsonl.gz and blobs/',
  usage: ['[--database D] [--objects O] --to DIR [--json]'],
  options: { ...DATABASE, ...OBJECTS, to: { type: 'text', value: 'DIR', about: 'folder to write to', required: true }, ...json },
  exitCodes: EXIT_CODES,
  examples: ['prosam db export --to backup'],
});

export const DB_IMPORT = command({
  name: 'db import',
  summary: 'copies everything out of such a folder into an empty database',
  usage: ['--from DIR [--database D] [--objects O] [--json]'],
  options: { ...DATABASE, ...OBJECTS, from: { type: 'text', value: 'DIR', about: 'folder of prosam db export', required: true }, ...json },
  exitCodes: EXIT_CODES,
  examples: ['prosam db import --from backup --database prosam/restored.db'],
});

export const DB_ERASE = command({
  name: 'db erase',
  summary: 'erases images of a project and all that came of them, also beside a running service',
  usage: ['SHA256... --project P [--database D] [--objects O] [--json]'],
  arguments: [{ name: 'SHA256', about: 'hex sha256 of the image file', repeat: true }],
  options: { project: { type: 'text', value: 'P', about: 'name of the project', required: true }, ...DATABASE, ...OBJECTS, ...json },
  exitCodes: { 0: 'erased, or nothing was there', 2: 'failed', 130: 'interrupted' },
  examples: ['prosam db erase --project cups 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
});

export const DB: GroupSpec = {
  name: 'db',
  summary: SUMMARIES.db,
  intro: [
    "A database is a SQLite file or postgres://user:password@host/database; objects are a folder or s3://bucket/prefix?endpoint=https://HOST&region=REGION with credentials from where AWS's own programs look for them.",
    "The target's database must be empty; bytes it has already are not written again, so both may share one object store.",
  ],
  commands: [DB_STATUS, DB_MIGRATE, DB_COPY, DB_EXPORT, DB_IMPORT, DB_ERASE],
  exitCodes: { 0: 'done', 1: 'the schema is not that of this version (status)', 2: 'nothing was done', 130: 'interrupted' },
  examples: [...DB_EXPORT.examples, ...DB_COPY.examples, ...DB_STATUS.examples],
};
