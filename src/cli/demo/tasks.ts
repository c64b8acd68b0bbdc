/** Work of the demo: the marks and the photos to look in, its own or yours. */
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { wordsFor } from '../../core/files/file-name.ts';
import { messageOf } from '../../core/common/errors.ts';
import { decodeMaskFile } from '../../core/image/node/decode-mask.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Reference } from '../../core/engine/types.ts';
import { UsageError } from '../common/command.ts';
import { photosFolder, type Photos } from './photos.ts';

export interface Target {
  name: string;
  /** Path of the image. */
  image: string;
  /** File name of its strip. */
  file: string;
  truth?: BinaryMask;
  /** Whether the concept is known not to be in the image. */
  absent?: boolean;
}

export interface Task {
  label: string;
  references: Reference[];
  targets: Target[];
  /** Whether the mark becomes an object mask first. @default the engine's choice */
  grow?: boolean;
}

/** Marks and targets of the photos that come with the package. */
export async function photoTasks({ concepts }: Photos): Promise<Task[]> {
  const folder = photosFolder();
  const image = (name: string): string => join(folder, `${name}.jpg`);
  const file = (label: string, name: string): string => `${label}-in-${name}.png`;
  return Promise.all(
    concepts.map(async ({ label, reference, boxXyxy, targets, without }) => {
      const found = targets.map(async (name): Promise<Target> => ({
        ...{ name, image: image(name), file: file(label, name) },
        truth: await maskFile(join(folder, 'masks', `${name}.png`)),
      }));
      const absent = without.map((name): Target => ({ name, image: image(name), file: file(label, name), absent: true }));
      return {
        label,
        references: [{ image: image(reference), label, box: boxXyxy }],
        targets: [...(await Promise.all(found)), ...absent],
        grow: true,
      };
    }),
  );
}

/** @throws UsageError for more truths than targets, and for one that cannot be read */
export async function ownTask(references: Reference[], files: readonly string[], truths: readonly string[]): Promise<Task> {
  if (truths.length > files.length)
    throw new UsageError(`--truth: expected at most one for each of ${files.length} targets, got ${truths.length}.`);
  const label = references[0]?.label ?? 'object';
  const names = files.map((file) => basename(file, extname(file)));
  const pictures = wordsFor(
    names.map((name, i) => ({ text: `${label}-${name}`, identity: `${label} ${files[i] ?? ''}` })),
    { longest: 200, dots: true },
  );
  const targets = await Promise.all(
    names.map(async (name, i): Promise<Target> => {
      const target = { name, image: files[i] as string, file: `${pictures[i] ?? ''}.png` };
      const truth = truths[i];
      if (truth === undefined) return target;
      return {
        ...target,
        truth: await maskFile(truth).catch((cause: unknown) => Promise.reject(new UsageError(`--truth ${truth}: ${messageOf(cause)}`))),
      };
    }),
  );
  return { label, references, targets };
}

async function maskFile(path: string): Promise<BinaryMask> {
  return decodeMaskFile(await readFile(path), path);
}
