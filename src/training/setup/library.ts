/** TensorFlow's library in the user's cache: fetched once, checked, unpacked; either whole or not there. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { checkPython, fetchWheel, recogniseWheels, unpack } from '../../setup/wheel-files.ts';
import { TENSORFLOW_VERSION, WANTED_PARTS, WHEELS, type Variant } from './wheels.ts';

export interface LibraryOptions {
  variant: Variant;
  /** Folder for it; see `defaultCacheDir`. */
  cacheDir: string;
  /** Wheel files that are here already and need not be fetched. */
  wheels: readonly string[];
  onProgress: (what: string) => void;
  signal: AbortSignal | undefined;
}

/** $XDG_CACHE_HOME/prosam, or ~/.cache/prosam. */
export function defaultCacheDir(): string {
  const chosen = process.env['XDG_CACHE_HOME'];
  return join(chosen === undefined || chosen === '' ? join(homedir(), '.cache') : chosen, 'prosam');
}

/** -> folder with tensorflow/ and, for CUDA, nvidia/. @throws SETUP_FAILED, see the message */
export async function ensureLibrary(options: LibraryOptions): Promise<string> {
  const { variant, cacheDir, wheels, onProgress, signal } = options;
  const folder = join(cacheDir, `libtensorflow-${TENSORFLOW_VERSION}-${variant}`);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.libtensorflow-'));
  try {
    const given = await recogniseWheels(wheels, WHEELS[variant], signal);
    await checkPython(given.size < WHEELS[variant].length, { signal });
    for (const wheel of WHEELS[variant]) {
      const file = given.get(wheel) ?? (await fetchWheel(wheel, join(work, 'wheel'), { onProgress, signal, offline: '--wheel FILE' }));
      onProgress(`unpacking ${wheel.requirement}`);
      await unpack(file, join(work, 'library'), WANTED_PARTS, { signal });
      await rm(join(work, 'wheel'), { recursive: true, force: true });
    }
    await rename(join(work, 'library'), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // otherwise another process was faster
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
