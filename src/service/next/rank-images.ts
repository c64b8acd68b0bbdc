/** Order of images to label: what is gained by an image alone, times how new it is beside those that are labeled or stand before it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { UnlabelledImage } from '../ports/next-images.ts';
import { directionOf, likeness } from './look.ts';

/** An image of the list; novelty: 0..2, absent without a vector or with nothing to compare it with. */
export interface NextImage extends Omit<UnlabelledImage, 'gain' | 'look'> {
  /** 1 less the largest cosine of its vector to one of an image that is labeled or stands before it in the list. */
  novelty?: number;
}

/** Multiplications between two turns of the event loop: a few milliseconds. */
const MAX_MULTIPLICATIONS = 2 ** 20;

interface Open {
  image: UnlabelledImage;
  direction?: Float32Array;
  /** Largest cosine so far; absent: nothing was comparable. */
  nearest?: number;
}

/**
 * Greedy: one after another the image whose gain x novelty is the largest, by the given order where two are the same. An image without a
 * vector is as new as the average of the others; one without a gain comes last, as given. Work grows with images x (labeled + count).
 *
 * images: in their order without novelty. labelled: vectors as bytes. count: so many are ranked; the others follow as given.
 */
export async function rankImages(images: readonly UnlabelledImage[], labelled: readonly Uint8Array[], count: number): Promise<NextImage[]> {
  const open: Open[] = images.map((image) => ({ image, ...(image.look && { direction: directionOf(image.look) }) }));
  let multiplied = 0;
  const compare = async (direction: Float32Array): Promise<void> => {
    for (const one of open) {
      const like = one.direction && likeness(one.direction, direction);
      if (like !== undefined && (one.nearest === undefined || like > one.nearest)) one.nearest = like;
    }
    multiplied += open.length * direction.length;
    if (multiplied < MAX_MULTIPLICATIONS) return;
    multiplied = 0;
    await turn();
  };
  for (const look of labelled) await compare(directionOf(look));
  const known = open.flatMap(({ nearest }) => (nearest === undefined ? [] : [noveltyOf(nearest)]));
  const usual = known.length === 0 ? 1 : known.reduce((sum, value) => sum + value, 0) / known.length;
  const ranked: NextImage[] = [];
  while (ranked.length < count && open.length > 0) {
    let best = 0;
    let most = -Infinity;
    for (const [i, { image, nearest }] of open.entries()) {
      const worth = image.gain === undefined ? -1 : image.gain * (nearest === undefined ? usual : noveltyOf(nearest));
      if (worth > most) [best, most] = [i, worth];
    }
    const [next] = open.splice(best, 1) as [Open];
    ranked.push(listed(next.image, next.nearest));
    if (next.direction) await compare(next.direction);
  }
  return [...ranked, ...open.map(({ image, nearest }) => listed(image, nearest))];
}

/** Rounding apart, no cosine is above 1. */
function noveltyOf(nearest: number): number {
  return Math.max(0, 1 - nearest);
}

/** Image as it is listed, without what it was ranked by. nearest: largest cosine, where there was one */
export function listed(image: UnlabelledImage, nearest?: number): NextImage {
  const shown = { ...image, ...(nearest !== undefined && { novelty: noveltyOf(nearest) }) };
  delete shown.gain;
  delete shown.look;
  return shown;
}
