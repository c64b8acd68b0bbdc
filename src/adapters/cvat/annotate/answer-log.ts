/**
 * Record of the shapes that were answered to CVAT's own requests, as JSON lines in a folder. CVAT says neither which frame it asks about nor
 * what it stores, but the image is the frame's file, and untouched shapes are stored as they were answered: together they prove an origin.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createLineFiles } from '../jobs/line-files.ts';
import { shapeDigest } from './store.ts';

/** A shape as it was answered. */
export interface AnsweredShape {
  label: string;
  /** Digests of the forms that CVAT may store it in: a mask, or the outline that came with it. */
  forms: string[];
  /** 0: none. */
  group: number;
}

export interface AnswerLog {
  /** Durable once it resolves. image: hex sha256 of its file. @throws STORAGE_FAILED */
  add(image: string, shapes: readonly AnsweredShape[]): Promise<void>;
  /** Shapes of each image that were not taken back. @throws STORAGE_FAILED */
  answered(images: ReadonlySet<string>): Promise<Map<string, AnsweredShape[]>>;
  /** Shapes that are not in CVAT any more, each as often as it was removed. forms: one digest each. @throws STORAGE_FAILED */
  takenBack(image: string, forms: readonly string[]): Promise<void>;
}

const image = z.string().regex(/^[0-9a-f]{64}$/);
const digest = z.string().max(64);
const line = z.union([
  z.object({
    image,
    shapes: z.array(z.object({ label: z.string().max(4096), forms: z.array(digest).max(4), group: z.int().min(0).default(0) })),
  }),
  z.object({ image, back: z.array(digest) }),
]);

/** Digest of a shape's type and place, whatever its frame and label. */
export function formDigest({ type, points, rotation = 0 }: { type: string; points: readonly number[]; rotation?: number }): string {
  return shapeDigest({ type, points, rotation, frame: 0, label_id: 0 });
}

/** folder: that of the uploads. */
export function createAnswerLog(folder: string): AnswerLog {
  const files = createLineFiles(join(folder, 'answers'), 'What was answered to CVAT');
  const fileOf = (of: string): string => `${of.slice(0, 2)}.jsonl`;
  return {
    add: (of, shapes) => files.append(fileOf(of), shapes.length === 0 ? [] : [{ image: of, shapes }]),
    takenBack: (of, forms) => files.append(fileOf(of), forms.length === 0 ? [] : [{ image: of, back: forms }]),
    async answered(images) {
      const found = new Map<string, AnsweredShape[]>();
      for (const file of new Set([...images].map(fileOf))) {
        for (const one of await files.read(file)) {
          const { success, data } = line.safeParse(one);
          if (!success || !images.has(data.image)) continue;
          const before = found.get(data.image) ?? [];
          found.set(data.image, 'back' in data ? without(before, data.back) : [...before, ...data.shapes]);
        }
      }
      return found;
    },
  };
}

function without(shapes: readonly AnsweredShape[], back: readonly string[]): AnsweredShape[] {
  const left = [...shapes];
  for (const form of back) {
    const at = left.findIndex(({ forms }) => forms.includes(form));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}
