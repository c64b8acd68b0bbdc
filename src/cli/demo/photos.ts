/** Photos that come with the package, from `examples/photos`: what is marked in which, and whose they are. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const name = z.string().regex(/^[a-z]+(-[a-z]+)*$/);

const photoSchema = z.strictObject({
  /** File name without `.jpg`; its true mask is `masks/NAME.png`. */
  name,
  /** Concept that the true mask marks; absent for a photo without any. */
  shows: z.string().optional(),
  /** Page at Flickr, which names the author; the photo's number there stands at its end. */
  page: z.url(),
  /** Address of the image that COCO took. */
  original: z.url(),
  /** A key of `licenses`. */
  license: z.string(),
  /** Number in COCO 2017. */
  coco: z.int().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
});

const conceptSchema = z.strictObject({
  label: z.string(),
  /** Photo in which one object is marked. */
  reference: name,
  /** The mark: a box as a person drags it, pixels. */
  boxXyxy: z.tuple([z.int(), z.int(), z.int(), z.int()]),
  /** Photos that show the concept. */
  targets: z.array(name),
  /** Photos that do not. */
  without: z.array(name),
});

const photosSchema = z.strictObject({
  source: z.string(),
  /** License of the true masks, and whose they are. */
  annotations: z.string(),
  /** Licenses of the photos: name and text. */
  licenses: z.record(z.string(), z.url()),
  concepts: z.array(conceptSchema),
  photos: z.array(photoSchema),
});

export type Photo = z.output<typeof photoSchema>;
export type Photos = z.output<typeof photosSchema>;

/** From dist/ the photos lie one folder up, from src/cli/demo/ three. */
export function photosFolder(): string {
  const candidates = ['../examples/photos', '../../../examples/photos'].map((up) => fileURLToPath(new URL(up, import.meta.url)));
  return candidates.find((folder) => existsSync(join(folder, 'photos.json'))) ?? (candidates[0] as string);
}

/** Reads the list of the photos. */
export async function readPhotos(folder: string = photosFolder()): Promise<Photos> {
  return photosSchema.parse(JSON.parse(await readFile(join(folder, 'photos.json'), 'utf8')));
}

/** Number of a photo at Flickr, and address of its license's text. */
export function creditOf({ page, license }: Photo, { licenses }: Photos): { number: string; terms: string } {
  return { number: new URL(page).searchParams.get('id') ?? page, terms: licenses[license] ?? '' };
}
