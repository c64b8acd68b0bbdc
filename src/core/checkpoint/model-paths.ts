/** Folders of models on this machine, and the way from a name to a folder. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProsamError } from '../common/errors.ts';
import { isReservedName } from '../files/file-name.ts';

/** Environment that decides about places; a test passes its own. */
export interface Surroundings {
  /** @default process.env */
  env?: Readonly<Record<string, string | undefined>>;
  /** @default process.platform */
  platform?: NodeJS.Platform;
  /** @default the user's home folder */
  home?: string;
}

/** Folder of the models that were added or pulled: PROSAM_MODELS, or `prosam/models` where the platform keeps programs' data. */
export function modelsFolder(surroundings: Surroundings = {}): string {
  const chosen = (surroundings.env ?? process.env)['PROSAM_MODELS'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  return join(platformFolder('XDG_DATA_HOME', '.local/share', 'Application Support', surroundings), 'models');
}

/** Folder of what can be made again: `prosam` where the platform keeps caches. */
export function cacheFolder(surroundings: Surroundings = {}): string {
  const windows = (surroundings.platform ?? process.platform) === 'win32';
  return join(platformFolder('XDG_CACHE_HOME', '.cache', 'Caches', surroundings), ...(windows ? ['cache'] : []));
}

function platformFolder(variable: string, below: string, library: string, surroundings: Surroundings): string {
  const { env = process.env, platform = process.platform, home = homedir() } = surroundings;
  const chosen = env[variable];
  // The specification of these variables has relative paths ignored.
  if (chosen !== undefined && isAbsolute(chosen)) return join(chosen, 'prosam');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'prosam');
  if (platform === 'darwin') return join(home, 'Library', library, 'prosam');
  return join(home, below, 'prosam');
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Can a model be called this? Nothing else ever becomes part of a path below the models' folder. */
export function isModelName(name: string): boolean {
  return NAME.test(name) && !name.endsWith('.') && !isReservedName(name);
}

/** @throws OPTION_INVALID */
export function checkModelName(name: string): void {
  if (!isModelName(name)) {
    throw new ProsamError(
      'OPTION_INVALID',
      `expected a model's name of letters, digits, dots, underscores and hyphens that begins with a letter or digit (100 at most), got ${JSON.stringify(name)}.`,
    );
  }
  const own = builtInModels().find((one) => one.toLowerCase() === name.toLowerCase());
  if (own !== undefined) throw new ProsamError('OPTION_INVALID', `the name ${own} belongs to a built-in model. Use another name.`);
}

/** Names of the models that come with the package. */
export function builtInModels(): string[] {
  return modelsIn(builtInFolder());
}

/** Names of the models that were added or pulled. */
export function addedModels(folder: string = modelsFolder()): string[] {
  return modelsIn(folder);
}

function modelsIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // nothing was ever added
  }
  return names.filter((name) => isModelName(name) && existsSync(join(folder, name, 'manifest.json'))).sort();
}

/** From dist/ the models lie one folder up, from src/core/checkpoint/ three. */
function builtInFolder(): string {
  const candidates = ['../models', '../../../models'].map((up) => fileURLToPath(new URL(up, import.meta.url)));
  return candidates.find((folder) => existsSync(join(folder, 'tiny'))) ?? (candidates[0] as string);
}

/**
 * Folder of a model: of a built-in one, of one that was added or pulled, or a path.
 * @throws MODEL_NOT_FOUND with the names there are
 */
export function modelFolder(nameOrPath: string): string {
  if (isModelName(nameOrPath)) {
    for (const folder of [builtInFolder(), modelsFolder()]) {
      const found = join(folder, nameOrPath);
      if (existsSync(join(found, 'manifest.json'))) return found;
    }
  }
  if (nameOrPath !== '' && existsSync(nameOrPath)) return nameOrPath;
  const names = [...new Set([...builtInModels(), ...addedModels()])];
  throw new ProsamError(
    'MODEL_NOT_FOUND',
    `expected the name of a model or the path of a model folder, found nothing called ${JSON.stringify(nameOrPath)}. ` +
      `Models here: ${names.join(', ')}. prosam models pull and prosam models add bring in more.`,
  );
}
