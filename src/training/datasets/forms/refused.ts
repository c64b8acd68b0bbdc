/** Forms without masks, or in a box of their own: refused by name, with the nearest form that is read. */
import { open } from 'node:fs/promises';
import { ProsamError } from '../../../core/common/errors.ts';
import type { JsonKind } from './json-kind.ts';
import type { Tree } from './tree.ts';

/** Kinds of the files of a folder. */
export interface Seen {
  json: ReadonlyMap<JsonKind, readonly string[]>;
  xml: { cvat: readonly string[]; voc: readonly string[]; other: readonly string[] };
  /** Its configuration, '' where only its folders are there. */
  yolo: string | undefined;
  /** Whether there is a folder SegmentationClass. */
  masks: boolean;
}

/** First bytes of zip, gzip, bzip2, 7z, rar and xz. */
const ARCHIVE_HEADS = ['PK\u0003\u0004', '\u001f\u008b', 'BZh', '7z\u00bc\u00af', 'Rar!', '\u00fd7zXZ'];
const ARCHIVE = /\.(zip|tar|tgz|gz|bz2|xz|7z|rar)$/i;

function refused(path: string, what: string, remedy: string): ProsamError {
  return new ProsamError('DATASET_INVALID', `${path}: expected images with outlines or masks, but this is ${what}. ${remedy}`);
}

/** @throws DATASET_INVALID for an archive, or a file of records */
export async function refuseFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  let head: string;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    head = buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
  if (ARCHIVE_HEADS.some((start) => head.startsWith(start)) || ARCHIVE.test(path))
    throw refused(path, 'an archive', 'Unpack it, and name the folder with --data.');
  if (/\.tfrecords?(-|$)/i.test(path))
    throw refused(path, 'a TFRecord file', 'Export the data as COCO with segmentations, or as YOLO-seg.');
  if (/\.csv$/i.test(path)) throw refused(path, 'a table (CSV)', 'Export the data as COCO with segmentations, or as YOLO-seg.');
}

/** The error for a folder in which none of the forms was found but one of these; undefined where there is nothing of the kind. */
export async function refusalOf(tree: Tree, { json, xml }: Seen): Promise<ProsamError | undefined> {
  const { root, files } = tree;
  const has = (pattern: RegExp): string | undefined => files.find((path) => pattern.test(path));
  const coco = 'Export the data as COCO with segmentations, or as YOLO-seg.';
  if (json.has('panoptic')) return refused(root, 'COCO panoptic', 'Export it as COCO instances, with the segmentation in each annotation.');
  if (json.has('createml')) return refused(root, 'CreateML, which holds boxes only', coco);
  if (json.has('via')) return refused(root, 'a project of VGG Image Annotator', 'Export it there as COCO.');
  if (xml.voc.length > 0)
    return refused(
      root,
      'Pascal VOC for detection (one XML file with boxes an image)',
      'Export "Segmentation mask" (SegmentationClass/), or COCO with segmentations.',
    );
  if (has(/\.tfrecords?(-|$)/i)) return refused(root, 'TFRecord files', coco);
  const text = has(/(^|\/)(label_2|labels)\/[^/]*\.txt$/i);
  if (text !== undefined) {
    const line = await firstLine(tree.at(text));
    if (/^\S*[A-Za-z]\S*(\s+-?[\d.eE+-]+){14,15}\s*$/.test(line)) return refused(root, 'KITTI, which holds boxes only', coco);
    if (/^\d+(\s+[\d.eE+-]+){4,}\s*$/.test(line)) {
      const kind = /^\d+(\s+[\d.eE+-]+){4}\s*$/.test(line) ? 'YOLO boxes (five numbers a line)' : 'YOLO labels';
      return refused(
        root,
        `${kind} without data.yaml`,
        'Put a data.yaml with "names" and "train" beside them; outlines are needed: YOLO-seg (class, x1, y1, x2, y2, x3, y3, ...).',
      );
    }
  }
  if (has(/\.csv$/i)) return refused(root, 'a table (CSV) beside images', coco);
  const archive = has(ARCHIVE);
  if (archive !== undefined) return refused(`${root}/${archive}`, 'an archive', 'Unpack it, and name the folder with --data.');
  return undefined;
}

async function firstLine(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/)[0]?.trim() ?? '';
  } finally {
    await handle.close();
  }
}
