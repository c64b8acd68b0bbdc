/** Files that are either whole or not there, also after a crash of the machine. */
import { link, lstat, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isProsamError, messageOf, ProsamError } from '../common/errors.ts';
import { readablePart } from './file-name.ts';

export interface WriteOptions {
  /** Take the place of a file of this name. @default true */
  replace?: boolean;
}

/** Pattern of temporary names: none is that of an image, a mask or anything else that is read. */
const TEMPORARY = /^\.prosam-\d+-\d+\..*\.tmp$/;
/** Age after which a temporary file counts as left behind by a killed writer. */
const ABANDONED_MS = 3_600_000;
/** Bytes; what is cut off a long name still leaves the temporary one of its own, by process and number. */
const LONGEST_NAME = 200;

let unique = 0;

/** Is this what a writer that was killed left behind? */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** A name beside `path` that nothing else has; shorter than 255 bytes. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.prosam-${process.pid}-${unique++}.${readablePart(basename(path), LONGEST_NAME, true)}.tmp`);
}

/**
 * Written beside its place, pushed to the disk, then put there. The folder must be there.
 * @throws OUTPUT_FAILED, what was there untouched; OUTPUT_TAKEN where something is there and must not be replaced
 */
export async function writeDurably(path: string, bytes: Uint8Array | string, { replace = true }: WriteOptions = {}): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await removeAbandoned(dirname(path));
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (replace) await rename(temporary, path);
    else await putWhereNothingIs(temporary, path);
    await syncFolder(dirname(path)).catch(() => undefined); // not every system opens or syncs folders
  } catch (cause) {
    if (isProsamError(cause)) throw cause;
    throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Free some space or use another folder.`, {
      cause,
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** A link is made only where nothing has the name, which a renamed file would push aside. */
async function putWhereNothingIs(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const isThere = code === 'EEXIST' || (await lstat(path).then(() => true, () => false)); // prettier-ignore
    if (isThere) throw taken(path, 'a file that was put there meanwhile');
    await rename(temporary, path); // not every file system has links
  }
}

/** found: what is in the way, in words */
export function taken(path: string, found: string, remedy = 'Move it away, or name another folder.'): ProsamError {
  return new ProsamError('OUTPUT_TAKEN', `${path}: expected a free name or a file that prosam wrote, got ${found}. ${remedy}`);
}

const looked = new Set<string>();

/** Once a folder and process. */
async function removeAbandoned(folder: string): Promise<void> {
  if (looked.has(resolve(folder))) return;
  looked.add(resolve(folder));
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (!isTemporary(name)) continue;
    const info = await stat(join(folder, name)).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
