/** Images in a folder, told by their content; everything else is counted by kind, so that every file is accounted for. */
import { open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { messageOf } from '../../core/common/errors.ts';
import { fileKind, isReadable, KIND_BYTES } from '../../core/image/file-kinds.ts';
import { markAtStart } from '../common/output-mark.ts';
import { UsageError } from '../common/command.ts';

/** A file that is no target, and why. */
export interface LeftOut {
  file: string;
  /** Kind of the file, or the reason in a few words: one of LEFT_OUT or a kind of file-kinds.ts. */
  kind: string;
}

export const LEFT_OUT = {
  made: 'made by prosam',
  hidden: 'hidden',
  folder: 'folder',
  special: 'no file',
  other: 'no image',
} as const;

export interface FolderImages {
  images: string[];
  leftOut: LeftOut[];
}

/** Files looked at at the same time. */
const AT_ONCE = 16;

/** recursive: folders inside too; links to folders are never followed. @throws UsageError for a folder that cannot be read */
export async function imagesIn(folder: string, recursive: boolean): Promise<FolderImages> {
  const found: FolderImages = { images: [], leftOut: [] };
  const folders = [folder];
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    const entries = await listed(next, next === folder);
    if (entries === undefined) {
      found.leftOut.push({ file: next, kind: LEFT_OUT.folder });
      continue;
    }
    const inside: string[] = [];
    for (let i = 0; i < entries.length; i += AT_ONCE) {
      const kinds = await Promise.all(entries.slice(i, i + AT_ONCE).map(kindOfEntry));
      for (const { file, kind } of kinds) {
        if (kind === undefined) found.images.push(file);
        else if (kind === LEFT_OUT.folder && recursive) inside.push(file);
        else found.leftOut.push({ file, kind });
      }
    }
    folders.unshift(...inside);
  }
  return found;
}

interface Entry {
  file: string;
  name: string;
  isFolder: boolean;
}

/** In the order of their names. */
async function listed(folder: string, first: boolean): Promise<Entry[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const named = entries.map((entry) => ({ file: join(folder, entry.name), name: entry.name, isFolder: entry.isDirectory() }));
    return named.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    if (!first) return undefined;
    throw new UsageError(`--target-dir ${folder}: cannot be read: ${messageOf(cause)}.`);
  }
}

/** kind: undefined for a target. */
async function kindOfEntry({ file, name, isFolder }: Entry): Promise<{ file: string; kind: string | undefined }> {
  if (name.startsWith('.')) return { file, kind: LEFT_OUT.hidden };
  if (isFolder) return { file, kind: LEFT_OUT.folder };
  const info = await stat(file).catch(() => undefined);
  // A link to a folder could lead around in a circle.
  if (info?.isDirectory() === true) return { file, kind: LEFT_OUT.folder };
  if (info?.isFile() !== true) return { file, kind: LEFT_OUT.special };
  if ((await markAtStart(file))?.what === 'result') return { file, kind: LEFT_OUT.made };
  const start = await startOf(file);
  const kind = fileKind(start ?? new Uint8Array(), name);
  // What cannot be read or only its ending calls an image is a target that fails, with its reason.
  const isTarget = isReadable(kind) || kind === 'damaged' || (start === undefined && extname(name) !== '');
  return { file, kind: isTarget ? undefined : (kind ?? LEFT_OUT.other) };
}

async function startOf(file: string): Promise<Uint8Array | undefined> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(KIND_BYTES), 0, KIND_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
