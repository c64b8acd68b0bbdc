/** COCO's instance annotations: what every image shows, and its label map drawn when it is asked for. */
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { DEFAULT_LIMITS } from '../../core/image/node/decode.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { emptyMask, fillPolygon, type Point } from '../../core/mask/raster.ts';
import { maskFromCocoRle } from '../../core/mask/rle.ts';
import { IGNORE_LABEL, type LabelMap } from '../types.ts';
import { parseElement, scanJsonArrays } from './json-arrays.ts';
import type { IndexOptions } from './label-index.ts';

const id = z.int().min(0);
const categorySchema = z.object({ id, name: z.string().min(1).max(200) });
const imageSchema = z.object({
  id,
  file_name: z
    .string()
    .max(500)
    .refine((name) => name !== '' && !/[/\\]/.test(name), 'expected a file name without folders'),
  width: z.int().positive(),
  height: z.int().positive(),
});
const annotationSchema = z.object({
  image_id: id,
  category_id: id,
  area: z.number().min(0),
  iscrowd: z.union([z.literal(0), z.literal(1)]).default(0),
});
const shapeSchema = z.object({
  segmentation: z.union([
    z.array(z.array(z.number()).refine((ring) => ring.length >= 6 && ring.length % 2 === 0, 'expected x and y of at least three points')),
    z.object({ size: z.tuple([z.int(), z.int()]), counts: z.union([z.string(), z.array(z.int())]) }),
  ]),
});

/** An annotation without its outline, which stays in the file. */
export interface AnnotationEntry {
  categoryId: number;
  /** Pixels, as the file states them. */
  area: number;
  crowd: boolean;
  offset: number;
  length: number;
}

export interface CocoImage {
  fileName: string;
  width: number;
  height: number;
  annotations: AnnotationEntry[];
}

export interface CocoFile {
  file: string;
  categories: { id: number; name: string }[];
  /** Images with at least one annotation, in the order of the file. */
  images: CocoImage[];
}

/** @throws DATASET_INVALID; the signal's reason */
export async function readCocoFile(file: string, { onProgress, signal }: IndexOptions): Promise<CocoFile> {
  const parse = <T>(schema: z.ZodType<T>, what: string, value: unknown, offset: number): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw invalid(file, `the entry of ${what} at byte ${offset}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  };
  const { size } = await stat(file);
  const categories: CocoFile['categories'] = [];
  const images = new Map<number, CocoImage>();
  const annotations = new Map<number, AnnotationEntry[]>();
  await scanJsonArrays(
    file,
    new Set(['categories', 'images', 'annotations']),
    ({ key, value, offset, length }) => {
      if (key === 'categories') categories.push(parse(categorySchema, key, value, offset));
      else if (key === 'images') {
        const image = parse(imageSchema, key, value, offset);
        if (image.width * image.height > DEFAULT_LIMITS.maxPixels)
          throw invalid(file, `${image.file_name} has over ${DEFAULT_LIMITS.maxPixels} pixels`);
        images.set(image.id, { fileName: image.file_name, width: image.width, height: image.height, annotations: [] });
      } else {
        const { image_id: imageId, category_id: categoryId, area, iscrowd } = parse(annotationSchema, key, value, offset);
        const list = annotations.get(imageId) ?? [];
        annotations.set(imageId, list);
        list.push({ categoryId, area, crowd: iscrowd === 1, offset, length });
      }
    },
    (bytes) => {
      signal?.throwIfAborted();
      onProgress?.(bytes, size, `bytes of ${basename(file)}`);
    },
  );
  const ids = new Set(categories.map((category) => category.id));
  for (const [imageId, list] of annotations) {
    const image = images.get(imageId);
    if (!image) throw invalid(file, `annotations name the image ${imageId}, which is not in "images"`);
    const stray = list.find(({ categoryId }) => !ids.has(categoryId));
    if (stray)
      throw invalid(file, `the annotation at byte ${stray.offset} names the category ${stray.categoryId}, which is not in "categories"`);
    image.annotations = list;
  }
  return { file, categories, images: [...images.values()].filter((image) => image.annotations.length > 0) };
}

/** Crowds (ignored) lie below everything, smaller objects above larger ones. */
export async function drawLabels(file: string, image: CocoImage, classOf: ReadonlyMap<number, number>): Promise<LabelMap> {
  const { width, height } = image;
  const labels = new Uint8Array(width * height);
  const below = [...image.annotations].sort((a, b) => Number(b.crowd) - Number(a.crowd) || b.area - a.area);
  const handle = await open(file, 'r');
  try {
    for (const { categoryId, crowd, offset, length } of below) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      const value = crowd ? IGNORE_LABEL : (classOf.get(categoryId) as number);
      const { data } = outlineMask(file, parseElement(file, buffer.toString('utf8', 0, bytesRead), offset), offset, width, height);
      for (let i = 0; i < data.length; i++) if (data[i] !== 0) labels[i] = value;
    }
  } finally {
    await handle.close();
  }
  return { data: labels, width, height };
}

function outlineMask(file: string, element: unknown, offset: number, width: number, height: number): BinaryMask {
  const parsed = shapeSchema.safeParse(element);
  if (!parsed.success)
    throw invalid(file, `the annotation at byte ${offset} has no polygons or run lengths (${parsed.error.issues[0]?.message ?? ''})`);
  const { segmentation } = parsed.data;
  if (Array.isArray(segmentation)) {
    const mask = emptyMask(width, height);
    // Each polygon on its own: the parts of an object may overlap, and an overlap is no hole.
    for (const ring of segmentation)
      fillPolygon(mask, [Array.from({ length: ring.length / 2 }, (_, i): Point => [ring[2 * i] as number, ring[2 * i + 1] as number])]);
    return mask;
  }
  try {
    const mask = maskFromCocoRle(segmentation);
    if (mask.width === width && mask.height === height) return mask;
  } catch (cause) {
    if (!isProsamError(cause)) throw cause;
    throw invalid(file, `the annotation at byte ${offset}: ${messageOf(cause)}`);
  }
  throw invalid(
    file,
    `the annotation at byte ${offset} has run lengths for ${segmentation.size.join(' x ')} pixels, its image has ${height} x ${width}`,
  );
}

function invalid(file: string, problem: string): ProsamError {
  return new ProsamError(
    'DATASET_INVALID',
    `${file}: expected COCO instance annotations, but ${problem.replace(/\.?$/, '.')} Correct the file or copy it again.`,
  );
}
