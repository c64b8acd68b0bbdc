/** The field "segmentation" of COCO's annotations in the forms that tools write, and what is wrong with others. */
import { isProsamError } from '../../core/common/errors.ts';
import { cocoRleArea, type CocoRle } from '../../core/mask/rle.ts';
import type { LeftOutKind } from './tally.ts';
import { boundsOf, ringArea, ringFrom, type FlatRing } from './forms/shapes.ts';

export interface Outline {
  rings: readonly FlatRing[];
  rles: readonly CocoRle[];
  /** Pixels that its parts cover together, at most. */
  area: number;
  /** Box around the rings. */
  bounds: readonly [x0: number, y0: number, x1: number, y1: number];
  /** Faults of parts of it that are left out. */
  lost: readonly LeftOutKind[];
}

/** Polygons as lists of numbers or of pairs, one bare list, run lengths as text or list, several of them. -> the kind of fault where nothing is left */
export function readSegmentation(value: unknown): Outline | LeftOutKind {
  const parts = partsOf(value);
  if (parts.length === 0) return 'no outline';
  const rings: FlatRing[] = [];
  const rles: CocoRle[] = [];
  const lost: LeftOutKind[] = [];
  let area = 0;
  for (const part of parts) {
    if (Array.isArray(part)) {
      if (part.length === 0) continue;
      const ring = ringFrom(part);
      if (ring === 'not a number') lost.push(ring);
      else if (ring === undefined || ringArea(ring) === 0) lost.push('degenerate outline');
      else {
        rings.push(ring);
        area += ringArea(ring);
      }
      continue;
    }
    const rle = part as CocoRle;
    try {
      area += cocoRleArea(rle);
      rles.push(rle);
    } catch (error) {
      if (!isProsamError(error)) throw error;
      lost.push('broken run lengths');
    }
  }
  if (rings.length + rles.length === 0) return lost[0] ?? 'no outline';
  if (area === 0) return 'degenerate outline';
  const bounds = boundsOf(rings.flatMap((ring) => boundsOf(ring)));
  return { rings, rles, area, bounds, lost };
}

function partsOf(value: unknown): unknown[] {
  if (isRle(value)) return [value];
  if (!Array.isArray(value)) return [];
  if (typeof value[0] === 'number' || value[0] === null) return [value];
  return (value as unknown[]).filter((part) => Array.isArray(part) || isRle(part));
}

function isRle(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { size, counts } = value as { size?: unknown; counts?: unknown };
  return size !== undefined || counts !== undefined;
}

/** The box of an annotation as a ring, where it is one. */
export function boxOf(value: unknown): FlatRing | undefined {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite)) return undefined;
  const [x, y, width, height] = value as [number, number, number, number];
  return width > 0 && height > 0 ? Float64Array.of(x, y, x + width, y, x + width, y + height, x, y + height) : undefined;
}
