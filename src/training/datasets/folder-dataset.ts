/** Own images with label maps, as a folder or as a suite file, as training and test episodes. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import { IGNORE_LABEL, type Dataset, type DatasetImage, type LabelMap } from '../types.ts';
import type { Fail } from './folder-folds.ts';
import { pairFiles } from './folder-files.ts';
import { checkImageSize, countLabels, listed } from './label-check.ts';
import { indexAll, type IndexedImage } from './label-index.ts';
import { readLabelPng } from './label-png.ts';
import { readManifest, type ManifestImage } from './manifest.ts';
import type { OpenDatasetOptions } from './options.ts';
import { ownDataset } from './own-data.ts';

/** @param manifestFile JSON; images and masks are beside it, below images/ and masks/ unless it says otherwise */
export async function openFolder(root: string, manifestFile: string, name: string, options: OpenDatasetOptions): Promise<Dataset> {
  const manifest = await readManifest(manifestFile);
  const fail: Fail = (problem) => new ProsamError('DATASET_INVALID', `${manifestFile}: ${problem}`);
  const known = new Set(manifest.classes.map(({ id }) => id));
  const leftOut = new Set([...(manifest.leave_out ?? []), ...(options.leaveOut ?? [])]);
  const classes = manifest.classes.filter(({ id }) => !leftOut.has(id));
  if (classes.length === 0) throw fail('expected at least one class that is not left out.');
  const entries = manifest.images ?? (await pairFiles(root));
  const files = (entry: ManifestImage): { image: string; mask: string } => ({
    image: join(root, entry.image),
    mask: join(root, entry.mask),
  });

  /** The one class whose pixels are 255, as drawing programs save masks. */
  let only: number | undefined;
  const read = async (entry: ManifestImage): Promise<LabelMap> => {
    const { image, mask } = files(entry);
    const labels = await readLabelPng(mask);
    await checkImageSize(image, labels, mask);
    return only === undefined ? labels : { ...labels, data: whiteAs(only, labels.data) };
  };
  let white = 0;
  const index = () =>
    indexAll(
      Object.entries(entries),
      async ([key, entry]): Promise<IndexedImage> => {
        const image: DatasetImage = { key, file: files(entry).image };
        const stated = statedClasses(entry, known, (problem) => fail(`image ${key}: ${problem}`));
        if (stated) {
          for (const file of Object.values(files(entry))) {
            await access(file).catch((cause: unknown) => {
              throw new ProsamError('DATASET_INVALID', `${manifestFile}: image ${key}: expected the file ${file}, but it cannot be read.`, {
                cause,
              });
            });
          }
          return { image, ...stated };
        }
        const labels = await read(entry);
        if (labels.data.includes(IGNORE_LABEL)) white++;
        return { image, classes: countLabels(labels, known, files(entry).mask), pixels: labels.data.length };
      },
      'label maps',
      options,
    );
  let indexed = await index();
  const notes: string[] = [];
  if (white > 0 && indexed.every((entry) => entry.classes.size === 0)) {
    const [one, another] = manifest.classes;
    if (one === undefined || another !== undefined)
      throw fail(
        `expected class ids in the label maps, but ${white} of them hold only 0 and 255, which is ignored. Save the ids (1 is ${one?.name}), or name one class alone: 255 is read as it then.`,
      );
    only = one.id;
    notes.push(`the label maps hold 0 and 255 alone: 255 is read as the one class, ${one.name}, and nothing is ignored.`);
    indexed = await index();
  }
  const own = ownDataset(
    {
      ...{ name, classes, manifest, entries, indexed, fail },
      remedy: (minArea) => `Add images, lower "min_area" (now ${minArea}), or put the class into "leave_out" in ${manifestFile}`,
      labels: async (image) => {
        const entry = Object.hasOwn(entries, image.key) ? entries[image.key] : undefined;
        if (!entry) throw fail(`expected one of its images, got ${image.key}.`);
        const labels = await read(entry);
        countLabels(labels, known, files(entry).mask);
        return labels;
      },
    },
    options,
  );
  if (notes.length === 0) return own;
  const reading = {
    path: manifestFile,
    form: 'a folder of label maps',
    images: indexed.length,
    labels: classes.length,
    leftOut: [],
    notes,
  };
  return { ...own, readings: [reading] };
}

/** Classes a suite lists for an image, so that its label map need not be read. */
function statedClasses(
  { w, h, area }: ManifestImage,
  known: ReadonlySet<number>,
  fail: Fail,
): Pick<IndexedImage, 'classes' | 'pixels'> | undefined {
  if (w === undefined || h === undefined || area === undefined) return undefined;
  const shares = Object.entries(area).map(([id, share]): [number, number] => [Number(id), share]);
  const unknown = shares.map(([id]) => id).filter((id) => !known.has(id));
  if (unknown.length > 0) throw fail(`expected ids of "classes" in "area", but there is no class ${listed(unknown)}.`);
  const pixels = w * h;
  return { classes: new Map(shares.filter(([, share]) => share > 0).map(([id, share]) => [id, share * pixels])), pixels };
}

function whiteAs(id: number, data: Uint8Array): Uint8Array {
  return data.map((value) => (value === IGNORE_LABEL ? id : value));
}
