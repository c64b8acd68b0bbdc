/** A backup of a store that is in use: its rows as they stand at one moment, then the blobs they name. */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import type { Blobs, ImageStore } from '../../service/ports/storage.ts';
import { openDiskBlobs } from '../blobs/disk-blobs.ts';
import { linesOfEntries } from '../copy/archive-lines.ts';
import { copyEach, stoppable, type MoveOptions } from '../copy/copy-storage.ts';
import { countRows, readEntries } from '../copy/copy-rows.ts';
import { storageFailed } from '../map-errors.ts';
import type { OpenStorage } from '../open-storage.ts';
import { MIGRATIONS } from '../schema/migrations.ts';
import { keepPruneOff } from './keep-prune-off.ts';
import { BLOBS_FOLDER, newManifest, ROWS_FILE, writeManifest, type BackupManifest } from './manifest.ts';
import { notingBlobs } from './named-blobs.ts';

export interface BackupOptions extends MoveOptions {
  /** Release of prosam, for the manifest. */
  code: string;
  nowMs?: number;
}

/** Name of a backup until it is whole. */
export function unfinishedFolder(folder: string): string {
  return `${resolve(folder)}.unfinished`;
}

/**
 * Writes a backup beside its name and gives it the name once it is whole. One that was cut off goes on with the blobs it has; only one
 * process may write it. What was acknowledged before it began is in it.
 * @throws OUTPUT_FAILED where there is something of that name, STORAGE_FAILED, STORAGE_TIMEOUT
 */
export async function backupStorage(
  from: OpenStorage,
  folder: string,
  { code, nowMs = Date.now(), ...options }: BackupOptions,
): Promise<BackupManifest> {
  if (existsSync(folder))
    throw new ProsamError('OUTPUT_FAILED', `expected a name for a new backup, got ${folder}, which is there already. Name another.`);
  const unfinished = unfinishedFolder(folder);
  await mkdir(unfinished, { recursive: true });
  const letPrune = await keepPruneOff(from.store.upkeep, options.signal);
  try {
    const { named, rows, bytes, unreadable } = await writeAll(from, unfinished, options);
    const manifest = newManifest({
      ...{ schema: MIGRATIONS.length, code, createdAt: new Date(nowMs).toISOString() },
      rows: { file: ROWS_FILE, ...rows },
      blobs: { folder: BLOBS_FOLDER, count: named.size - unreadable.length, bytes },
      unreadable,
    });
    await writeManifest(unfinished, manifest);
    await flush(unfinished);
    await rename(unfinished, folder);
    await flush(dirname(resolve(folder)));
    return manifest;
  } catch (error) {
    throw storageFailed(`the backup ${folder}`, error);
  } finally {
    await letPrune();
  }
}

/** Most readings of the rows: each time because images were erased after the one before. */
const MAX_READINGS = 5;

/** Rows, and the blobs they name. Where an image was erased before its bytes were copied, the rows are read again: those of the erased one are gone. */
async function writeAll(from: OpenStorage, folder: string, options: MoveOptions) {
  const blobs = join(folder, BLOBS_FOLDER);
  const before = new Set<string>();
  for (let reading = 1; ; reading++) {
    const named = new Set<string>();
    const rows = await writeRows(from, folder, named, options);
    for (const sha256 of before) if (!named.has(sha256)) await (await openDiskBlobs(blobs)).remove(sha256);
    const written = await writeBlobs(from.blobs, blobs, named, options);
    if (reading === MAX_READINGS || !(await areErased(from.store.images, written.unreadable))) return { named, rows, ...written };
    for (const sha256 of named) before.add(sha256);
  }
}

/** Whether any of these images was erased, and is no image of another project. */
async function areErased(images: Pick<ImageStore, 'erasures' | 'isKnown'>, hashes: readonly string[]): Promise<boolean> {
  const gone = new Set<string>();
  for (const sha256 of hashes) if (!(await images.isKnown(sha256))) gone.add(sha256);
  for (let after = 0; gone.size > 0;) {
    const page = await images.erasures({ after, limit: ERASURES_PAGE });
    if (page.some(({ sha256 }) => gone.has(sha256))) return true;
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  return false;
}

const ERASURES_PAGE = 500;

async function writeRows(from: OpenStorage, folder: string, named: Set<string>, { onPhase, onMoved, signal }: MoveOptions) {
  const total = await countRows(from.database);
  onPhase?.(total);
  let count = 0;
  const entries = notingBlobs(stoppable(readEntries(from), signal), named);
  const lines = linesOfEntries(total, entries, (what) => {
    count++;
    onMoved?.(what);
  });
  const path = join(folder, ROWS_FILE);
  await rm(path, { force: true });
  const hash = createHash('sha256');
  const hashed = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(Readable.from(lines), createGzip(), hashed, createWriteStream(path, { flush: true, flags: 'wx' }));
  return { sha256: hash.digest('hex'), count };
}

async function writeBlobs(from: Blobs, folder: string, named: ReadonlySet<string>, options: MoveOptions) {
  const to = await openDiskBlobs(folder);
  const unreadable: string[] = [];
  let bytes = 0;
  await copyEach(
    [...named],
    async (sha256) => {
      const { signal } = options;
      // What an earlier try wrote is proved by reading it.
      const written = await to.get(sha256, { signal }).catch(ifDamaged);
      const found = written ?? (await from.get(sha256, { signal }).catch(ifDamaged));
      if (found === undefined) return void unreadable.push(sha256);
      if (written === undefined) await to.put(found, { signal });
      bytes += found.byteLength;
    },
    options,
  );
  return { bytes, unreadable: unreadable.sort() };
}

/** A blob that is damaged counts as missing. */
function ifDamaged(error: unknown): undefined {
  if (!isProsamError(error) || error.code !== 'BLOB_DAMAGED') throw error;
}

async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
