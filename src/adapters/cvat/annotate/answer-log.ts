/**
 * Record of the shapes that were answered to CVAT's own requests, as JSON lines in a folder. CVAT says neither which frame it asks about nor
 * what it stores, but the image is the frame's file, and untouched shapes are stored as they were answered: together they prove an origin.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createLineFiles } from '../jobs/line-files.ts';
import type { RecordedTask } from '../jobs/task-files.ts';
import { createAnswerPlaces } from './answer-places.ts';
import { shapeDigest } from './store.ts';

/** A shape as it was answered. */
export interface AnsweredShape {
  label: string;
  /** Digests of the forms that CVAT may store it in: a mask, or the outline that came with it. */
  forms: string[];
  /** 0: none. */
  group: number;
  /** Values of attributes, by their names. @default CVAT's */
  attributes?: readonly { name: string; value: string }[] | undefined;
}

export interface AnswerLog {
  /** Durable once it resolves. image: hex sha256 of its file. of: its task, where that is known. @throws STORAGE_FAILED */
  add(image: string, shapes: readonly AnsweredShape[], of?: { server: string; task: number }): Promise<void>;
  /** Shapes of each image that were not taken back. @throws STORAGE_FAILED */
  answered(images: ReadonlySet<string>): Promise<Map<string, AnsweredShape[]>>;
  /** Shapes that are not in CVAT any more, each as often as it was removed. forms: one digest each. @throws STORAGE_FAILED */
  takenBack(image: string, forms: readonly string[]): Promise<void>;
  /** Drops the answers for images that are no more. images: hex sha256 of their files. @throws STORAGE_FAILED */
  drop(images: ReadonlySet<string>): Promise<void>;
  /** Says which task images are of: their answers, if there are any, go with it. images: hex sha256. @throws STORAGE_FAILED */
  place(server: string, task: number, images: ReadonlySet<string>): Promise<void>;
  /** Drops the answers for images that are known to be of this task, and of no other one. @throws STORAGE_FAILED */
  dropTask(server: string, task: number): Promise<void>;
  /** Tasks that answered images are known to be of. @throws STORAGE_FAILED */
  tasks(server: string): Promise<RecordedTask[]>;
}

/** Answers kept for one image: of older ones the shapes were replaced by those of newer ones. */
export const MAX_ANSWERS_OF_IMAGE = 8;
/** Time after which answers are dropped, in milliseconds: a year. */
export const MAX_ANSWER_AGE_MS = 365 * 86_400_000;
/** Answers that one process adds to a file until it is shortened again. */
const MAX_ADDED = 500;

const image = z.string().regex(/^[0-9a-f]{64}$/);
const digest = z.string().max(64);
const line = z.union([
  z.object({
    image,
    shapes: z.array(
      z.object({
        ...{ label: z.string().max(4096), forms: z.array(digest).max(4), group: z.int().min(0).default(0) },
        attributes: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
      }),
    ),
    /** Milliseconds since 1970. */
    at: z.int().min(0).optional(),
  }),
  z.object({ image, back: z.array(digest) }),
]);

/** Digest of a shape's type and place, whatever its frame and label. */
export function formDigest({ type, points, rotation = 0 }: { type: string; points: readonly number[]; rotation?: number }): string {
  return shapeDigest({ type, points, rotation, frame: 0, label_id: 0 });
}

type Answer = { image: string; shapes: AnsweredShape[]; at?: number | undefined };

/** folder: that of the uploads. nowMs: milliseconds since 1970. */
export function createAnswerLog(folder: string, { nowMs = Date.now }: { nowMs?: () => number } = {}): AnswerLog {
  const files = createLineFiles(join(folder, 'answers'), 'What was answered to CVAT');
  const places = createAnswerPlaces(join(folder, 'answers', 'tasks'));
  const fileOf = (of: string): string => `${of.slice(0, 2)}.jsonl`;
  /** Answers added to each file by this process. */
  const added = new Map<string, number>();
  const shorten = (file: string): Promise<void> => files.change(file, (entries) => keptOf(answersOf(entries), nowMs()));
  const drop = async (images: ReadonlySet<string>): Promise<void> => {
    for (const file of new Set([...images].map(fileOf)))
      await files.change(file, (entries) => answersOf(entries).filter((one) => !images.has(one.image)));
  };
  const answered: AnswerLog['answered'] = async (images) => {
    const found = new Map<string, AnsweredShape[]>();
    for (const file of new Set([...images].map(fileOf))) {
      for (const { image: of, shapes } of answersOf(await files.read(file)))
        if (images.has(of)) found.set(of, [...(found.get(of) ?? []), ...shapes]);
    }
    return found;
  };
  return {
    answered,
    drop,
    async place(server, task, images) {
      const known = new Set((await answered(images)).keys());
      if (known.size > 0) await places.add(server, task, known);
    },
    async dropTask(server, task) {
      await drop(await places.ownImages(server, task));
      await places.drop(server, task);
    },
    tasks: (server) => places.tasks(server),
    async add(image, shapes, of) {
      if (shapes.length === 0) return;
      const file = fileOf(image);
      const count = added.get(file) ?? 0;
      added.set(file, count + 1);
      if (count % MAX_ADDED === 0) await shorten(file);
      await files.append(file, [{ image, shapes, at: nowMs() }]);
      if (of) await places.add(of.server, of.task, new Set([image]));
    },
    async takenBack(of, forms) {
      if (forms.length > 0) await files.change(fileOf(of), (entries) => answersOf([...entries, { image: of, back: forms }]));
    },
  };
}

/** Answers in their order, without the shapes that were taken back. */
function answersOf(entries: readonly unknown[]): Answer[] {
  const answers: Answer[] = [];
  for (const one of entries) {
    const { success, data } = line.safeParse(one);
    if (!success) continue;
    if (!('back' in data)) answers.push(data);
    else
      for (const form of data.back) {
        const of = answers.find(({ image: shown, shapes }) => shown === data.image && shapes.some(({ forms }) => forms.includes(form)));
        const at = of?.shapes.findIndex(({ forms }) => forms.includes(form)) ?? -1;
        of?.shapes.splice(at, 1);
      }
  }
  return answers.filter(({ shapes }) => shapes.length > 0);
}

/** The newest of each image; those of before there were dates are of today. */
function keptOf(answers: readonly Answer[], nowMs: number): Answer[] {
  const counts = new Map<string, number>();
  return answers
    .map((one) => ({ ...one, at: one.at ?? nowMs }))
    .filter(({ at }) => nowMs - at <= MAX_ANSWER_AGE_MS)
    .toReversed()
    .filter(({ image: of }) => {
      const count = (counts.get(of) ?? 0) + 1;
      counts.set(of, count);
      return count <= MAX_ANSWERS_OF_IMAGE;
    })
    .toReversed();
}
