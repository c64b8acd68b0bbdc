/** Cached features of images, and files of runs: on the disk of this machine, made again where they are missing. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FEATURES_SUFFIX } from '../../core/runtime/node/disk-feature-cache.ts';

/** Age of a file that a killed writer left behind. */
const ABANDONED_MS = 86_400_000;

/** Files of a folder that nobody has used since, and half-written ones. -> how many, and their bytes */
export async function pruneFeatures(
  folder: string,
  { beforeMs, nowMs, remove }: { beforeMs: number; nowMs: number; remove: boolean },
): Promise<{ count: number; bytes: number }> {
  const gone = { count: 0, bytes: 0 };
  for (const name of await readdir(folder).catch(() => [])) {
    const isWhole = name.endsWith(FEATURES_SUFFIX);
    if (!isWhole && !/^\..*\.tmp$/.test(name)) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || info.mtimeMs >= (isWhole ? beforeMs : nowMs - ABANDONED_MS)) continue;
    if (remove) await rm(path, { force: true });
    gone.count++;
    gone.bytes += info.size;
  }
  return gone;
}

/** Files of runs whose rows are gone. */
export async function removeRunFiles(workDir: string, runs: readonly string[]): Promise<void> {
  const folder = join(resolve(workDir), 'runs');
  const there = new Set(await readdir(folder).catch(() => []));
  // By the names that are there, so that no id leads elsewhere.
  for (const run of runs) if (there.has(run)) await rm(join(folder, run), { recursive: true, force: true });
}
