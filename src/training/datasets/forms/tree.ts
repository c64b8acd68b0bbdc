/** The files of a data set: found once, never outside its folder. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ProsamError } from '../../../core/common/errors.ts';
import { hasImageEnding } from '../../../core/image/file-kinds.ts';
import type { Tally } from '../tally.ts';

const MAX_FILES = 2_000_000;
const MAX_DEPTH = 16;

export interface Tree {
  /** Folder of the data, without links in its path. */
  root: string;
  /** Paths relative to the root, with / between folders, in order. */
  files: readonly string[];
  /** Names of all folders, relative to the root. */
  folders: ReadonlySet<string>;
  /**
   * A file that an annotation names: below one of the folders in turn, else the only one of its name anywhere. Names are compared in
   * Unicode's composed form. 'outside' for a name that leads out of the data's folder, undefined for what is not there.
   */
  find(name: string, below?: readonly string[]): { path: string } | 'outside' | undefined;
  /** Image files whose name without extension is that of `stem`, below one of the folders in turn, else anywhere. */
  imageOf(stem: string, below?: readonly string[]): string | undefined;
  /** Place of one of its files on disk. */
  at(path: string): string;
  /** The same without some files. */
  without(isLeftOut: (path: string) => boolean): Tree;
}

export function stemOf(path: string): string {
  return path.replace(/\.[^./]+$/, '');
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** @throws DATASET_INVALID for more than two million files; the signal's reason */
export async function readTree(folder: string, tally: Tally, signal?: AbortSignal): Promise<Tree> {
  const root = await realpath(folder);
  const files: string[] = [];
  const folders = new Set<string>();
  const walk = async (below: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.add(path);
        if (depth < MAX_DEPTH) await walk(path, depth + 1);
        continue;
      }
      // Pipes and devices are no files: opening one may wait for ever.
      if (entry.isSymbolicLink() ? !(await staysInside(root, path, tally)) : !entry.isFile()) continue;
      if (files.push(path) > MAX_FILES)
        throw new ProsamError('DATASET_INVALID', `${root}: expected at most ${MAX_FILES} files. Name a folder with fewer.`);
    }
  };
  await walk('', 0);
  files.sort();
  return treeOf(root, files, folders);
}

/** A linked file of the same folder is a file; a linked folder would be walked twice. */
async function staysInside(root: string, path: string, tally: Tally): Promise<boolean> {
  const target = await realpath(join(root, path)).catch(() => undefined);
  if (target === undefined) return false;
  const way = relative(root, target);
  if (way.startsWith('..') || way.startsWith(sep) || /^[a-z]:/i.test(way)) {
    tally.add('link outside', path);
    return false;
  }
  return (await stat(target)).isFile();
}

function treeOf(root: string, files: readonly string[], folders: ReadonlySet<string>): Tree {
  const byPath = new Map(files.map((path) => [path.normalize('NFC'), path]));
  /** undefined where several have the name. */
  const unique = (keyOf: (path: string) => string, among: readonly string[]): Map<string, string | undefined> => {
    const found = new Map<string, string | undefined>();
    for (const path of among) found.set(keyOf(path), found.has(keyOf(path)) ? undefined : path);
    return found;
  };
  const images = files.filter(hasImageEnding);
  const byName = unique((path) => baseOf(path).normalize('NFC'), images);
  const byStem = unique((path) => stemOf(path).normalize('NFC'), images);
  const byBareStem = unique((path) => stemOf(baseOf(path)).normalize('NFC'), images);
  return {
    root,
    files,
    folders,
    find(name, below = ['']) {
      const clean = cleanPath(name);
      if (clean === undefined) return 'outside';
      for (const folder of below) {
        const path = byPath.get(joined(folder, clean));
        if (path !== undefined) return { path };
      }
      const path = byName.get(baseOf(clean));
      return path === undefined ? undefined : { path };
    },
    imageOf(stem, below = ['']) {
      const clean = cleanPath(stem);
      if (clean === undefined) return undefined;
      for (const folder of below) {
        const path = byStem.get(joined(folder, clean));
        if (path !== undefined) return path;
      }
      return byBareStem.get(baseOf(clean));
    },
    at: (path) => join(root, ...path.split('/')),
    without: (isLeftOut) =>
      treeOf(
        root,
        files.filter((path) => !isLeftOut(path)),
        folders,
      ),
  };
}

function joined(folder: string, path: string): string {
  return folder === '' ? path : `${folder.normalize('NFC')}/${path}`;
}

/** Composed, with / between folders and without "./"; undefined where it leads out of the folder it is in. */
export function cleanPath(name: string): string | undefined {
  if (/^[/\\]|^[a-z]:|^[a-z]+:\/\//i.test(name) || name.includes('\0')) return undefined;
  const parts = name
    .normalize('NFC')
    .split(/[/\\]+/)
    .filter((part) => part !== '.' && part !== '');
  return parts.includes('..') || parts.length === 0 ? undefined : parts.join('/');
}
