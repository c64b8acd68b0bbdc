/** Parts of masks that get shapes of their own, and the numbers that hold those of one object together. */
import { createHash } from 'node:crypto';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { outlinesOf, ringArea } from '../../../core/mask/outlines.ts';
import type { Point } from '../../../core/mask/raster.ts';

/** Least area of a part, as a share of the largest: smaller ones are crumbs, which people would have to delete one by one. */
export const DEFAULT_LEAST_PART = 0.05;

/** Those that are large enough, in their order. leftOut: number of the others. */
export interface Kept<T> {
  kept: T[];
  leftOut: number;
}

/** parts: of one mask. leastPart: share of the largest part, 0 to 1. leastPixels: smallest area in any case. */
export function largeEnough<T extends { area: number }>(parts: readonly T[], leastPart: number, leastPixels = 0): Kept<T> {
  const largest = parts.reduce((most, { area }) => Math.max(most, area), 0);
  const kept = parts.filter(({ area }) => area >= Math.max(leastPart * largest, leastPixels));
  return { kept, leftOut: parts.length - kept.length };
}

/** One simple ring for each piece of an object, largest first; the largest stays whatever its size. least: pixels of the others. */
export async function outlinesOfObject(
  mask: BinaryMask,
  { tolerance, least, signal }: { tolerance: number; least: number; signal?: AbortSignal | undefined },
): Promise<Kept<Point[]>> {
  const rings = await outlinesOf(mask, { tolerance, signal });
  const kept = rings.filter((ring, place) => place === 0 || ringArea(ring) >= least);
  return { kept, leftOut: rings.length - kept.length };
}

/** First number, so that groups stay apart from those that CVAT counts from 1. */
const FIRST_GROUP = 2 ** 20;

/** Number of a group for a frame whose other groups are not known: the same for the same image, label and object. image: its sha256. */
export function groupNumber(image: string, label: string, object: number): number {
  const hash = createHash('sha256')
    .update(JSON.stringify([image, label, object]))
    .digest();
  return FIRST_GROUP + (hash.readUInt32BE() % 2 ** 30);
}
