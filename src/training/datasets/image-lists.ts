/** Ready image lists of the benchmarks, as VRP-SAM and others publish them, and plain lists of image names. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProsamError } from '../../core/common/errors.ts';

/** Both benchmarks have as many. */
export const BENCHMARK_FOLDS = 4;
const MAX_LIST_BYTES = 256 * 2 ** 20;

/** Images and classes of one side of one fold, as a ready list names them. */
export interface ImageList {
  images: readonly string[];
  /** Class id -> keys of images. */
  byClass: ReadonlyMap<number, readonly string[]>;
}

/** The ready lists of a fold, as far as there are any. */
export interface FoldLists {
  training?: ImageList;
  test?: ImageList;
}

/** The ready lists of a folder with train/ and val/; those of a fold that are not there are built instead. */
export async function readImageLists(folder: string): Promise<FoldLists[]> {
  return Promise.all(
    Array.from({ length: BENCHMARK_FOLDS }, async (_, fold) => {
      const [training, test] = await Promise.all([readList(folder, 'train', fold), readList(folder, 'val', fold)]);
      return { ...(training && { training }), ...(test && { test }) };
    }),
  );
}

async function readList(folder: string, side: 'train' | 'val', fold: number): Promise<ImageList | undefined> {
  const file = join(folder, side, `sub_class_file_list_${fold}.txt`);
  const text = await readText(file);
  if (text === undefined) return undefined;
  const byClass = parseClassList(text);
  if (byClass.size === 0) {
    throw new ProsamError('DATASET_INVALID', `${file}: expected "{1: [('.../a.jpg', '.../a.png'), ...], ...}", but found no class in it.`);
  }
  const lines = await readText(join(folder, side, `data_list_${fold}.txt`));
  const images = lines === undefined ? [...new Set([...byClass.values()].flat())] : parseKeys(lines);
  return { images, byClass };
}

/** Keys, one per line: the name of the first path in it, without folders and extension. */
export function parseKeys(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const first = line.trim().split(/\s+/)[0];
    return first === undefined || first === '' ? [] : [keyOf(first)];
  });
}

/** The printed Python dictionary of lists of (image, label map) tuples, read as text and never evaluated. */
function parseClassList(text: string): Map<number, string[]> {
  const byClass = new Map<number, string[]>();
  let current: string[] = [];
  let isImage = true;
  for (const [, id, path] of text.matchAll(/(\d+)\s*:\s*\[|'([^']*)'/g)) {
    if (id !== undefined) {
      current = [];
      byClass.set(Number(id), current);
      isImage = true;
    } else {
      if (isImage) current.push(keyOf(path as string));
      isImage = !isImage;
    }
  }
  return byClass;
}

function keyOf(path: string): string {
  return path.replace(/^.*[/\\]/, '').replace(/\.[a-z]+$/i, '');
}

/** undefined where there is no such file. @throws DATASET_INVALID for one that cannot be read */
export async function readText(file: string): Promise<string | undefined> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) return undefined;
  if (info.size > MAX_LIST_BYTES)
    throw new ProsamError('DATASET_INVALID', `${file}: expected at most ${MAX_LIST_BYTES} bytes, got ${info.size}.`);
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ProsamError('DATASET_INVALID', `${file}: cannot be read: ${messageOf(cause)}.`, { cause });
  });
}
