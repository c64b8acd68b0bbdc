/** Small data sets on disk, made for one test each. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import type { Dataset, Episode } from '../../../../src/training/types.ts';

export const [WIDTH, HEIGHT] = [64, 48];

const made: string[] = [];
afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prosam-data-'));
  made.push(folder);
  return folder;
}

/** A band of rows per class: `rows` of each, from the top. */
export function bands(classes: readonly number[], rows = 8): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => classes[Math.floor(i / WIDTH / rows)] ?? 0);
}

export async function put(root: string, path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** Colours that have nothing to do with the ids. */
const PALETTE = Array.from({ length: 256 }, (_, i) => [255 - i, (7 * i) % 256, 128]);

export function labelPng(data: Uint8Array, width = WIDTH, height = HEIGHT): Uint8Array {
  return encode({ data, width, height, channels: 1, palette: PALETTE });
}

export async function jpeg(width = WIDTH, height = HEIGHT, orientation?: number): Promise<Uint8Array> {
  const picture = sharp({ create: { width, height, channels: 3, background: '#48a' } });
  return (orientation ? picture.withMetadata({ orientation }) : picture).jpeg().toBuffer();
}

/** images/, masks/ and classes.json; every entry of `shown` is the classes of one image, img_00 on. */
export async function folderData(shown: readonly (readonly number[])[], manifest: unknown, rows = 8): Promise<string> {
  const root = await tempFolder();
  const picture = await jpeg();
  for (const [i, classes] of shown.entries()) {
    const name = `img_${String(i).padStart(2, '0')}`;
    await put(root, `images/${name}.jpg`, picture);
    await put(root, `masks/${name}.png`, labelPng(bands(classes, rows)));
  }
  await put(root, 'classes.json', JSON.stringify(manifest));
  return root;
}

/** What every episode must satisfy: two different images that both show the class. */
export async function brokenEpisodes(dataset: Dataset, episodes: readonly Episode[]): Promise<Episode[]> {
  const broken: Episode[] = [];
  for (const episode of episodes) {
    const [reference, target] = await Promise.all([dataset.labels(episode.reference), dataset.labels(episode.target)]);
    const shown = reference.data.includes(episode.classId) && target.data.includes(episode.classId);
    if (!shown || episode.reference.key === episode.target.key) broken.push(episode);
  }
  return broken;
}

export function keysOf(episodes: readonly Episode[]): Set<string> {
  return new Set(episodes.flatMap(({ reference, target }) => [reference.key, target.key]));
}
