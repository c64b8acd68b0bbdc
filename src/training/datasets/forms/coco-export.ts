/** COCO as labeling tools export it: one file for all images, or one a split, wherever the images lie. */
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import { readCocoFile, readShapes, type CocoFile } from '../coco-annotations.ts';
import { decideCrowds } from '../coco-crowds.ts';
import { sideOf, type Gathered, type GatheredImage, type ReadContext, type Side } from './gathered.ts';
import { baseOf, folderOf, stemOf } from './tree.ts';

/** files: those of the tree that are COCO. @throws DATASET_INVALID */
export async function readCocoExport({ tree, tally, options }: ReadContext, files: readonly string[]): Promise<Gathered> {
  const read: { path: string; from: CocoFile }[] = [];
  for (const path of files) read.push({ path, from: await readCocoFile(tree.at(path), tally, options) });
  const { crowdsIgnored, notes } = decideCrowds(
    read.map(({ from }) => from),
    tally,
    options,
  );
  const { numbers, labels } = labelsOf(read.map(({ from }) => from));
  const images = read.flatMap(({ path, from }, i): GatheredImage[] => {
    const side = sideOfFile(path);
    const number = (categoryId: string): number => (numbers[i] as ReadonlyMap<string, number>).get(categoryId) as number;
    return from.images.flatMap((image): GatheredImage[] => {
      const { fileName, size, annotations } = image;
      const found = tree.find(fileName, placesOf(path));
      if (found === undefined || found === 'outside') {
        tally.add(found === 'outside' ? 'path outside the folder' : 'image not found', fileName);
        return [];
      }
      const isDrawn = ({ area, crowd }: (typeof annotations)[number]): boolean => area > 0 && !(crowd && crowdsIgnored);
      return [
        {
          name: fileName,
          file: found.path,
          ...(side && { side }),
          ...(size && { size }),
          drawn: new Set(annotations.filter(isDrawn).map(({ categoryId }) => number(categoryId))),
          doubtful: new Set(annotations.filter((one) => !isDrawn(one)).map(({ categoryId }) => number(categoryId))),
          shapes: async (width, height) => {
            try {
              return await readShapes(from.file, annotations, [width, height], { label: number, crowdsIgnored });
            } catch (cause) {
              throw new ProsamError('DATASET_INVALID', `${from.file}: ${fileName} cannot be read again: ${messageOf(cause)}.`, { cause });
            }
          },
        },
      ];
    });
  });
  return { labels, images, notes };
}

/** Labels of all files: those of one id and name are one; in the order of their ids. */
function labelsOf(files: readonly CocoFile[]): { numbers: Map<string, number>[]; labels: Map<number, string> } {
  const all = new Map<string, { id: string; name: string }>();
  for (const { categories } of files) for (const one of categories) all.set(`${one.id}\n${one.name}`, one);
  const ordered = [...all.values()].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
  const numberOf = new Map(ordered.map(({ id, name }, i) => [`${id}\n${name}`, i]));
  return {
    numbers: files.map(({ categories }) => new Map(categories.map(({ id, name }) => [id, numberOf.get(`${id}\n${name}`) as number]))),
    labels: new Map(ordered.map(({ name }, i) => [i, name])),
  };
}

/** Folders that images may be named from: the file's own, images/ in it or beside it, and there the subset's. */
function placesOf(path: string): string[] {
  const own = folderOf(path);
  const above = folderOf(own);
  const subset = subsetOf(path);
  const below = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
  return [own, above, ...[own, above].flatMap((folder) => ['images', subset, `images/${subset}`].map((name) => below(folder, name)))];
}

/** `default` of annotations/instances_default.json. */
function subsetOf(path: string): string {
  return stemOf(baseOf(path)).replace(/^(instances|annotations|person_keypoints|labels)_/i, '');
}

/** By the file's subset, else by the folder it lies in. */
function sideOfFile(path: string): Side | undefined {
  return sideOf(subsetOf(path)) ?? sideOf(baseOf(folderOf(path)));
}
