/** Whole objects cut out of real photos, and photos to put them on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRgb } from '../../../src/cli/common/draw.ts';
import type { Raster } from '../../../src/core/image/pillow-resize.ts';
import { splitInstances } from '../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { openDataset } from '../../../src/training/datasets/index.ts';
import { SINGLE_OBJECTS } from '../instances/single-objects.ts';

export interface CutOut {
  name: string;
  image: Raster;
  mask: BinaryMask;
}

interface Photo {
  image: string;
  split: 'train' | 'test';
  area: Record<string, number>;
}

/** Least pixels of an object: others were blurred before they are moved. */
const MIN_AREA = 2500;

/** data: folder of coco.json. split: 0 has the objects at even places of each class's list, 1 those at odd ones, with other backgrounds. */
export async function openObjects(
  data: string,
  split: 0 | 1,
): Promise<{ objects: (CutOut & { classId: number })[]; backgroundsFor(classId: number): string[]; read(key: string): Promise<Raster> }> {
  const photos = (JSON.parse(readFileSync(join(data, 'coco.json'), 'utf8')) as { images: Record<string, Photo> }).images;
  const dataset = await openDataset(join(data, 'coco.json'));
  const fileOf = (key: string): string => join(data, (photos[key] as Photo).image);
  const read = async (key: string): Promise<Raster> => ({ ...(await readRgb(fileOf(key))), channels: 3 });
  const objects: (CutOut & { classId: number })[] = [];
  const sources = new Set<string>();
  for (const [name, list] of Object.entries(SINGLE_OBJECTS)) {
    const classId = dataset.classes.find((one) => one.name === name)?.id as number;
    for (const [place, one] of list.split(' ').entries()) {
      const [short, rank = '0'] = one.split('#') as [string, string?];
      const key = short.padStart(12, '0');
      sources.add(key);
      if (place % 2 !== split) continue;
      const labels = await dataset.labels({ key, file: fileOf(key) });
      const whole = { ...labels, data: labels.data.map((label) => (label === classId ? 1 : 0)) };
      const region = splitInstances(whole, 1)[Number(rank)];
      if (region === undefined || region.area < MIN_AREA) continue;
      objects.push({ name: `${name} ${one}`, classId, image: cut(await read(key), region.boxXyxy), mask: region.mask });
    }
  }
  const grounds = Object.keys(photos)
    .filter((key) => (photos[key] as Photo).split === 'test' && !sources.has(key))
    .filter((_, i) => i % 2 === split);
  return { objects, read, backgroundsFor: (classId) => grounds.filter((key) => (photos[key] as Photo).area[classId] === undefined) };
}

function cut({ data, width }: Raster, [x0, y0, x1, y1]: readonly [number, number, number, number]): Raster {
  const out = new Uint8Array(3 * (x1 - x0) * (y1 - y0));
  for (let y = y0; y < y1; y++) out.set(data.subarray(3 * (y * width + x0), 3 * (y * width + x1)), 3 * (y - y0) * (x1 - x0));
  return { data: out, width: x1 - x0, height: y1 - y0, channels: 3 };
}
