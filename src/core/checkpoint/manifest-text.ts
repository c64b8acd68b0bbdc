/** The manifest of a model folder as it is written, before anything is made of it. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProsamError } from '../common/errors.ts';

/** A manifest is text somebody wrote, not a weight file. */
const MAX_MANIFEST_BYTES = 1_000_000;

/** folder: path of a model folder. label: path of the manifest. @throws MODEL_NOT_FOUND, MODEL_INVALID where it is too large */
export async function readManifestText(folder: string): Promise<{ text: string; label: string }> {
  const label = join(folder, 'manifest.json');
  const info = await stat(label).catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `expected a model folder with a manifest.json, found none in ${folder}.`, { cause });
  });
  if (!info.isFile()) throw new ProsamError('MODEL_NOT_FOUND', `expected the file ${label}, but that is a folder or something else.`);
  if (info.size > MAX_MANIFEST_BYTES)
    throw new ProsamError('MODEL_INVALID', `${label}: expected at most ${MAX_MANIFEST_BYTES} bytes, got ${info.size}.`);
  return { text: await readFile(label, 'utf8'), label };
}
