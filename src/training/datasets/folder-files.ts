/** Images and label maps of a folder, matched by their names without extension. */
import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import { hasImageEnding } from '../../core/image/file-kinds.ts';
import { notFound } from './expected-tree.ts';
import { listed } from './label-check.ts';
import type { ManifestImage } from './manifest.ts';

/** Key (name without extension) -> paths relative to `root`, in the order of the keys. @throws DATASET_INVALID, DATASET_NOT_FOUND */
export async function pairFiles(root: string): Promise<Record<string, ManifestImage>> {
  const images = await filesByStem(root, 'images');
  const masks = await filesByStem(root, 'masks');
  const withoutMask = [...images.keys()].filter((stem) => !masks.has(stem));
  const withoutImage = [...masks.keys()].filter((stem) => !images.has(stem));
  const problems = [
    ...(withoutMask.length > 0 ? [`${withoutMask.length} images without a mask: ${names(images, withoutMask)}`] : []),
    ...(withoutImage.length > 0 ? [`${withoutImage.length} masks without an image: ${names(masks, withoutImage)}`] : []),
  ];
  if (problems.length > 0) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${root}: expected a mask of the same name for each image, but found ${problems.join('; ')}. Add the missing files or move the others away.`,
    );
  }
  if (images.size === 0) throw notFound(join(root, 'images'), 'it holds no images', ['folder']);
  return Object.fromEntries(
    [...images.keys()].sort().map((stem) => [stem, { image: images.get(stem) as string, mask: masks.get(stem) as string }]),
  );
}

/** File names in a folder; undefined where there is no such folder. */
export async function filesIn(folder: string): Promise<string[] | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  return entries?.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

async function filesByStem(root: string, folder: string): Promise<Map<string, string>> {
  const files = await filesIn(join(root, folder));
  if (!files) throw notFound(root, `there is no folder ${folder}/ in it`, ['folder']);
  const byStem = new Map<string, string>();
  for (const file of files) {
    if (file.startsWith('.') || !hasImageEnding(file)) continue;
    const { name } = parse(file);
    const other = byStem.get(name);
    if (other !== undefined) {
      throw new ProsamError(
        'DATASET_INVALID',
        `${root}: expected one file per name in ${folder}/, but found ${other} and ${folder}/${file}. Remove or rename one.`,
      );
    }
    byStem.set(name, `${folder}/${file}`);
  }
  return byStem;
}

function names(files: ReadonlyMap<string, string>, stems: readonly string[]): string {
  return listed(
    stems.map((stem) => files.get(stem) as string),
    5,
  );
}
