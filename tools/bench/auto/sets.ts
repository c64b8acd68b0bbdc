/** Pairs of training images on which the constants of 'auto' were chosen: classes, and concepts that no model was trained on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import type { BinaryMask, ImageInput } from '../../../src/index.ts';
import { decodeImage } from '../../../src/core/image/node/decode.ts';
import { pillowResize } from '../../../src/core/image/pillow-resize.ts';
import { resizeNearest } from '../../../src/core/mask/resize-map.ts';
import { seededRandom } from '../../../src/core/common/random.ts';

export interface Shown {
  image: ImageInput;
  mask: BinaryMask;
  ignore?: Uint8Array;
}
interface Pair {
  concept: string;
  reference: Shown;
  target: Shown;
}
interface Suite {
  images: Record<string, { image: string; mask: string; split: string; area: Record<string, number> }>;
  min_area: number;
}
interface Set {
  suites: readonly string[];
  /** Classes; what is not annotated; slices of everything annotated. */
  concepts: 'classes' | 'background' | 'slices';
  /** A suite. */
  pairs: number;
}

export const SETS: Readonly<Record<string, Set>> = {
  coco: { suites: ['coco'], concepts: 'classes', pairs: 50 },
  clothing: { suites: ['ccp'], concepts: 'classes', pairs: 50 },
  animals: { suites: ['animals'], concepts: 'classes', pairs: 20 },
  'car damage': { suites: ['cardamage'], concepts: 'classes', pairs: 50 },
  slices: { suites: ['ccp'], concepts: 'slices', pairs: 40 },
  background: { suites: ['coco', 'ccp', 'animals'], concepts: 'background', pairs: 8 },
};

const SIDE = 512;
const IGNORED = 255;
const SEED = 778;
const MIN_IMAGES = 3;
/** Borders of the slices of a standing person, as shares of the height. */
const SLICES = [0, 0.17, 0.38, 0.58, 0.8, 1.001];

export async function* openSet(name: string, folder: string, most?: number): AsyncGenerator<Pair> {
  const set = SETS[name];
  if (set === undefined) throw new Error(`expected one of ${Object.keys(SETS).join(', ')}, got ${name}.`);
  for (const suite of set.suites) {
    const json = JSON.parse(readFileSync(join(folder, `${suite}.json`), 'utf8')) as Suite;
    for (const [concept, first, second] of drawn(json, set.concepts, Math.min(most ?? Infinity, set.pairs))) {
      const shown = (key: string): Promise<Shown> => shownOf(folder, json.images[key] as Suite['images'][string], set.concepts, concept);
      const [reference, target] = [await shown(first), await shown(second)];
      if (reference.mask.data.includes(1)) yield { concept: `${suite} ${concept}`, reference, target };
    }
  }
}

/** Concept and two images, the concepts in turns. */
function drawn({ images, min_area: least }: Suite, concepts: Set['concepts'], count: number): [number, string, string][] {
  const random = seededRandom(SEED);
  const training = Object.entries(images).filter(([, { split }]) => split === 'train');
  const byClass = new Map<number, string[]>();
  for (const [key, { area }] of training)
    for (const [id, share] of Object.entries(area)) if (share >= least) byClass.set(Number(id), [...(byClass.get(Number(id)) ?? []), key]);
  const classes = [...byClass].filter(([, keys]) => keys.length >= MIN_IMAGES);
  const all = training.map(([key]) => key);
  return Array.from({ length: count }, (_, i) => {
    const [concept, keys] =
      concepts === 'classes'
        ? (classes[i % classes.length] as [number, string[]])
        : ([concepts === 'slices' ? i % (SLICES.length - 1) : 0, all] as const);
    const first = Math.floor(random() * keys.length);
    const other = Math.floor(random() * (keys.length - 1));
    return [concept, keys[first] as string, keys[other >= first ? other + 1 : other] as string];
  });
}

async function shownOf(folder: string, entry: Suite['images'][string], concepts: Set['concepts'], concept: number): Promise<Shown> {
  const path = join(folder, entry.image);
  const { data } = pillowResize(await decodeImage(readFileSync(path), path), SIDE, SIDE);
  const size = { width: SIDE, height: SIDE };
  const file = decode(readFileSync(join(folder, entry.mask)));
  const labels = resizeNearest(Uint8Array.from(file.data), file, size);
  return {
    image: { data, ...size, channels: 3 },
    mask: { data: concepts === 'slices' ? slice(labels, concept) : labels.map((label) => (label === concept ? 1 : 0)), ...size },
    ignore: labels.map((label) => (label === IGNORED ? 1 : 0)),
  };
}

function slice(labels: Uint8Array, index: number): Uint8Array {
  const on = (label: number): boolean => label !== 0 && label !== IGNORED;
  const top = Math.floor(labels.findIndex(on) / SIDE);
  const height = Math.floor(labels.findLastIndex(on) / SIDE) + 1 - top;
  return labels.map((label, i) => {
    const at = (Math.floor(i / SIDE) - top) / height;
    return on(label) && at >= (SLICES[index] as number) && at < (SLICES[index + 1] as number) ? 1 : 0;
  });
}
