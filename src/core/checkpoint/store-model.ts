/** Model folders appear and go as a whole: whoever lists or opens models never sees half of one. */
import { lstat, mkdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../errors.ts';
import { checkModelName, modelsFolder } from './model-place.ts';

export interface StoreOptions {
  /** Replace one of the same name. @default false */
  force?: boolean;
  /** @default modelsFolder() */
  folder?: string;
}

let unique = 0;

/**
 * fill: writes everything into the folder it is given, which then gets the model's name. Resolves to the folder.
 * @throws OPTION_INVALID for a name that is taken or cannot be one; OUTPUT_FAILED; what `fill` throws
 */
export async function storeModel(name: string, fill: (folder: string) => Promise<void>, options: StoreOptions = {}): Promise<string> {
  const { force = false, folder = modelsFolder() } = options;
  checkModelName(name);
  const target = join(folder, name);
  if (!force) await refuseTaken(name, folder);
  const temporary = besides(folder, name, 'new');
  try {
    await mkdir(temporary, { recursive: true }).catch(failed(folder));
    await fill(temporary);
    if (force && (await exists(target))) await away(folder, name).catch(failed(target));
    await rename(temporary, target).catch((cause: unknown) => {
      // Another process stored one of this name in the meantime.
      if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw taken(name);
      failed(target)(cause);
    });
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
  return target;
}

/** For who would begin long work for a name. @throws OPTION_INVALID where it is taken */
export async function refuseTaken(name: string, folder: string = modelsFolder()): Promise<void> {
  if (await exists(join(folder, name))) throw taken(name);
}

/** Removes a model's own folder and nothing else: weights that lie elsewhere stay. @throws MODEL_NOT_FOUND, OPTION_INVALID, OUTPUT_FAILED */
export async function removeModel(name: string, folder: string = modelsFolder()): Promise<void> {
  checkModelName(name);
  const target = join(folder, name);
  if (!(await exists(target))) throw new ProsamError('MODEL_NOT_FOUND', `there is no model called ${name} in ${folder}.`);
  await away(folder, name).catch(failed(target));
}

/** First out of sight, then file by file. A link goes; what it leads to stays. */
async function away(folder: string, name: string): Promise<void> {
  const aside = besides(folder, name, 'old');
  await rename(join(folder, name), aside);
  if ((await lstat(aside)).isDirectory()) await rm(aside, { recursive: true, force: true });
  else await unlink(aside);
}

/** Begins with a dot, which no model's name does. */
function besides(folder: string, name: string, what: string): string {
  return join(folder, `.${name}.${process.pid}-${unique++}.${what}`);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function taken(name: string): ProsamError {
  return new ProsamError('OPTION_INVALID', `there is a model called ${name} already. Use another name, or --force to replace it.`);
}

function failed(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new ProsamError(
      'OUTPUT_FAILED',
      `${path}: cannot be written: ${messageOf(cause)}. Check the folder and its permissions; PROSAM_MODELS names another.`,
      { cause },
    );
  };
}
