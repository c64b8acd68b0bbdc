/** Model folders that are written anew or removed: only what is one, and nothing else that has its name. */
import { lstat, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { taken, temporaryBeside } from './write-file.ts';

/** Files that operating systems put into every folder a person opens. */
const BOOKKEEPING = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);
const MANIFEST = 'manifest.json';
const manifestSchema = z.object({ format: z.string().startsWith('prosam-model/'), files: z.record(z.string(), z.unknown()) });
/** Files of a model whose manifest cannot be read any more. */
const WEIGHTS = /^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/;

/** @throws OUTPUT_TAKEN where something is there that holds more than the files of a model; a link may go, what it leads to stays */
export async function checkModelFolder(folder: string): Promise<void> {
  const info = await lstat(folder).catch(() => undefined);
  if (info === undefined || info.isSymbolicLink()) return;
  if (!info.isDirectory()) throw taken(folder, 'a file');
  const entries = await readdir(folder, { withFileTypes: true });
  const belongs = await filesOfModel(folder);
  const foreign = entries.find((entry) => !BOOKKEEPING.has(entry.name) && (entry.isDirectory() || !belongs(entry.name)));
  if (foreign) throw taken(folder, `a folder that holds ${foreign.name}, which belongs to no model`);
}

/** Puts a folder that is whole in the place of a model's, or where nothing is. @throws OUTPUT_TAKEN */
export async function replaceModelFolder(whole: string, folder: string): Promise<void> {
  await checkModelFolder(folder);
  const aside = temporaryBeside(folder);
  const before = await rename(folder, aside).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return false;
    },
  );
  try {
    await rename(whole, folder);
  } catch (error) {
    if (before) await rename(aside, folder);
    throw error;
  }
  if (before) await removeFolder(aside);
}

/** First out of sight, then file by file. A link goes; what it leads to stays. @throws OUTPUT_TAKEN */
export async function removeModelFolder(folder: string): Promise<void> {
  await checkModelFolder(folder);
  const aside = temporaryBeside(folder);
  await rename(folder, aside);
  await removeFolder(aside);
}

async function removeFolder(folder: string): Promise<void> {
  if ((await lstat(folder)).isDirectory()) await rm(folder, { recursive: true, force: true });
  else await unlink(folder);
}

/** -> whether a file of this name is one of the model's. Where there is no manifest of ours, none is. */
async function filesOfModel(folder: string): Promise<(name: string) => boolean> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined);
  if (text === undefined) return () => false;
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return (name) => name === MANIFEST || WEIGHTS.test(name); // damaged
  }
  const { success, data } = manifestSchema.safeParse(manifest);
  return (name) => success && (name === MANIFEST || Object.hasOwn(data.files, name));
}
