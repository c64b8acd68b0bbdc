/** What was uploaded to CVAT, as lines of JSON in one file for each task: added to, never written anew. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../../core/errors.ts';
import { z } from 'zod';
import type { UploadBook, UploadedShape } from './types.ts';

const line = z.union([
  z.object({ id: z.int(), frame: z.int(), label_id: z.int(), type: z.string(), points: z.array(z.number()) }),
  z.object({ forget: z.array(z.int()) }),
]);

/** @throws STORAGE_FAILED from its calls where the folder cannot be used */
export function createUploadBook(folder: string): UploadBook {
  const fileOf = (server: string, task: number): string =>
    join(folder, `${createHash('sha256').update(server).digest('hex').slice(0, 12)}-task-${task}.jsonl`);
  const append = async (server: string, task: number, entries: readonly unknown[]): Promise<void> => {
    if (entries.length === 0) return;
    await guarded(async () => {
      await mkdir(folder, { recursive: true });
      const file = await open(fileOf(server, task), 'a');
      try {
        // The line break comes first: a line that was cut off by a crash spoils nothing after it.
        await file.appendFile(entries.map((entry) => `\n${JSON.stringify(entry)}`).join(''));
        await file.sync();
      } finally {
        await file.close();
      }
    });
  };
  return {
    async uploaded(server, task) {
      const text = await guarded(() => readFile(fileOf(server, task), 'utf8').catch(emptyWhereMissing));
      const shapes = new Map<number, UploadedShape>();
      for (const one of text.split('\n')) {
        const { success, data } = line.safeParse(jsonOf(one));
        if (!success) continue;
        if ('forget' in data) data.forget.forEach((id) => shapes.delete(id));
        else shapes.set(data.id, data);
      }
      return [...shapes.values()];
    },
    add: (server, task, shapes) =>
      append(
        server,
        task,
        shapes.map(({ id, frame, label_id, type, points }) => ({ id, frame, label_id, type, points })),
      ),
    forget: (server, task, ids) => append(server, task, ids.length === 0 ? [] : [{ forget: ids }]),
  };
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ProsamError('STORAGE_FAILED', `What was uploaded to CVAT cannot be read or written: ${messageOf(cause)}. Check the folder.`, {
      cause,
    });
  }
}

function emptyWhereMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
