/** Log of shapes uploaded to CVAT, as JSON lines in one file per task. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createLineFiles } from './line-files.ts';
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
  return {
    async uploaded(server, task) {
      const shapes = new Map<number, UploadedShape>();
      for (const one of await files.read(fileOf(server, task))) {
        const { success, data } = line.safeParse(one);
        if (!success) continue;
        if ('forget' in data) data.forget.forEach((id) => shapes.delete(id));
        else shapes.set(data.id, data);
      }
      return [...shapes.values()];
    },
    add: (server, task, shapes) =>
      files.append(
        fileOf(server, task),
        shapes.map(({ id, frame, label_id, type, points, rotation = 0 }) => ({ id, frame, label_id, type, points, rotation })),
      ),
    forget: (server, task, ids) => files.append(fileOf(server, task), ids.length === 0 ? [] : [{ forget: ids }]),
  };
}

/** File name, without extension, for one task of one server. */
export function taskFile(server: string, task: number): string {
  return `${createHash('sha256').update(server).digest('hex').slice(0, 12)}-task-${task}`;
}
