/** Model folders appear and go as a whole: whoever lists or opens models never sees half of one. */
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isProsamError, messageOf, ProsamError } from '../common/errors.ts';
import { checkModelName, modelsFolder } from '../checkpoint/model-paths.ts';
import { checkModelFolder, removeModelFolder, replaceModelFolder } from '../files/replace-folder.ts';
import { temporaryBeside } from '../files/write-file.ts';

export interface StoreOptions {
  /** Replace one of the same name. @default false */
  force?: boolean;
  /** @default modelsFolder() */
  folder?: string;
}

/**
 * fill: writes everything into the folder it is given, which then gets the model's name. Resolves to the folder.
 * @throws OPTION_INVALID for a name that is taken or cannot be one; OUTPUT_TAKEN for a folder of this name that is no model's;
 * OUTPUT_FAILED; what `fill` throws
 */
export async function storeModel(name: string, fill: (folder: string) => Promise<void>, options: StoreOptions = {}): Promise<string> {
  const { force = false, folder = modelsFolder() } = options;
  checkModelName(name);
  const target = join(folder, name);
  if (!force) await refuseTaken(name, folder);
  else await checkModelFolder(target);
  const temporary = temporaryBeside(target);
  try {
    await mkdir(temporary, { recursive: true }).catch(failed(folder));
    await fill(temporary);
    if (force) await replaceModelFolder(temporary, target).catch(failed(target));
    else
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

/** Removes a model's own folder and nothing else: weights that lie elsewhere stay. @throws MODEL_NOT_FOUND, OPTION_INVALID, OUTPUT_FAILED, OUTPUT_TAKEN */
export async function removeModel(name: string, folder: string = modelsFolder()): Promise<void> {
  checkModelName(name);
  const target = join(folder, name);
  if (!(await exists(target))) throw new ProsamError('MODEL_NOT_FOUND', `there is no model called ${name} in ${folder}.`);
  await removeModelFolder(target).catch(failed(target));
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
    if (isProsamError(cause)) throw cause;
    throw new ProsamError(
      'OUTPUT_FAILED',
      `${path}: cannot be written: ${messageOf(cause)}. Check the folder and its permissions; PROSAM_MODELS names another.`,
      { cause },
    );
  };
}
