/** One file from the hub into the cache: goes on where it was interrupted, is proved by its hash, and nobody sees half of it. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isProsamError, messageOf, ProsamError } from '../../common/errors.ts';
import { takeLock } from '../../files/file-lock.ts';
import { knownHash, rememberHash } from '../../checkpoint/hash-cache.ts';
import { blobPath, linkIntoSnapshot, repositoryFolder, snapshotPath } from './cache.ts';
import type { HubFile, HubRepository } from './client.ts';
import { fetchRest, type RestOptions } from './transfer.ts';
import type { HubSettings } from './settings.ts';

export interface DownloadOptions extends RestOptions {
  /** Something a person who waits should know. */
  onNote?: (text: string) => void;
  /** Bytes of a file in the cache that were read to prove it, since the last call. */
  onChecked?: (path: string, count: number) => void;
}

/** Milliseconds between checks while another process downloads. */
const LOOK_AGAIN_MS = 200;
/** Longer than a download that lives goes without a byte: by then its connection has given up. */
const IDLE_MS = 300_000;
/** Other programs need some of the disk too. */
const SPARE_BYTES = 16 * 2 ** 20;

/**
 * Path of the file in the cache's snapshot, once it is there in whole.
 * @throws HUB_FAILED, HUB_REFUSED, MODEL_HASH_MISMATCH, OUTPUT_FAILED, PACKAGE_MISSING
 */
export async function download(hub: HubSettings, from: HubRepository, file: HubFile, options: DownloadOptions = {}): Promise<string> {
  const path = snapshotPath(hub.cache, from.repo, from.commit, file.path);
  const blob = blobPath(hub.cache, from.repo, file.etag);
  try {
    if (await isWhole(path, file, options)) return path;
    await mkdir(dirname(blob), { recursive: true });
    const release = await ourTurn(join(hub.cache, '.locks', repositoryFolder('', from.repo)), blob, file, options);
    try {
      // Whoever had the turn before may have fetched it.
      if (!(await isWhole(blob, file, options))) await fetchBlob(hub, from, file, blob, options);
      await linkIntoSnapshot(blob, path);
    } finally {
      await release();
    }
    return path;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isProsamError(error)) throw error;
    throw new ProsamError(
      'OUTPUT_FAILED',
      `${hub.cache}: ${file.path} cannot be written: ${messageOf(error)}. Check the folder and the free space; HF_HOME or HF_HUB_CACHE name another.`,
      { cause: error },
    );
  }
}

async function fetchBlob(hub: HubSettings, from: HubRepository, file: HubFile, blob: string, options: DownloadOptions): Promise<void> {
  const incomplete = incompleteOf(blob);
  const handle = await open(incomplete, 'a+');
  try {
    let done = (await handle.stat()).size;
    if (done > file.size) {
      await handle.truncate(0);
      done = 0;
    }
    await checkSpace(dirname(blob), file, done);
    const hash = startOf(file);
    // What is there already was never proved: it goes into the same hash as the rest.
    if (done > 0) await addFile(hash, incomplete, options.signal);
    const restart = async (): Promise<Hash> => {
      await handle.truncate(0);
      return startOf(file);
    };
    const all = done < file.size ? await fetchRest(hub, from, { file, done, hash, handle, restart }, options) : hash;
    await handle.sync();
    await prove(all.digest('hex'), file, incomplete);
  } finally {
    await handle.close();
  }
  await rename(incomplete, blob);
  // A large file is named by its sha256, so whoever opens it next need not read it for that.
  if (file.etag.length === 64) await rememberHash(blob, file.etag);
}

async function prove(got: string, file: HubFile, incomplete: string): Promise<void> {
  if (got === file.etag) return;
  await rm(incomplete, { force: true });
  throw new ProsamError(
    'MODEL_HASH_MISMATCH',
    `${file.path}: expected the hash ${file.etag}, got ${got}. What was downloaded is damaged and has been removed; pull it again.`,
  );
}

/** Is the file there, with the hash it is named by? One that is damaged is taken away. */
async function isWhole(path: string, file: HubFile, { onNote, onChecked, signal }: DownloadOptions): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) return false;
  if (info.size === file.size) {
    const sha256 = file.etag.length === 64;
    const onBytes = (count: number): void => onChecked?.(path, count);
    const got = sha256 ? await knownHash(path, { signal, onBytes }) : (await addFile(startOf(file), path, signal)).digest('hex');
    if (got === file.etag) return true;
  }
  onNote?.(`${file.path} in the cache is damaged: it is fetched again`);
  await rm(await realpath(path), { force: true });
  return false;
}

/** Waits until no other process fetches this file. */
async function ourTurn(folder: string, blob: string, file: HubFile, { signal, onNote }: DownloadOptions): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  // Not the name of other tools' locks: theirs are no files with a process in them.
  const path = join(folder, `${file.etag}.prosam-lock`);
  for (let told = false; ;) {
    const taken = await takeLock(path);
    if ('release' in taken) return taken.release;
    const { holder } = taken;
    // Containers that share a cache and are gone leave locks whose process cannot be looked for.
    if (holder && holder.host !== hostname() && (await isIdle(path)) && (await isIdle(incompleteOf(blob)))) await rm(path, { force: true });
    else if (holder && !told) {
      told = true;
      onNote?.(`${file.path}: process ${holder.pid} on ${holder.host} is downloading it; waiting (its lock is ${path})`);
    }
    await sleep(LOOK_AGAIN_MS, undefined, signal && { signal });
  }
}

/** Whether the file is missing or has not been written to for long. */
async function isIdle(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined || Date.now() - info.mtimeMs > IDLE_MS;
}

function incompleteOf(blob: string): string {
  return `${blob}.incomplete`;
}

/** @throws OUTPUT_FAILED */
async function checkSpace(folder: string, { path, size }: HubFile, done: number): Promise<void> {
  const room = await statfs(folder).catch(() => undefined);
  const free = room === undefined || room.blocks === 0 ? Infinity : room.bavail * room.bsize;
  if (free >= size - done + SPARE_BYTES) return;
  throw new ProsamError(
    'OUTPUT_FAILED',
    `${folder}: ${path} needs ${size - done} bytes more, the disk has ${free} free. Free some space, or let HF_HUB_CACHE name a folder on another disk.`,
  );
}

/** Small files are named by the hash git gives them, which begins with their kind and length. */
function startOf({ etag, size }: HubFile): Hash {
  return etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

async function addFile(hash: Hash, path: string, signal: AbortSignal | undefined): Promise<Hash> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) hash.update(chunk as Uint8Array);
  return hash;
}
