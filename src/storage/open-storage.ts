/** Opens everything that outlives the process, wherever it is kept. */
import { sql } from 'kysely';
import { silentLog, type Log } from '../service/ports/log.ts';
import type { Blobs, Storage, Store } from '../service/ports/storage.ts';
import { annotationStore } from './rows/annotations.ts';
import { batchStore } from './rows/batches.ts';
import { bossQueue } from './postgres/boss-queue.ts';
import { changeLines } from './schema/change-lines.ts';
import type { Database, Room } from './schema/database.ts';
import { deliveryStore } from './rows/deliveries.ts';
import { fitStore } from './rows/fits.ts';
import { signatureStore } from './rows/signatures.ts';
import { openDiskBlobs } from './blobs/disk-blobs.ts';
import { imageStore } from './rows/images.ts';
import { migrate, migrationStatus, requireSchema } from './schema/migrations.ts';
import { isPostgres, openPostgres } from './postgres/postgres.ts';
import type { DrivenQueue } from './queue-driver.ts';
import { runStore } from './rows/runs.ts';
import { openS3Blobs } from './blobs/s3-blobs.ts';
import { openSqlite } from './sqlite/sqlite.ts';
import { tableQueue } from './sqlite/table-queue.ts';
import { PATIENT_TIMEOUTS, USUAL_TIMEOUTS, type StorageTimeouts } from './timeouts.ts';
import { upkeepStore } from './rows/upkeep.ts';
import { versionStore } from './rows/versions.ts';

export interface StorageOptions {
  /** Path of a SQLite file, ':memory:', or postgres://user:password@host/database */
  database: string;
  /** A folder, or s3://bucket/prefix?endpoint=https://...&region=... with credentials from where AWS keeps them. */
  objects: string;
  /** false: refuse a database whose schema is not that of this version, instead of bringing it there. @default true */
  migrate?: boolean;
  /** @default none */
  log?: Log;
  /** Ends the opening. */
  signal?: AbortSignal;
  /** Longest waits for anything. */
  timeouts?: Partial<StorageTimeouts>;
  /** Milliseconds between looks for messages that workers did not hear of: on SQLite, those of other processes. @default 250 */
  pollMs?: number;
}

/** A storage with what looks after databases, and moves them, needs besides. */
export interface OpenStorage extends Storage {
  readonly database: Database;
  readonly queue: DrivenQueue;
}

/**
 * Opens the database, its queue and the blobs.
 *
 * @throws STORAGE_FAILED, STORAGE_TIMEOUT, MIGRATION_NEEDED, PACKAGE_MISSING
 */
export function openStorage(options: StorageOptions): Promise<Storage> {
  return openWholeStorage(options);
}

/** The same, with its inner parts. */
export async function openWholeStorage(options: StorageOptions): Promise<OpenStorage> {
  const { log = silentLog, signal } = options;
  const timeouts = { ...USUAL_TIMEOUTS, ...options.timeouts };
  signal?.throwIfAborted();
  const blobs = await openBlobs(options.objects, timeouts);
  let database: Database | undefined;
  try {
    signal?.throwIfAborted();
    database = await openDatabase(options.database, log, timeouts);
    if (options.migrate === false) await requireSchema(database);
    // Large tables take longer than a request may.
    else if (isPostgres(database) && (await migrationStatus(database)).pending.length > 0) await migrateDatabase(options.database, log);
    else await migrate(database);
    signal?.throwIfAborted();
    const queue = await openQueue(database, options.migrate !== false, log, options.pollMs);
    return assemble(database, queue, blobs, timeouts);
  } catch (error) {
    await database?.close();
    await blobs.close();
    throw error;
  }
}

/** @throws STORAGE_FAILED, STORAGE_TIMEOUT, PACKAGE_MISSING, CONFIG_INVALID */
function openBlobs(objects: string, timeouts: StorageTimeouts = USUAL_TIMEOUTS): Promise<Blobs> {
  return objects.startsWith('s3:') ? openS3Blobs(objects, timeouts) : openDiskBlobs(objects, { timeouts });
}

/** Without looking at its schema. @throws STORAGE_FAILED, STORAGE_TIMEOUT, PACKAGE_MISSING */
export function openDatabase(address: string, log: Log = silentLog, timeouts: StorageTimeouts = USUAL_TIMEOUTS): Promise<Database> {
  return /^postgres(ql)?:/.test(address) ? openPostgres(address, log, timeouts) : openSqlite(address, timeouts);
}

/** Brings a database, and on Postgres its queue, to the schema of this version; resolves to the steps taken. @throws MIGRATION_NEEDED, ... */
export async function migrateDatabase(address: string, log: Log = silentLog): Promise<number> {
  const database = await openDatabase(address, log, PATIENT_TIMEOUTS);
  try {
    const steps = await migrate(database);
    await (await openQueue(database, true, log)).close();
    return steps;
  } finally {
    await database.close();
  }
}

function openQueue(database: Database, mayMigrate: boolean, log: Log, pollMs?: number): Promise<DrivenQueue> {
  return isPostgres(database)
    ? bossQueue(database, mayMigrate, log, pollMs)
    : Promise.resolve(tableQueue(database.connection, log, pollMs));
}

function assemble(database: Database, queue: DrivenQueue, blobs: Blobs, { statementMs }: StorageTimeouts): OpenStorage {
  const { connection } = database;
  const room: Room = { connection, outbox: queue.outbox, lines: changeLines(statementMs) };
  const store: Store = {
    annotations: annotationStore(room),
    images: imageStore(room),
    versions: versionStore(room),
    runs: runStore(room),
    fits: fitStore(room),
    batches: batchStore(room),
    deliveries: deliveryStore(room),
    signatures: signatureStore(room),
    upkeep: upkeepStore(room),
    async ping() {
      await sql`select 1`.execute(connection);
    },
    ...(database.check && { check: () => database.check?.() ?? Promise.resolve() }),
    close: () => database.close(),
  };
  const close = async (): Promise<void> => {
    await queue.close();
    await blobs.close();
    await store.close();
  };
  return { ...{ store, queue, blobs, database, close }, [Symbol.asyncDispose]: close };
}
