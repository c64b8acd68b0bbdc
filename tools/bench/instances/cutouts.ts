/**
 * Pictures made of real cut-outs: whole single objects of COCO photos (chosen by eye, from the test split, which no model here was trained on),
 * pasted side by side, touching and in part over each other, on a photo without their class. Not real photos: borders are too clean and light
 * does not match. Nothing of them is part of the repository.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRgb } from '../../../src/cli/common/draw.ts';
import { sampleWithout, seededRandom, uniformInt, type Random } from '../../../src/core/common/random.ts';
import { mirrorRows } from '../../../src/core/image/pixels.ts';
import { pillowResize, type Raster } from '../../../src/core/image/pillow-resize.ts';
import { splitInstances } from '../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { resizeNearest } from '../../../src/core/mask/resize-map.ts';
import { openDataset } from '../../../src/training/datasets/index.ts';
import { arrangementOf, numbered, unionOf, type Arrangement, type InstanceCase } from './cases.ts';
import { SINGLE_OBJECTS } from './single-objects.ts';

const [WIDTH, HEIGHT] = [384, 320];
const SEED = 700_000;
/** Objects are enlarged by no more than that. */
const LARGEST_SCALE = 1.6;
/** Share of the smaller object that another one may hide. */
const MAX_HIDDEN = 0.2;

interface CutOut {
  image: Raster;
  mask: BinaryMask;
}

interface Photo {
  image: string;
  mask: string;
  split: 'train' | 'test';
  area: Record<string, number>;
}

/** data: folder of coco.json. split: 0 has the objects at even places of the list, 1 those at odd ones. */
export async function cutOutCases(
  data: string,
  wanted: Readonly<Record<Arrangement, number>>,
  split: 0 | 1,
): Promise<{ made: InstanceCase[]; photos: InstanceCase[] }> {
  const photos = (JSON.parse(readFileSync(join(data, 'coco.json'), 'utf8')) as { images: Record<string, Photo> }).images;
  const dataset = await openDataset(join(data, 'coco.json'));
  const nameOf = (key: string): string => key.padStart(12, '0');
  const rgbOf = async (key: string): Promise<Raster> => ({ ...(await readRgb(join(data, (photos[key] as Photo).image))), channels: 3 });
  const labelsOf = (key: string) => dataset.labels({ key, file: join(data, (photos[key] as Photo).image) });
  const maskOf = async (key: string, classId: number): Promise<BinaryMask> => {
    const labels = await labelsOf(key);
    return { ...labels, data: labels.data.map((label) => (label === classId ? 1 : 0)) };
  };

  const classes: { id: number; name: string; sources: string[]; objects: CutOut[]; references: string[] }[] = [];
  const own: InstanceCase[] = [];
  for (const [name, list] of Object.entries(SINGLE_OBJECTS)) {
    const id = dataset.classes.find((one) => one.name === name)?.id as number;
    const all = list.split(' ');
    const chosen = all.filter((_, i) => i % 2 === split);
    if (chosen.length === 0) continue;
    const sources = all.map((one) => nameOf(one.split('#')[0] as string));
    const objects: CutOut[] = [];
    for (const one of chosen) {
      const [short, rank = '0'] = one.split('#') as [string, string?];
      const key = nameOf(short);
      const whole = await maskOf(key, id);
      const region = splitInstances(whole, 1)[Number(rank)] as ReturnType<typeof splitInstances>[number];
      const image = await rgbOf(key);
      objects.push({ image: cutRaster(image, region.boxXyxy), mask: region.mask });
      const instances = new Uint8Array(whole.data.length);
      const [x0, y0] = region.boxXyxy;
      region.mask.data.forEach((value, i) => {
        if (value) instances[(y0 + Math.floor(i / region.mask.width)) * whole.width + x0 + (i % region.mask.width)] = 1;
      });
      const union = unionOf(instances, whole.width, whole.height);
      own.push({ name: `photo ${one}, ${name}`, arrangement: 'single', image: { ...image, channels: 3 }, instances, union });
    }
    const references = Object.keys(photos).filter((key) => ((photos[key] as Photo).area[id] ?? 0) > 0.05 && !sources.includes(key));
    classes.push({ id, name, sources, objects, references });
  }

  const made: InstanceCase[] = [];
  const left = { ...wanted };
  for (let seed = SEED + split; Object.values(left).some((count) => count > 0); seed += 2) {
    const random = seededRandom(seed);
    const concept = classes[uniformInt(random, 0, classes.length - 1)] as (typeof classes)[number];
    const aim = (['touching', 'apart', 'single'] as const).find((one) => left[one] > 0) as Arrangement;
    const count = aim === 'single' ? 1 : 2 + (random() < 0.5 ? 0 : random() < 0.7 ? 1 : 2);
    const [ground] = sampleWithout(
      random,
      Object.keys(photos).filter((key) => {
        const { area, split: part } = photos[key] as Photo;
        return part === 'test' && area[concept.id] === undefined && !concept.sources.includes(key);
      }),
      1,
    ) as [string];
    const background = pillowResize(await rgbOf(ground), WIDTH, HEIGHT);
    const picked = sampleWithout(random, concept.objects, count);
    while (picked.length < count) picked.push(concept.objects[uniformInt(random, 0, concept.objects.length - 1)] as CutOut);
    const pasted = paste(background, picked, aim, random);
    if (pasted === undefined || arrangementOf(pasted, WIDTH) !== aim) continue;
    const { instances, count: shown } = numbered(pasted);
    if (shown !== count) continue;
    const [reference] = sampleWithout(random, concept.references, 1) as [string];
    left[aim]--;
    made.push({
      name: `cut-outs ${seed}, ${concept.name}`,
      ...{ arrangement: aim, instances, union: unionOf(instances, WIDTH, HEIGHT) },
      image: { ...background, channels: 3 },
      reference: { image: join(data, (photos[reference] as Photo).image), mask: await maskOf(reference, concept.id) },
    });
  }
  return { made, photos: own };
}

function cutRaster({ data, width, channels }: Raster, [x0, y0, x1, y1]: readonly [number, number, number, number]): Raster {
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * channels);
  for (let y = y0; y < y1; y++)
    out.set(data.subarray((y * width + x0) * channels, (y * width + x1) * channels), (y - y0) * (x1 - x0) * channels);
  return { data: out, width: x1 - x0, height: y1 - y0, channels };
}

function sized({ image, mask }: CutOut, area: number, mirrored: boolean): CutOut {
  const pixels = mask.data.reduce((sum, value) => sum + value, 0);
  const fits = Math.min((0.62 * WIDTH) / mask.width, (0.8 * HEIGHT) / mask.height);
  const scale = Math.min(Math.sqrt(area / pixels), LARGEST_SCALE, fits);
  const size = { width: Math.max(1, Math.round(scale * mask.width)), height: Math.max(1, Math.round(scale * mask.height)) };
  const pixelsOf = pillowResize(image, size.width, size.height);
  const data = resizeNearest(mask.data, mask, size);
  if (!mirrored) return { image: pixelsOf, mask: { ...size, data } };
  return {
    image: { ...pixelsOf, data: mirrorRows(pixelsOf.data, size.width, 3) },
    mask: { ...size, data: mirrorRows(data, size.width, 1) },
  };
}

/** Paints into the background. -> object of every pixel, or undefined where they do not fit */
function paste(background: Raster, objects: readonly CutOut[], aim: Arrangement, random: Random): Uint8Array | undefined {
  const instances = new Uint8Array(WIDTH * HEIGHT);
  const share = 0.05 + 0.09 * random();
  for (const [i, object] of objects.entries()) {
    const own = sized(object, share * (0.8 + 0.45 * random()) * WIDTH * HEIGHT, random() < 0.5);
    const place = i === 0 ? middle(own, objects.length, random) : beside(instances, own, aim, random);
    if (place === undefined) return undefined;
    const { width, height, data } = own.mask;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (data[y * width + x] === 0) continue;
        const at = (place.y + y) * WIDTH + place.x + x;
        instances[at] = i + 1;
        for (let c = 0; c < 3; c++) background.data[3 * at + c] = own.image.data[3 * (y * width + x) + c] as number;
      }
    }
  }
  return instances;
}

function middle({ mask }: CutOut, count: number, random: Random): { x: number; y: number } {
  const x = count === 1 ? random() : 0.5 * random() + 0.25;
  const y = count === 1 ? random() : 0.5 * random() + 0.25;
  return { x: Math.round(x * (WIDTH - mask.width)), y: Math.round(y * (HEIGHT - mask.height)) };
}

/** Slides an object in from outside until it touches, or hides as much as it may, or stops short. */
function beside(instances: Uint8Array, { mask }: CutOut, aim: Arrangement, random: Random): { x: number; y: number } | undefined {
  const area = mask.data.reduce((sum, value) => sum + value, 0);
  for (let attempt = 0; attempt < 20; attempt++) {
    const angle = 2 * Math.PI * random();
    const hidden = random() < 0.5 ? 1 : MAX_HIDDEN * random() * area;
    const [toX, toY] = [random() * (WIDTH - mask.width), random() * (HEIGHT - mask.height)];
    let last: { x: number; y: number } | undefined;
    for (let far = WIDTH; far >= 0; far -= 1) {
      const x = Math.round(toX + far * Math.cos(angle));
      const y = Math.round(toY + far * Math.sin(angle));
      if (x < 0 || y < 0 || x + mask.width > WIDTH || y + mask.height > HEIGHT) continue;
      const covered = overlapOf(instances, mask, x, y);
      if (aim === 'apart' && covered > 0) break;
      last = { x, y };
      if (covered >= hidden) return covered > 0.5 * area ? undefined : last;
    }
    if (aim === 'apart' && last !== undefined) return last;
  }
  return undefined;
}

function overlapOf(instances: Uint8Array, { data, width, height }: BinaryMask, left: number, top: number): number {
  let sum = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (data[y * width + x] && instances[(top + y) * WIDTH + left + x]) sum++;
  return sum;
}
