/** COCO's instance annotations: what every image shows, and its label map drawn when it is asked for. */
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import { DEFAULT_LIMITS } from '../../core/image/node/decode.ts';
import { cocoRleSize, type CompressedRle } from '../../core/mask/rle.ts';
import { boxOf, readSegmentation } from './coco-segmentation.ts';
import { fieldsOf, numberOf, textOf } from './forms/lenient-json.ts';
import { areaWithin, boxRing, type Shape } from './forms/shapes.ts';
import { parseElement, scanJsonArrays } from './json-arrays.ts';
import type { IndexOptions } from './label-index.ts';
import type { Tally } from './tally.ts';

/** An annotation without its outline, which stays in the file. */
export interface AnnotationEntry {
  categoryId: string;
  /** Pixels, as the file states them where it does; 0 where there is no outline. */
  area: number;
  crowd: boolean;
  offset: number;
  length: number;
}

export interface CocoImage {
  fileName: string;
  /** Absent where the file does not say. */
  size?: readonly [width: number, height: number];
  annotations: AnnotationEntry[];
}

export interface CocoFile {
  file: string;
  categories: { id: string; name: string }[];
  /** In the order of the file, also those without annotations. */
  images: CocoImage[];
}

/** Outline of an annotation that was just read. */
interface Scanned extends AnnotationEntry {
  /** [width, height] of run lengths. */
  rleSizes: readonly (readonly [number, number])[];
  bounds?: readonly [number, number, number, number];
}

/**
 * Reads a file from end to end. What cannot be used is left out and counted. An annotation whose outline is missing or broken keeps its
 * place with an area of 0: its image shows the category, though nobody knows where.
 * @throws DATASET_INVALID for what is no such file; the signal's reason
 */
export async function readCocoFile(file: string, tally: Tally, { onProgress, signal }: IndexOptions): Promise<CocoFile> {
  const { size } = await stat(file);
  const categories = new Map<string, string>();
  const images = new Map<string, CocoImage>();
  const annotations = new Map<string, Scanned[]>();
  await scanJsonArrays(
    file,
    new Set(['categories', 'images', 'annotations']),
    ({ key, value, offset, length }) => {
      const fields = fieldsOf(value);
      const where = `${key} at byte ${offset}`;
      const id = idOf(fields['id']);
      if (key === 'categories') {
        const name = textOf(fields['name'])?.trim().normalize('NFC').slice(0, 200);
        if (id === undefined || !name) tally.add('unreadable entry', where);
        else if (categories.has(id) && categories.get(id) !== name) tally.add('entry twice', where);
        else categories.set(id, name);
      } else if (key === 'images') {
        const fileName = textOf(fields['file_name']);
        if (id === undefined || fileName === undefined) tally.add('unreadable entry', where);
        else if (images.has(id)) tally.add('entry twice', fileName);
        else images.set(id, { fileName, ...sizeOf(fields, file, fileName), annotations: [] });
      } else {
        const [imageId, categoryId] = [idOf(fields['image_id']), idOf(fields['category_id'])];
        if (imageId === undefined || categoryId === undefined) {
          tally.add('unreadable entry', where);
          return;
        }
        const list = annotations.get(imageId) ?? [];
        annotations.set(imageId, list);
        list.push({ categoryId, crowd: isCrowd(fields['iscrowd']), offset, length, ...outlineOf(fields, where, tally) });
      }
    },
    (bytes) => {
      signal?.throwIfAborted();
      onProgress?.(bytes, size, `bytes of ${basename(file)}`);
    },
  );
  for (const [imageId, list] of annotations) {
    const image = images.get(imageId);
    if (image === undefined) tally.add('unknown image', `image_id ${imageId}`, list.length);
    else image.annotations = list.flatMap((one) => (categories.has(one.categoryId) ? [placed(one, image, tally)] : unknown(one, tally)));
  }
  return { file, categories: [...categories].map(([id, name]) => ({ id, name })), images: [...images.values()] };
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value.slice(0, 200);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

function isCrowd(value: unknown): boolean {
  return value === 1 || value === true || value === '1';
}

function sizeOf({ width, height }: Readonly<Record<string, unknown>>, file: string, name: string): Pick<CocoImage, 'size'> {
  const [w, h] = [numberOf(width) ?? 0, numberOf(height) ?? 0];
  if (!(Number.isInteger(w) && Number.isInteger(h) && w > 0 && h > 0)) return {};
  if (w * h <= DEFAULT_LIMITS.maxPixels) return { size: [w, h] };
  throw new ProsamError('DATASET_INVALID', `${file}: ${name} has over ${DEFAULT_LIMITS.maxPixels} pixels. Shrink the image.`);
}

/** The stated area where it is one; nothing counts that has no outline. */
function outlineOf(fields: Readonly<Record<string, unknown>>, where: string, tally: Tally): Pick<Scanned, 'area' | 'rleSizes' | 'bounds'> {
  const outline = readSegmentation(fields['segmentation']);
  if (typeof outline === 'string') {
    tally.add(outline, where);
    return { area: 0, rleSizes: [] };
  }
  for (const kind of outline.lost) tally.add(kind, where);
  const stated = numberOf(fields['area']) ?? 0;
  return {
    area: stated > 0 ? stated : outline.area,
    rleSizes: outline.rles.map(({ size: [height, width] }) => [width, height] as const),
    ...(outline.rings.length > 0 && { bounds: outline.bounds }),
  };
}

/** An annotation of an image that is known: its area within it. */
function placed({ rleSizes, bounds, area, ...entry }: Scanned, { fileName, size }: CocoImage, tally: Tally): AnnotationEntry {
  if (size === undefined || area === 0) return { ...entry, area };
  const [width, height] = size;
  if (rleSizes.some(([w, h]) => w !== width || h !== height)) {
    tally.add('broken run lengths', `${fileName} (masks of ${rleSizes[0]?.join(' x ')}, image of ${width} x ${height})`);
    return { ...entry, area: 0 };
  }
  if (bounds === undefined) return { ...entry, area };
  const within = areaWithin([boxRing([...bounds])], width, height);
  if (within === 0 && rleSizes.length === 0) tally.add('outside the image', fileName);
  return { ...entry, area: rleSizes.length > 0 ? area : Math.min(area, within) };
}

function unknown({ categoryId }: Scanned, tally: Tally): [] {
  tally.add('unknown label', `category_id ${categoryId}`);
  return [];
}

/**
 * Shapes of an image of this size, read from their places in the file. An annotation without a usable outline gives its box, ignored.
 * label: number of a category's label. crowdsIgnored: or objects like the others.
 */
export async function readShapes(
  file: string,
  annotations: readonly AnnotationEntry[],
  [width, height]: readonly [number, number],
  { label, crowdsIgnored }: { label: (categoryId: string) => number; crowdsIgnored: boolean },
): Promise<Shape[]> {
  const shapes: Shape[] = [];
  const handle = await open(file, 'r');
  try {
    for (const { categoryId, area, crowd, offset, length } of annotations) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      const fields = fieldsOf(parseElement(file, buffer.toString('utf8', 0, bytesRead), offset));
      const outline = area === 0 ? 'no outline' : readSegmentation(fields['segmentation']);
      const common = { label: label(categoryId), area, ...(crowd && crowdsIgnored && { ignored: true }) };
      if (typeof outline === 'string') {
        const box = boxOf(fields['bbox']);
        if (box) shapes.push({ ...common, ignored: true, area: areaWithin([box], width, height), rings: [box] });
        continue;
      }
      if (outline.rings.length > 0) shapes.push({ ...common, rings: outline.rings });
      for (const rle of outline.rles) {
        const [rows, columns] = cocoRleSize(rle);
        if (rows === height && columns === width) shapes.push({ ...common, rle: rle as CompressedRle });
      }
    }
  } finally {
    await handle.close();
  }
  return shapes;
}
