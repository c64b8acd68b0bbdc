/**
 * The cache that the hub's tools share: `models--owner--name/` with the bytes under `blobs/`, named by their hash, and links to
 * them under `snapshots/COMMIT/`, where files have the names they have in the repository. `refs/` says which commit a branch was
 * last seen at.
 */
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isCommit, isPlainPath } from './client.ts';

/** Folder of a repository in the cache. */
export function repositoryFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replace('/', '--')}`);
}

/** Path of a file's bytes. */
export function blobPath(cache: string, repo: string, etag: string): string {
  return join(repositoryFolder(cache, repo), 'blobs', etag);
}

/** Path of a file under its own name. */
export function snapshotPath(cache: string, repo: string, commit: string, path: string): string {
  return join(repositoryFolder(cache, repo), 'snapshots', commit, ...path.split('/'));
}

/** A repository as the cache has it. */
export interface CachedRepository {
  commit: string;
  /** Files that are there in whole. */
  paths: string[];
}

/** Cached part of a revision; undefined: nothing. */
export async function cachedRepository(cache: string, repo: string, revision: string): Promise<CachedRepository | undefined> {
  const folder = repositoryFolder(cache, repo);
  const commit = isCommit(revision)
    ? revision
    : (await readFile(join(folder, 'refs', ...revision.split('/')), 'utf8').catch(() => '')).trim();
  if (!isCommit(commit)) return undefined;
  const snapshot = join(folder, 'snapshots', commit);
  const names = await readdir(snapshot, { recursive: true }).catch(() => []);
  const paths: string[] = [];
  for (const name of names) {
    const path = name.split(sep).join('/');
    // Follows the link: a broken one is a file that is not there.
    if (isPlainPath(path) && (await stat(join(snapshot, name)).catch(() => undefined))?.isFile()) paths.push(path);
  }
  return paths.length === 0 ? undefined : { commit, paths: paths.sort() };
}

/** Remembers at which commit a branch or tag was seen. */
export async function rememberRevision(cache: string, repo: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const path = join(repositoryFolder(cache, repo), 'refs', ...revision.split('/'));
  if ((await readFile(path, 'utf8').catch(() => undefined)) === commit) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, commit);
  await rename(temporary, path);
}

/** Gives bytes that are whole the name they have in the repository. */
export async function linkIntoSnapshot(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  try {
    await symlink(relative(dirname(path), blob), temporary);
  } catch {
    // Windows lets only some users make links: the cache then keeps the bytes themselves under that name.
    await rename(blob, path);
    return;
  }
  await rename(temporary, path);
}
