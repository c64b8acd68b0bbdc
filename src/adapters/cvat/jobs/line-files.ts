/** Files of JSON lines in one folder: added to, shortened whole or not at all, and read back whatever a crash left of them. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import { takeLock } from '../../../core/files/file-lock.ts';

export interface LineFiles {
  /** Durable once it resolves. @throws STORAGE_FAILED */
  append(file: string, entries: readonly unknown[]): Promise<void>;
  /** Every line that is JSON; none where there is no such file. @throws STORAGE_FAILED */
  read(file: string): Promise<unknown[]>;
  /** Puts other lines in the place of all that can be read; with none the file goes. @throws STORAGE_FAILED */
  change(file: string, to: (entries: unknown[]) => readonly unknown[]): Promise<void>;
  /** Names of the files, with the time of their last change in milliseconds since 1970. @throws STORAGE_FAILED */
  list(): Promise<{ file: string; changedMs: number }[]>;
}

/** Longest wait for another process that writes the same file, in milliseconds. */
const MAX_WAIT_MS = 30_000;
const LOOK_MS = 5;

/** Files of JSON lines in one folder. what: subject of the error message where the folder cannot be used. */
export function createLineFiles(folder: string, what: string): LineFiles {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw new ProsamError('STORAGE_FAILED', `${what} cannot be read or written: ${messageOf(cause)}. Check the folder.`, { cause });
    }
  };
  /** Commands and the service write the same files: what one adds while another shortens would be lost. */
  const alone = async (file: string, work: () => Promise<void>): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const until = performance.now() + MAX_WAIT_MS;
    for (;;) {
      const lock = await takeLock(join(folder, `${file}.lock`));
      if ('release' in lock) {
        await work().finally(lock.release);
        return;
      }
      if (performance.now() > until) throw new Error(`${file} is held by process ${lock.holder?.pid ?? 'unknown'}`);
      await wait(LOOK_MS);
    }
  };
  const read = async (file: string): Promise<unknown[]> => {
    const text = await readFile(join(folder, file), 'utf8').catch(emptyWhereMissing);
    return text.split('\n').flatMap(jsonOf);
  };
  return {
    append: (file, entries) =>
      guarded(async () => {
        if (entries.length > 0) await alone(file, () => add(join(folder, file), entries));
      }),
    read: (file) => guarded(() => read(file)),
    change: (file, to) =>
      guarded(() =>
        alone(file, async () => {
          const [path, entries] = [join(folder, file), to(await read(file))];
          if (entries.length === 0) return rm(path, { force: true });
          const aside = `${path}.new`;
          await rm(aside, { force: true });
          await add(aside, entries);
          await rename(aside, path);
        }),
      ),
    list: () =>
      guarded(async () => {
        const names = await readdir(folder).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
          throw error;
        });
        const found = names.filter((name) => name.endsWith('.jsonl'));
        return Promise.all(found.map(async (file) => ({ file, changedMs: (await stat(join(folder, file))).mtimeMs })));
      }),
  };
}

async function add(path: string, entries: readonly unknown[]): Promise<void> {
  const opened = await open(path, 'a');
  try {
    // The line break comes first: a line that was cut off by a crash spoils nothing after it.
    await opened.appendFile(entries.map((entry) => `\n${JSON.stringify(entry)}`).join(''));
    await opened.sync();
  } finally {
    await opened.close();
  }
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
