/** Measurements of a study so far: one file each, so that the same command resumes where it ended. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wordFor } from '../../core/files/file-name.ts';
import { writeDurably } from '../../core/files/write-file.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { modelFolder } from '../../core/runtime/node/open-engine.ts';

/** Inputs a measurement depends on. Another value makes it a new one. */
export type CellInputs = Readonly<Record<string, unknown>>;

export interface StudyFolder {
  /**
   * The value kept under this name where its inputs are the same; else what `measure` resolves to, kept. Values are JSON: what
   * is measured comes back the way a later call will read it.
   * @throws OUTPUT_FAILED
   */
  cell<T>(name: string, inputs: CellInputs, measure: () => Promise<T>): Promise<{ value: T; kept: boolean }>;
}

/** @throws OUTPUT_FAILED (from its cells) */
export function openStudyFolder(out: string): StudyFolder {
  const folder = join(out, 'cells');
  return {
    async cell<T>(name: string, inputs: CellInputs, measure: () => Promise<T>) {
      const path = join(folder, `${fileName(name)}.json`);
      const stamp = JSON.stringify(inputs);
      const before = await readJson(path);
      if (before !== undefined && before['inputs'] === stamp) return { value: before['value'] as T, kept: true };
      const text = JSON.stringify({ inputs: stamp, value: await measure() });
      await makeFolder(folder);
      await writeDurably(path, text);
      return { value: (JSON.parse(text) as { value: T }).value, kept: false };
    },
  };
}

/** A name as a file name; names that differ stay different. */
export function fileName(name: string): string {
  return wordFor(name, { longest: 100, dots: true });
}

/** undefined where there is no such file, or one that is cut short. */
export async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** @throws OUTPUT_FAILED */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new ProsamError('OUTPUT_FAILED', `${folder}: cannot be made: ${messageOf(cause)}. Name another folder.`, { cause });
  });
}

/** Stands for every weight and setting of a model: the hash of its manifest, which holds those of its files. @throws MODEL_NOT_FOUND */
export async function modelStamp(model: string): Promise<string> {
  const path = join(modelFolder(model), 'manifest.json');
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `expected a model folder with a manifest.json, found none: ${path}.`, { cause });
  });
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
