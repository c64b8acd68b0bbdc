/** Opening data to train and test on, whatever their format. */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Dataset } from '../types.ts';
import { COCO_FILES, COCO_FOLDERS, openCoco } from './coco-dataset.ts';
import { DATASET_FORMATS, notFound, type DatasetFormat } from './expected-tree.ts';
import { openFolder } from './folder-dataset.ts';
import { jsonKind } from './forms/json-kind.ts';
import { openForm } from './forms/open-form.ts';
import { checkOptions, type OpenDatasetOptions } from './options.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { openPascal } from './pascal-dataset.ts';

/** VOC's archive unpacks to the second of these. */
const PASCAL_ROOTS = ['', 'VOC2012', 'VOCdevkit/VOC2012'];
const PASCAL_MASKS = 'SegmentationClassAug';

/**
 * path: a folder with images/, masks/ and classes.json; a suite's JSON file, or the folder beside it of the same name; VOC2012
 * with SegmentationClassAug; a COCO folder with annotations/; or an export of a labeling tool, recognised by what its files hold
 * (its folder, or its annotation file). Nothing is ever written there.
 * @throws DATASET_NOT_FOUND with the tree that was expected; DATASET_INVALID, also for forms that are refused by name; OPTION_INVALID; the
 * signal's reason
 */
export async function openDataset(path: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  checkOptions(options);
  const root = resolve(path);
  const tried: readonly DatasetFormat[] = options.format ? [options.format] : DATASET_FORMATS;
  const info = await stat(root).catch(() => undefined);
  if (info?.isFile()) return openFile(root, tried, options);
  if (!info?.isDirectory()) throw notFound(root, info ? 'it is a file of another kind' : 'there is no such folder or file', tried);
  if (tried.includes('pascal')) {
    for (const candidate of PASCAL_ROOTS.map((below) => join(root, below))) {
      if (!(await someExist(candidate, [PASCAL_MASKS]))) continue;
      refuseTestOn(root, options);
      return openPascal(candidate, options);
    }
  }
  if (tried.includes('coco') && (await someExist(root, COCO_FILES)) && (await someExist(root, COCO_FOLDERS))) {
    refuseTestOn(root, options);
    return openCoco(root, options);
  }
  if (tried.includes('folder')) {
    const own = join(root, 'classes.json');
    if (await someExist(root, ['classes.json'])) return openFolder(root, own, basename(root), options);
    if (await someExist(dirname(root), [`${basename(root)}.json`]))
      return openFolder(dirname(root), `${root}.json`, basename(root), options);
    if (await someExist(root, ['images', 'masks'])) {
      const form = await openForm(root, tried, options, false);
      if (form) return form;
      throw notFound(root, 'there is no classes.json in it', ['folder']);
    }
  }
  const form = await openForm(root, tried, options, false);
  if (form) return form;
  if (tried.includes('pascal') && (await someExist(root, ['JPEGImages'])))
    throw notFound(root, `there is no folder ${PASCAL_MASKS}/ in it`, ['pascal', 'voc-masks']);
  throw notFound(root, 'it holds none of the files that were looked for', tried);
}

/** A suite or classes.json, or the annotation file of an export. */
async function openFile(file: string, tried: readonly DatasetFormat[], options: OpenDatasetOptions): Promise<Dataset> {
  const folder = basename(dirname(file));
  const isJson = extname(file).toLowerCase() === '.json';
  if (!isJson || (await jsonKind(file)) !== 'other') {
    const form = await openForm(file, tried, options, true);
    if (form) return form;
  } else if (tried.includes('folder')) {
    return openFolder(dirname(file), file, basename(file) === 'classes.json' ? folder : basename(file, '.json'), options);
  }
  throw notFound(file, 'it is a file of another kind', tried);
}

/** The benchmarks say themselves which images they test on. */
function refuseTestOn(root: string, { testOn }: OpenDatasetOptions): void {
  if (testOn !== 'all') return;
  throw new ProsamError('OPTION_INVALID', `testOn: expected held-back for ${root}, got all. PASCAL and COCO name the images to test on.`);
}

async function someExist(root: string, names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(names.map((name) => stat(join(root, name)).catch(() => undefined)));
  return found.some((info) => info !== undefined);
}
