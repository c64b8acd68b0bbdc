/** Files of JSON lines in one folder: added to, never written anew, and read back whatever a crash left of them. */
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';

export interface LineFiles {
  /** Durable once it resolves. @throws STORAGE_FAILED */
  append(file: string, entries: readonly unknown[]): Promise<void>;
  /** Every line that is JSON; none where there is no such file. @throws STORAGE_FAILED */
  read(file: string): Promise<unknown[]>;
}

/** Files of JSON lines in one folder. what: subject of the error message where the folder cannot be used. */
export function createLineFiles(folder: string, what: string): LineFiles {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw new ProsamError('STORAGE_FAILED', `${what} cannot be read or written: ${messageOf(cause)}. Check the folder.`, { cause });
    }
  };
  return {
    append: (file, entries) =>
      guarded(async () => {
        if (entries.length === 0) return;
        await mkdir(folder, { recursive: true });
        const opened = await open(join(folder, file), 'a');
        try {
          // The line break comes first: a line that was cut off by a crash spoils nothing after it.
          await opened.appendFile(entries.map((entry) => `\n${JSON.stringify(entry)}`).join(''));
          await opened.sync();
        } finally {
          await opened.close();
        }
      }),
    read: (file) =>
      guarded(async () => {
        const text = await readFile(join(folder, file), 'utf8').catch(emptyWhereMissing);
        return text.split('\n').flatMap(jsonOf);
      }),
  };
}

function emptyWhereMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

function jsonOf(text: string): unknown[] {
  if (text === '') return [];
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}
