/**
 * sha256 of large files, remembered. Reading 2.5 GB at every start costs more than everything else a start does, so what was
 * read once is believed as long as the file is the same one by its path, inode, size and times. What that gives up: a disk
 * that changes bytes by itself, and somebody who writes into the file and turns the clock back to hide it, go unnoticed here.
 * `prosam models verify` always reads.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { cacheFolder } from './model-paths.ts';

/** Smaller files are read faster than they are looked up. */
const MEMO_BYTES = 64 * 2 ** 20;
/** File systems stamp in ticks (4 ms on Linux): a second write within one would leave no trace. */
const TICK_MS = 100;

const memoSchema = z.strictObject({
  path: z.string(),
  size: z.string(),
  ino: z.string(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface HashOptions {
  /** Called with the bytes read since the last call. */
  onBytes?: (count: number) => void;
  signal?: AbortSignal | undefined;
}

/** sha256 of a file, read in pieces so that nothing waits for a large checkpoint. */
export async function hashFile(path: string, { onBytes, signal }: HashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Uint8Array);
    onBytes?.((chunk as Uint8Array).byteLength);
  }
  return hash.digest('hex');
}

export interface MemoOptions extends HashOptions {
  /** @default the platform's cache folder */
  folder?: string;
  /** Smallest file that is remembered. @default 64 MiB */
  leastBytes?: number;
}

/** sha256 of a file as `hashFile` gives it; of a large one that has not changed since without reading it. */
export async function knownHash(path: string, options: MemoOptions = {}): Promise<string> {
  const { folder = cacheFolder(), leastBytes = MEMO_BYTES } = options;
  const real = await realpath(path);
  const before = await identityOf(real);
  if (Number(before.size) < leastBytes) return hashFile(real, options);
  const known = await readMemo(memoFile(folder, real));
  if (known && sameFile(known, before)) {
    options.onBytes?.(Number(before.size));
    return known.sha256;
  }
  const sha256 = await hashFile(real, options);
  if (sameFile(before, await identityOf(real))) await rememberHash(real, sha256, options);
  return sha256;
}

/** For who has just read or written the whole of a file and counted along. A memo that cannot be written is no harm. */
export async function rememberHash(path: string, sha256: string, options: MemoOptions = {}): Promise<void> {
  const { folder = cacheFolder(), leastBytes = MEMO_BYTES } = options;
  try {
    const real = await realpath(path);
    const before = await identityOf(real);
    if (Number(before.size) < leastBytes) return;
    const age = Date.now() - Number(BigInt(before.ctimeNs) / 1_000_000n);
    if (age >= 0 && age < TICK_MS) await sleep(TICK_MS - age);
    if (!sameFile(before, await identityOf(real))) return;
    const file = memoFile(folder, real);
    const temporary = `${file}.${process.pid}.tmp`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, JSON.stringify({ ...before, sha256 }));
    await rename(temporary, file).catch(() => rm(temporary, { force: true }));
  } catch {
    // Read again next time.
  }
}

type Identity = Omit<z.output<typeof memoSchema>, 'sha256'>;

async function identityOf(real: string): Promise<Identity> {
  const { size, ino, mtimeNs, ctimeNs } = await stat(real, { bigint: true });
  return { path: real, size: String(size), ino: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
}

function sameFile(one: Identity, other: Identity): boolean {
  return (['path', 'size', 'ino', 'mtimeNs', 'ctimeNs'] as const).every((key) => one[key] === other[key]);
}

/** One file for each, so that processes do not overwrite each other's. */
function memoFile(folder: string, real: string): string {
  return join(folder, 'hashes', `${createHash('sha256').update(real).digest('hex').slice(0, 32)}.json`);
}

async function readMemo(file: string): Promise<z.output<typeof memoSchema> | undefined> {
  try {
    return memoSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
