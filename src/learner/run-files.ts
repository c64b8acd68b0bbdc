/** The files of a run: where they lie, the images put there, and what is left of them afterwards. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hashFile } from '../core/checkpoint/hash-cache.ts';
import { isProsamError } from '../core/common/errors.ts';
import type { Blobs, Store } from '../service/ports/storage.ts';
import type { SnapshotMask } from './snapshot.ts';

export interface RunFiles {
  folder: string;
  /** The trainer's own. */
  training: string;
  /** Weights it starts from, where they are not those in service. */
  start: string;
  /** Weights of the version in service. */
  current: string;
  /** Folder of frozen features, shared by all runs. */
  features: string;
  imageOf: (sha256: string) => string;
}

const METRICS = 'metrics.jsonl';

export function runFiles(workDir: string, run: string): RunFiles {
  const folder = join(resolve(workDir), 'runs', run);
  return {
    folder,
    training: join(folder, 'training'),
    start: join(folder, 'start.safetensors'),
    current: join(folder, 'current.safetensors'),
    features: join(resolve(workDir), 'features'),
    imageOf: (sha256) => join(folder, 'images', sha256),
  };
}

/** Files fetched at the same time. */
const AT_ONCE = 4;

/**
 * Puts the images of the masks where they can be read, each proved by its hash: those that lie on this machine stay where they are.
 * Those an earlier part of the run fetched are fetched again, because a crash may have cut them off.
 * -> path by hash; absent: gone or damaged
 */
export async function fetchImages(
  blobs: Pick<Blobs, 'get' | 'path'>,
  { folder, imageOf }: RunFiles,
  masks: readonly Pick<SnapshotMask, 'sha256'>[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  await mkdir(join(folder, 'images'), { recursive: true });
  const waiting = [...new Set(masks.map(({ sha256 }) => sha256))];
  const paths = new Map<string, string>();
  const fetchNext = async (): Promise<void> => {
    for (let sha256 = waiting.pop(); sha256 !== undefined && !signal.aborted; sha256 = waiting.pop()) {
      const here = blobs.path?.(sha256);
      if (here !== undefined && (await hashFile(here).catch(() => undefined)) === sha256) paths.set(sha256, here);
      if (here !== undefined) continue;
      const bytes = await blobs.get(sha256, { signal }).catch((error: unknown) => {
        if (signal.aborted || (isProsamError(error) && error.code === 'BLOB_DAMAGED')) return undefined;
        throw error;
      });
      if (bytes === undefined) continue;
      await writeFile(imageOf(sha256), bytes);
      paths.set(sha256, imageOf(sha256));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
  return paths;
}

/** Leaves the metrics alone. */
export async function tidyRun({ folder, training }: RunFiles): Promise<void> {
  await rename(join(training, METRICS), join(folder, METRICS)).catch(() => undefined);
  for (const name of await readdir(folder).catch(() => [])) {
    if (name !== METRICS) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Runs that ended while nobody could tidy up. What this store knows nothing of may be another's. */
export async function tidyEndedRuns(workDir: string, runs: Pick<Store['runs'], 'get'>): Promise<void> {
  for (const name of await readdir(join(resolve(workDir), 'runs')).catch(() => [])) {
    const run = await runs.get(name);
    if (run !== undefined && run.state !== 'running') await tidyRun(runFiles(workDir, name));
  }
}
