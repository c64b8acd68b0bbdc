/** A data set out of what a reader gathered: every image is held against its file, every label map is drawn once. */
import { basename } from 'node:path';
import { isProsamError, ProsamError } from '../../../core/common/errors.ts';
import { IGNORE_LABEL, type Dataset, type DatasetClass, type LabelMap } from '../../types.ts';
import { checkImageSize, countLabels, listed, uprightSize } from '../label-check.ts';
import { indexAll, type IndexedImage } from '../label-index.ts';
import type { OpenDatasetOptions } from '../options.ts';
import { ownDataset } from '../own-data.ts';
import type { Tally } from '../tally.ts';
import type { Gathered, GatheredImage, Side } from './gathered.ts';
import { drawShapes } from './shapes.ts';
import { stemOf, type Tree } from './tree.ts';

const MAX_CLASSES = 254;

interface Placed {
  key: string;
  image: GatheredImage;
  file: string;
  width: number;
  height: number;
}

/** path: as it was given. form: as it is named to people. @throws DATASET_INVALID */
export async function openGathered(
  path: string,
  form: string,
  gathered: Gathered,
  { tree, tally, options }: { tree: Tree; tally: Tally; options: OpenDatasetOptions },
): Promise<Dataset> {
  const fail = (problem: string): ProsamError => new ProsamError('DATASET_INVALID', `${path}: read as ${form}: ${problem}`);
  const notes = [...gathered.notes];
  const placed = await placeImages(gathered.images, ({ place, file }) => place ?? tree.at(file), tally, options);
  const { classes, classOf, dropped } = classesOf(gathered, placed, fail, notes);
  if (classes.length === 0) throw fail(`expected outlines or masks, but nothing is left to use. ${reasons(tally)}`);
  if (dropped.length > 0) notes.push(`labels without anything to draw were left out: ${listed(dropped)}.`);
  const leftOut = new Set(options.leaveOut ?? []);
  const known = new Set(classes.map(({ id }) => id));

  const draw = async ({ image, file, width, height }: Placed): Promise<LabelMap> => {
    if (image.map === undefined) return drawShapes(await image.shapes(width, height), width, height, (label) => classOf.get(label));
    const map = await image.map();
    await checkImageSize(file, map, `the label map of ${image.name}`);
    return { ...map, data: map.data.map((label) => (label === 0 || label === IGNORE_LABEL ? label : (classOf.get(label) ?? 0))) };
  };
  const indexed = await indexAll(
    placed,
    async (one): Promise<IndexedImage> => {
      const shown = new Map(countLabels(await draw(one), known, one.file));
      // An image that shows a class without an outline is no image without it.
      for (const label of [...one.image.doubtful, ...one.image.drawn]) {
        const id = classOf.get(label);
        if (id !== undefined && !shown.has(id)) shown.set(id, 0);
      }
      return { image: { key: one.key, file: one.file }, classes: shown, pixels: one.width * one.height };
    },
    'label maps',
    options,
  );
  const sides = sidesOf(placed, notes, options.testOn);
  const byKey = new Map(placed.map((one) => [one.key, one]));
  const own = ownDataset(
    {
      name: basename(path),
      classes: classes.filter(({ id }) => !leftOut.has(id)),
      manifest: { classes },
      entries: Object.fromEntries(placed.map(({ key }) => [key, { split: sides?.get(key) }])),
      indexed,
      labels: async ({ key }) => {
        const one = byKey.get(key);
        if (!one) throw fail(`expected one of its images, got ${key}.`);
        return draw(one);
      },
      fail,
      remedy: (minArea) =>
        `Add images (a class counts from a share of ${minArea} of an image on), or measure on all of them: prosam eval --test-on all (SDK: testOn: 'all')`,
      lenient: true,
    },
    options,
  );
  return { ...own, readings: [{ path, form, images: placed.length, labels: classes.length, leftOut: tally.list(), notes }] };
}

/** Images whose file is there and has the size that their shapes are for. */
async function placeImages(
  images: readonly GatheredImage[],
  fileOf: (image: GatheredImage) => string,
  tally: Tally,
  options: OpenDatasetOptions,
): Promise<Placed[]> {
  const found = await indexAll(
    images,
    async (image) => {
      const file = fileOf(image);
      const size = await uprightSize(file).catch((error: unknown) => {
        if (!isProsamError(error)) throw error;
        return undefined;
      });
      if (size === undefined) tally.add('unreadable image', image.name);
      else if (image.size && (image.size[0] !== size.width || image.size[1] !== size.height))
        tally.add('another size', `${image.name} (${size.width} x ${size.height}, annotated as ${image.size.join(' x ')})`);
      else return { image, file, ...size };
      return undefined;
    },
    'images',
    options,
  );
  const used = new Set<string>();
  const files = new Set<string>();
  return found.flatMap((one) => {
    if (one === undefined) return [];
    if (files.has(one.file)) {
      tally.add('entry twice', one.image.name);
      return [];
    }
    files.add(one.file);
    const key = used.has(stemOf(one.image.file)) ? one.image.file : stemOf(one.image.file);
    used.add(key);
    return [{ ...one, key }];
  });
}

/** Labels that something drawable carries, numbered from 1 in their order; those of one name are one class. */
function classesOf({ labels }: Gathered, placed: readonly Placed[], fail: (problem: string) => ProsamError, notes: string[]) {
  const carried = new Set(placed.flatMap(({ image }) => [...image.drawn]));
  const ids = new Map<string, number>();
  const classOf = new Map<number, number>();
  const dropped: string[] = [];
  const joined = new Set<string>();
  for (const [number, name] of labels) {
    if (!carried.has(number)) {
      dropped.push(name);
      continue;
    }
    if (ids.has(name)) joined.add(name);
    const id = ids.get(name) ?? ids.size + 1;
    ids.set(name, id);
    classOf.set(number, id);
  }
  if (ids.size > MAX_CLASSES) throw fail(`expected at most ${MAX_CLASSES} labels, got ${ids.size}. Split the data by label.`);
  if (joined.size > 0) notes.push(`labels of the same name were read as one: ${listed([...joined])}.`);
  const classes: DatasetClass[] = [...ids].map(([name, id]) => ({ id, name }));
  // What has the name of a class belongs to it even where nothing of that number can be drawn.
  for (const [number, name] of labels) if (ids.has(name)) classOf.set(number, ids.get(name) as number);
  return { classes, classOf, dropped: dropped.filter((name) => !ids.has(name)) };
}

/** The data's own split, where every image has a side and both sides have images; the names decide otherwise. */
function sidesOf(placed: readonly Placed[], notes: string[], testOn: OpenDatasetOptions['testOn']): Map<string, Side> | undefined {
  const sides = new Map(placed.flatMap(({ key, image }): [string, Side][] => (image.side ? [[key, image.side]] : [])));
  const both = new Set(sides.values()).size === 2;
  if (both && sides.size === placed.length) return sides;
  if (both)
    notes.push(
      `${placed.length - sides.size} images belong to neither training nor test, so that the split is not used: names decide instead.`,
    );
  else if (sides.size > 0 && testOn !== 'all')
    notes.push(`all images with a side are of one side (${[...sides.values()][0]}): a quarter is held back for testing by name.`);
  return undefined;
}

function reasons(tally: Tally): string {
  const list = tally.list();
  if (list.length === 0) return 'Draw outlines, and export again.';
  return list.map(({ count, about }) => `${count} ${about}.`).join(' ');
}
