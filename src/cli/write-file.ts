/** Files that are either whole or not there: written under another name first, then renamed. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, ProsamError } from '../core/errors.ts';

/** @throws OUTPUT_FAILED */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, data);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Check the folder and the free space.`, {
      cause,
    });
  }
}
