/** References of one concept in one image, as one: several objects marked one after the other, or the same mark twice. */
import { sha256Hex } from '../common/sha256.ts';
import type { PreparedReference } from './references.ts';
import type { ImageInput } from './types.ts';
import type { ImageReading } from '../image/values/reading.ts';

/** A reference, where its image comes from and how it is read, and what else that shows. */
export type ShownReference = PreparedReference & { image: ImageInput; reading: ImageReading; shows: readonly string[] };

/** shown: of one concept. -> in the order in which the images first appear, each with all that is marked in it */
export async function onePerImage(shown: readonly ShownReference[]): Promise<ShownReference[]> {
  const byImage = new Map<string, Map<string, ShownReference>>();
  for (const reference of shown) {
    const found = byImage.get(reference.features.key) ?? new Map<string, ShownReference>();
    byImage.set(reference.features.key, found.set(reference.key, reference));
  }
  return Promise.all([...byImage.values()].map((marks) => together([...marks.values()])));
}

async function together(marks: readonly ShownReference[]): Promise<ShownReference> {
  const [first, ...others] = marks as [ShownReference, ...ShownReference[]];
  if (others.length === 0) return first;
  const [data, cells] = [first.mask.data.slice(), first.cells.slice()];
  for (const { mask, cells: more } of others) {
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) | (mask.data[i] as number);
    for (let i = 0; i < cells.length; i++) cells[i] = Math.max(cells[i] as number, more[i] as number);
  }
  const keys = marks.map(({ key }) => key).sort();
  const shows = [...new Set(marks.flatMap((mark) => mark.shows))];
  return { ...first, shows, key: await sha256Hex(keys.join(' ')), mask: { ...first.mask, data }, cells };
}
