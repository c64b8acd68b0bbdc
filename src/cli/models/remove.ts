/** `prosam models remove`: takes a name away. */
import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkModelName, modelsFolder } from '../../core/checkpoint/model-paths.ts';
import { parseManifest } from '../../core/checkpoint/manifest.ts';
import { removeModel } from '../../core/models/install-model.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, oneName } from '../common/usage.ts';

/** -> exit code */
export async function removeModelCommand(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } });
  const name = oneName('remove', positionals);
  checkModelName(name);
  const folder = join(modelsFolder(), name);
  const kept = await weightsElsewhere(join(folder, 'manifest.json'));
  await removeModel(name);
  if (values.json === true) print(JSON.stringify({ name, folder, kept }));
  else {
    print(`${name} is removed`);
    if (kept.length > 0) print(`its weights stay where they are: ${kept.join(', ')}`);
  }
  return EXIT.ok;
}

/** A model that is damaged can be removed as well. */
async function weightsElsewhere(manifest: string): Promise<string[]> {
  try {
    return Object.values(parseManifest(await readFile(manifest, 'utf8'), manifest).locations ?? {});
  } catch {
    return [];
  }
}
