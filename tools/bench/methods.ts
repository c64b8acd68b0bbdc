/**
 * Quality of each method next to trivial answers, as class-wise mIoU over reference-target pairs:
 *   npm run bench:methods -- [--model NAME|PATH] [--methods M,M] [--scenes N] [--suite FILE.json] [--fold F | --train]
 *     [--pairs N] [--mark mask|box|points] [--threads N]
 * Without --suite it draws generated scenes. A suite is a JSON file of images, classes and folds with pairs, beside its
 * images and index masks. --train draws pairs from the images of its training split instead, on which constants may be chosen.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { decode } from 'fast-png';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import { createEngine, type Annotation, type BinaryMask, type ImageInput } from '../../src/index.ts';
import { pointsFromMask } from '../../src/core/mask/simulate-annotations.ts';
import { EpisodeMeter } from '../../src/core/mask/metrics.ts';
import { boundingBox } from '../../src/core/mask/raster.ts';
import { resizeNearest } from '../../src/core/mask/resize-map.ts';
import { seededRandom, uniformInt } from '../../src/core/common/random.ts';
import type { Method } from '../../src/core/engine/types.ts';

const { values } = parseArgs({
  options: {
    scenes: { type: 'string' },
    suite: { type: 'string' },
    fold: { type: 'string' },
    pairs: { type: 'string' },
    mark: { type: 'string' },
    model: { type: 'string' },
    methods: { type: 'string' },
    train: { type: 'boolean' },
    threads: { type: 'string' },
  },
});

interface Shown {
  image: ImageInput;
  mask: BinaryMask;
  ignore?: Uint8Array;
}
interface Pair {
  classId: number;
  reference: Shown;
  target: Shown;
}

function scenePairs(count: number): Pair[] {
  let seed = 900_000;
  const draw = (concept: number): Shown => {
    const { image, truth } = sceneWith(concept, () => seed++);
    return { image, mask: truth };
  };
  return Array.from({ length: count }, (_, i) => ({ classId: i % 48, reference: draw(i % 48), target: draw(i % 48) }));
}

interface Suite {
  classes: { id: number; name: string }[];
  images: Record<string, { image: string; mask: string; split: string; area: Record<string, number> }>;
  min_area: number;
  folds: { pairs: [number, string, string][] }[];
}

/** Classes in turns, each with two of its training images. */
function trainingPairs({ images, classes, min_area: least }: Suite, count: number): Suite['folds'][number]['pairs'] {
  const random = seededRandom(321);
  const shown = classes
    .map(({ id }) => ({
      id,
      keys: Object.entries(images).flatMap(([key, { split, area }]) => (split === 'train' && (area[id] ?? 0) >= least ? [key] : [])),
    }))
    .filter(({ keys }) => keys.length > 1);
  return Array.from({ length: count }, (_, i) => {
    const { id, keys } = shown[i % shown.length] as { id: number; keys: string[] };
    const first = uniformInt(random, 0, keys.length - 1);
    const second = (first + uniformInt(random, 1, keys.length - 1)) % keys.length;
    return [id, keys[first] as string, keys[second] as string];
  });
}

function suitePairs(file: string, fold: number, most: number): Pair[] {
  const suite = JSON.parse(readFileSync(file, 'utf8')) as Suite;
  const load = (key: string, classId: number): Shown => {
    const entry = suite.images[key] as Suite['images'][string];
    const { data, width, height } = decode(readFileSync(join(dirname(file), entry.mask)));
    const labels = Uint8Array.from(data);
    return {
      image: join(dirname(file), entry.image),
      mask: { data: labels.map((label) => (label === classId ? 1 : 0)), width, height },
      ignore: labels.map((label) => (label === 255 ? 1 : 0)),
    };
  };
  const pairs = values.train ? trainingPairs(suite, most) : (suite.folds[fold] as Suite['folds'][number]).pairs.slice(0, most);
  return pairs.map(([classId, reference, target]) => ({ classId, reference: load(reference, classId), target: load(target, classId) }));
}

const random = seededRandom(321);
function mark(mask: BinaryMask): Annotation {
  if (values.mark === 'box') return { box: boundingBox(mask) ?? [] };
  if (values.mark === 'points') return { points: pointsFromMask(mask, 3, random) };
  return { mask };
}

const most = Number(values.pairs ?? 200);
const pairs =
  values.suite === undefined ? scenePairs(Number(values.scenes ?? 96)) : suitePairs(values.suite, Number(values.fold ?? 0), most);
const meters = new Map<string, EpisodeMeter>();
const add = (name: string, { classId, target }: Pair, prediction: Uint8Array): void => {
  const meter = meters.get(name) ?? new EpisodeMeter(256);
  meters.set(name, meter);
  meter.add(classId, prediction, target.mask.data, target.ignore);
};

const engine = await createEngine({
  ...(values.model !== undefined && { model: values.model }),
  ...(values.threads !== undefined && { threads: Number(values.threads) }),
});
const methods = (values.methods?.split(',') ?? [...engine.info.methods, 'auto']) as (Method | 'auto')[];
for (const pair of pairs) {
  const { reference, target } = pair;
  const references = [{ image: reference.image, ...mark(reference.mask) }];
  for (const method of methods) {
    const { masks } = await engine.predict(target.image, references, { method });
    add(method, pair, (masks[0] as { mask: BinaryMask }).mask.data);
  }
  add('everything foreground', pair, new Uint8Array(target.mask.data.length).fill(1));
  add('the reference’s mask, copied', pair, resizeNearest(reference.mask.data, reference.mask, target.mask));
}
await engine.close();
const classes = [...new Set(pairs.map(({ classId }) => classId))];
console.log(
  `${values.suite ?? 'generated scenes'}${values.train ? ' training split' : values.suite ? ` fold ${values.fold ?? 0}` : ''}: mIoU over ${pairs.length} pairs of ${classes.length} classes, marked by ${values.mark ?? 'mask'}`,
);
for (const [name, meter] of meters) console.log(`  ${name.padEnd(30)} ${(meter.miou(classes) / 100).toFixed(3)}`);
