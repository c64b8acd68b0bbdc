/** Generated scenes as data on disk, so that everything can be trained and measured without any data at all. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { isTemporary, writeDurably } from '../../core/files/write-file.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { CONCEPT_FOLDS, CONCEPTS, generateScene, type Scene } from '../../scenes/index.ts';
import type { Dataset } from '../types.ts';
import { randomFor } from '../step/seeds.ts';
import { episodesByClass } from './episodes.ts';
import type { IndexOptions } from './label-index.ts';
import { openDataset } from './open-dataset.ts';

export interface ScenesOptions extends IndexOptions {
  /** A quarter of them, at least 96, is held back for testing. 192 to 5000. @default 800 */
  images?: number;
  /** The same seed gives the same files. 0 to a billion. @default 1 */
  seed?: number;
  /** Width and height in pixels, 32 to 1024. @default 256 */
  size?: number;
}

const PAIRS_PER_FOLD = 200;
/** Share of the image a concept must cover to count as shown. */
const MIN_AREA = 0.01;
/** On either side every concept is asked for in turn, so that it has the two images an episode takes. */
const MIN_PER_SIDE = 2 * CONCEPTS.length;
const MAX_IMAGES = 5000;
const MAX_TRIES = 200;
/** Says what a folder was generated with; classes.json comes last and makes it complete. */
const RECIPE = 'generated.json';

/** The data in `folder`, written first if they are not there. Classes are the 48 concepts, ids 1 to 48, in their four folds. */
export async function scenesDataset(folder: string, options: ScenesOptions = {}): Promise<Dataset> {
  await writeScenesDataset(folder, options);
  return openDataset(folder, { format: 'folder', ...(options.signal && { signal: options.signal }) });
}

/**
 * Writes images/, masks/ and classes.json with split, folds and 200 test pairs per fold; a folder already complete stays as it is.
 * @throws OPTION_INVALID, OUTPUT_FAILED; the signal's reason, after which the same call goes on from the start
 */
export async function writeScenesDataset(folder: string, options: ScenesOptions = {}): Promise<void> {
  const { images = 800, seed = 1, size = 256, onProgress, signal } = options;
  for (const [name, value, low, high] of [
    ['images', images, 2 * MIN_PER_SIDE, MAX_IMAGES],
    ['seed', seed, 0, 1_000_000_000],
    ['size', size, 32, 1024],
  ] as const) {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new ProsamError('OPTION_INVALID', `scenes option ${name}: expected a whole number from ${low} to ${high}, got ${value}.`);
    }
  }
  const root = resolve(folder);
  if (await isComplete(root, JSON.stringify({ images, seed, size }))) return;
  await writing(root, async () => {
    await mkdir(root, { recursive: true });
    // First, so that the folder is known for what it is wherever the writing ends.
    await writeDurably(join(root, RECIPE), JSON.stringify({ images, seed, size }));
    for (const below of ['images', 'masks']) await mkdir(join(root, below), { recursive: true });
  });
  const testImages = Math.max(MIN_PER_SIDE, Math.round(images / 4));
  const entries: Record<string, SceneEntry> = {};
  for (let i = 0; i < images; i++) {
    signal?.throwIfAborted();
    const split = i < testImages ? 'test' : 'train';
    const scene = sceneWith((split === 'test' ? i : i - testImages) % CONCEPTS.length, 1_000_000 * seed + MAX_TRIES * i, size);
    const labels = labelsOf(scene);
    const key = `scene_${String(i).padStart(4, '0')}`;
    const entry: SceneEntry = { image: `images/${key}.png`, mask: `masks/${key}.png`, w: size, h: size, split, area: sharesOf(labels) };
    entries[key] = entry;
    await writing(root, async () => {
      await writeFile(join(root, entry.image), encode({ data: scene.image, width: size, height: size, channels: 3 }));
      await writeFile(join(root, entry.mask), encode({ data: labels, width: size, height: size, channels: 1, palette: PALETTE }));
    });
    onProgress?.(i + 1, images, 'scenes');
  }
  const manifest = {
    suite: 'scenes',
    classes: CONCEPTS.map(({ id, name }) => ({ id: id + 1, name })),
    min_area: MIN_AREA,
    folds: CONCEPT_FOLDS.map((concepts, fold) => ({ novel: concepts.map((id) => id + 1), pairs: pairsOf(entries, concepts, seed, fold) })),
    images: entries,
  };
  await writing(root, async () => {
    await writeDurably(join(root, 'classes.json'), JSON.stringify(manifest, null, 1));
  });
}

interface SceneEntry {
  image: string;
  mask: string;
  w: number;
  h: number;
  split: 'train' | 'test';
  /** Class id -> share of the image. */
  area: Record<string, number>;
}

/** @throws OPTION_INVALID for a folder that holds anything else */
async function isComplete(root: string, recipe: string): Promise<boolean> {
  const files = (await readdir(root).catch((): string[] => [])).filter((name) => !isTemporary(name));
  if (files.length === 0) return false;
  const found = await readFile(join(root, RECIPE), 'utf8').catch(() => undefined);
  if (found === recipe) return files.includes('classes.json');
  const holds = found === undefined ? 'other files' : `scenes of ${found}`;
  throw new ProsamError(
    'OPTION_INVALID',
    `${root}: expected an empty folder or scenes of ${recipe}, but it holds ${holds}. Name another folder.`,
  );
}

/** The first scene from `firstSeed` on that shows the concept well enough. */
function sceneWith(concept: number, firstSeed: number, size: number): Scene {
  for (let seed = firstSeed; seed < firstSeed + MAX_TRIES; seed++) {
    const scene = generateScene(seed, { size, force: [concept] });
    const shown = scene.instances.reduce((sum, instance) => sum + (instance > 0 && scene.concepts[instance - 1] === concept ? 1 : 0), 0);
    if (shown >= MIN_AREA * size * size) return scene;
  }
  throw new Error(`no scene of ${MAX_TRIES} shows concept ${concept} well enough`);
}

function labelsOf({ instances, concepts }: Scene): Uint8Array {
  return instances.map((instance) => (instance === 0 ? 0 : (concepts[instance - 1] as number) + 1));
}

function sharesOf(labels: Uint8Array): Record<string, number> {
  const counts = new Map<number, number>();
  for (const label of labels) if (label !== 0) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Object.fromEntries([...counts].map(([id, count]) => [String(id), count / labels.length]));
}

/** Novel classes in turn, each pair two test images that show the class well enough: [class id, reference, target]. */
function pairsOf(entries: Readonly<Record<string, SceneEntry>>, concepts: readonly number[], seed: number, fold: number) {
  const random = randomFor(seed, 'episodes', fold);
  const test = Object.entries(entries).filter(([, { split }]) => split === 'test');
  const byClass = new Map(
    concepts.map((concept) => {
      const shown = test.filter(([, { area }]) => (area[String(concept + 1)] ?? 0) >= MIN_AREA);
      return [concept + 1, shown.map(([key, { image }]) => ({ key, file: image }))];
    }),
  );
  const pool = { images: [], byClass, present: new Map() };
  return Array.from({ length: PAIRS_PER_FOLD }, (_, i) => {
    const [pair] = episodesByClass(pool, [(concepts[i % concepts.length] as number) + 1], 1, random);
    return [pair?.classId, pair?.reference.key, pair?.target.key];
  });
}

/** Colours for people who open a label map: black, then one hue per class. */
const PALETTE = Array.from({ length: CONCEPTS.length + 1 }, (_, id) =>
  id === 0 ? [0, 0, 0] : [0, 2.1, 4.2].map((phase) => Math.round(128 + 120 * Math.cos(2.4 * id + phase))),
);

async function writing(root: string, write: () => Promise<void>): Promise<void> {
  await write().catch((cause: unknown) => {
    throw new ProsamError(
      'OUTPUT_FAILED',
      `${root}: the scenes cannot be written: ${messageOf(cause)}. Make room or name another folder.`,
      {
        cause,
      },
    );
  });
}
