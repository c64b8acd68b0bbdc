/** Moves a whole store: from one database and object store to others, or to and from a folder that can be kept or sent. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { ProsamError } from '../../core/common/errors.ts';
import type { Blobs } from '../../service/ports/storage.ts';
import { entriesOfLines, linesOfEntries } from './archive-lines.ts';
import { openDiskBlobs } from '../blobs/disk-blobs.ts';
import { storageFailed } from '../map-errors.ts';
import { countRows, readEntries, requireEmpty, writeEntries } from './copy-rows.ts';
import type { OpenStorage } from '../open-storage.ts';

export interface MoveOptions {
  /** Bytes first, then rows: called before each with how many there are. */
  onPhase?: (total: number) => void;
  /** Called for every row and blob. what: the table, or "blobs". */
  onMoved?: (what: string) => void;
  signal?: AbortSignal;
}

export interface Moved {
  rows: number;
  blobs: number;
}

/** Rows of an archive, beside the folder of its blobs. */
const ROWS_FILE = 'rows.jsonl.gz';
const BLOBS_FOLDER = 'blobs';
/** Blobs on their way at the same time. */
const BLOBS_AT_ONCE = 8;
const LONGEST_LINE = 1 << 28;

/** Nothing else may write to either while it runs. The target's database must be empty; blobs may be there already. */
export async function copyStorage(from: OpenStorage, to: OpenStorage, options: MoveOptions = {}): Promise<Moved> {
  // Bytes before the rows that speak of them: ended halfway, the target is still empty.
  await requireEmpty(to.database);
  const blobs = await copyBlobs(from.blobs, to.blobs, options);
  options.onPhase?.(await countRows(from.database));
  return { blobs, rows: await writeEntries(to, stoppable(readEntries(from), options.signal), (what) => options.onMoved?.(what)) };
}

/** @throws OUTPUT_FAILED where the folder holds something already */
export async function exportStorage(from: OpenStorage, folder: string, options: MoveOptions = {}): Promise<Moved> {
  if (existsSync(folder) && (await readdir(folder)).length > 0)
    throw new ProsamError(
      'OUTPUT_FAILED',
      `expected a new folder to export to, got ${folder}, which holds something already. Name another.`,
    );
  await mkdir(folder, { recursive: true });
  const target = await openDiskBlobs(join(folder, BLOBS_FOLDER));
  const blobs = await copyBlobs(from.blobs, target, options);
  const total = await countRows(from.database);
  options.onPhase?.(total);
  let rows = 0;
  const lines = linesOfEntries(total, stoppable(readEntries(from), options.signal), (what) => {
    rows++;
    options.onMoved?.(what);
  });
  // Half an archive has another name.
  const whole = join(folder, ROWS_FILE);
  const unfinished = `${whole}.unfinished`;
  await pipeline(Readable.from(lines), createGzip(), createWriteStream(unfinished, { flush: true, flags: 'wx' }))
    .then(() => rename(unfinished, whole))
    .catch((error: unknown) => {
      throw storageFailed(`the export to ${folder}`, error);
    });
  return { rows, blobs };
}

/** @throws FILE_NOT_FOUND, STORAGE_FAILED where the archive is damaged, OPTION_INVALID where the target is not empty */
export async function importStorage(folder: string, to: OpenStorage, options: MoveOptions = {}): Promise<Moved> {
  const file = join(folder, ROWS_FILE);
  if (!existsSync(file))
    throw new ProsamError('FILE_NOT_FOUND', `expected a folder that prosam db export wrote, got ${folder} without ${ROWS_FILE}.`);
  await requireEmpty(to.database);
  const source = await openDiskBlobs(join(folder, BLOBS_FOLDER));
  const blobs = await copyBlobs(source, to.blobs, options);
  const rows = await writeEntries(
    to,
    stoppable(
      entriesOfLines(linesOf(file), file, (total) => options.onPhase?.(total)),
      options.signal,
    ),
    (what) => options.onMoved?.(what),
  );
  return { rows, blobs };
}

async function copyBlobs(from: Blobs, to: Blobs, options: MoveOptions): Promise<number> {
  const names: string[] = [];
  for await (const sha256 of from.list()) names.push(sha256);
  options.onPhase?.(names.length);
  const { signal } = options;
  await copyEach(
    names,
    async (sha256) => {
      // Read, and so checked, even where the target has it: what cannot be read is better known now.
      const bytes = await from.get(sha256, { signal });
      if (bytes && !(await to.has(sha256, { signal }))) await to.put(bytes, { signal });
    },
    options,
  );
  return names.length;
}

/** Some at a time, until one fails. */
export async function copyEach(
  names: readonly string[],
  copyOne: (sha256: string) => Promise<void>,
  { onMoved, signal }: MoveOptions,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const copy = async (sha256: string): Promise<void> => {
    await copyOne(sha256);
    onMoved?.('blobs');
  };
  for (const sha256 of names) {
    signal?.throwIfAborted();
    const one: Promise<void> = copy(sha256)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= BLOBS_AT_ONCE) await Promise.race(underWay);
    if (failures.length > 0) break;
  }
  await Promise.all(underWay);
  if (failures.length > 0) throw failures[0];
}

/** Lines of a zipped file of text. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip();
  const reading = pipeline(createReadStream(file), unzipped);
  // Its failure is met by whoever reads what it unzips.
  reading.catch(() => undefined);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of unzipped) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Error(`a line is longer than ${LONGEST_LINE} letters`);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

export async function* stoppable<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const item of items) {
    signal?.throwIfAborted();
    yield item;
  }
}
