/** Record of which task an answered image is of, as far as that is known: a file of hashes for each task, which goes with the task. */
import { z } from 'zod';
import { createLineFiles } from '../jobs/line-files.ts';
import { taskFile, tasksIn, type RecordedTask } from '../jobs/task-files.ts';

export interface AnswerPlaces {
  /** images: hex sha256 of frames of the task. Durable once it resolves. @throws STORAGE_FAILED */
  add(server: string, task: number, images: ReadonlySet<string>): Promise<void>;
  /** Hashes of images of the task that are of no other one. @throws STORAGE_FAILED */
  ownImages(server: string, task: number): Promise<Set<string>>;
  /** @throws STORAGE_FAILED */
  drop(server: string, task: number): Promise<void>;
  /** @throws STORAGE_FAILED */
  tasks(server: string): Promise<RecordedTask[]>;
}

const line = z.object({ image: z.string().regex(/^[0-9a-f]{64}$/) });

/** folder: of these files alone. */
export function createAnswerPlaces(folder: string): AnswerPlaces {
  const files = createLineFiles(folder, 'Which tasks answered images are of');
  const fileOf = (server: string, task: number): string => `${taskFile(server, task)}.jsonl`;
  const imagesIn = async (file: string): Promise<Set<string>> =>
    new Set((await files.read(file)).flatMap((one) => line.safeParse(one).data?.image ?? []));
  return {
    async add(server, task, images) {
      const file = fileOf(server, task);
      const known = await imagesIn(file);
      await files.append(
        file,
        [...images].filter((image) => !known.has(image)).map((image) => ({ image })),
      );
    },
    async ownImages(server, task) {
      const own = await imagesIn(fileOf(server, task));
      for (const { file } of await files.list())
        if (own.size > 0 && file !== fileOf(server, task)) for (const image of await imagesIn(file)) own.delete(image);
      return own;
    },
    drop: (server, task) => files.change(fileOf(server, task), () => []),
    tasks: async (server) => tasksIn(await files.list(), server),
  };
}
