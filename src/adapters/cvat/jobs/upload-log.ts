/** Log of shapes uploaded to CVAT, as JSON lines in one file per task. */
import { z } from 'zod';
import { createLineFiles } from './line-files.ts';
import { taskFile, tasksIn } from './task-files.ts';
import type { UploadLog, UploadedShape } from '../types.ts';

const line = z.union([
  z.object({
    id: z.int(),
    frame: z.int(),
    label_id: z.int(),
    type: z.string(),
    points: z.array(z.number()),
    rotation: z.number().default(0),
  }),
  z.object({ forget: z.array(z.int()) }),
]);

/** @throws STORAGE_FAILED from its calls where the folder cannot be used */
export function createUploadLog(folder: string): UploadLog {
  const files = createLineFiles(folder, 'What was uploaded to CVAT');
  const fileOf = (server: string, task: number): string => `${taskFile(server, task)}.jsonl`;
  const left = (entries: readonly unknown[]): UploadedShape[] => {
    const shapes = new Map<number, UploadedShape>();
    for (const one of entries) {
      const { success, data } = line.safeParse(one);
      if (!success) continue;
      if ('forget' in data) data.forget.forEach((id) => shapes.delete(id));
      else shapes.set(data.id, data);
    }
    return [...shapes.values()];
  };
  return {
    uploaded: async (server, task) => left(await files.read(fileOf(server, task))),
    add: (server, task, shapes) =>
      files.append(
        fileOf(server, task),
        shapes.map(({ id, frame, label_id, type, points, rotation = 0 }) => ({ id, frame, label_id, type, points, rotation })),
      ),
    async forget(server, task, ids) {
      const gone = new Set(ids);
      if (gone.size > 0) await files.change(fileOf(server, task), (entries) => left(entries).filter(({ id }) => !gone.has(id)));
    },
    drop: (server, task) => files.change(fileOf(server, task), () => []),
    tasks: async (server) => tasksIn(await files.list(), server),
  };
}
