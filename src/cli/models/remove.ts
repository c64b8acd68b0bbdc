/** `prosam models remove`: removes the name of a model. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkModelName, modelsFolder } from '../../core/checkpoint/model-paths.ts';
import { parseManifest } from '../../core/checkpoint/manifest.ts';
import { removeModel } from '../../core/models/install-model.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { MODELS_REMOVE } from './spec.ts';

/** Resolves to the exit code. */
export async function removeModelCommand(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(MODELS_REMOVE, args);
  const [name] = positionals as [string];
  checkModelName(name);
  const folder = join(modelsFolder(), name);
  const kept = await weightsElsewhere(join(folder, 'manifest.json'));
  await removeModel(name);
  if (values.json) print(JSON.stringify({ name, folder, kept }));
  else {
    print(`${name} is removed`);
    if (kept.length > 0) print(`its weights stay where they are: ${kept.join(', ')}`);
  }
  return EXIT.ok;
}

/** Paths of weights outside the model's folder; none for a damaged model, which can be removed as well. */
async function weightsElsewhere(manifest: string): Promise<string[]> {
  try {
    return Object.values(parseManifest(await readFile(manifest, 'utf8'), manifest).locations ?? {});
  } catch {
    return [];
  }
}
