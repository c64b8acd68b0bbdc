/** Parts of a connected region: every pixel goes to the nearest group of points, and no part is torn or tiny. */
import { PAUSE_AFTER, type Steps } from '../../mask/cooperative.ts';
import { splitInstancesSteps, type Region } from '../../mask/instances.ts';
import type { Point } from '../../mask/raster.ts';

/** Number of a part, from 1, for each pixel of a region's box; 0 outside of the region. */
interface Labels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** groups: points of each part in the image's pixels, 2 to 255 of them. leastArea: pixels of the smallest part. -> the region in disjoint parts */
export function* partsOf(region: Region, groups: readonly (readonly Point[])[], leastArea: number): Steps<Region[]> {
  const labels = yield* nearestGroups(region, groups);
  yield* holdTogether(labels, groups.length, leastArea);
  const [left, top] = region.boxXyxy;
  const parts = yield* cutOut(labels, groups.length);
  return parts.flatMap((part) => (part === undefined ? [] : [moved(part, left, top)])).sort((a, b) => b.area - a.area);
}

function moved({ boxXyxy: [x0, y0, x1, y1], ...rest }: Region, left: number, top: number): Region {
  return { ...rest, boxXyxy: [x0 + left, y0 + top, x1 + left, y1 + top] };
}

/** 1 + the group of the nearest point. */
function* nearestGroups({ boxXyxy: [left, top], mask }: Region, groups: readonly (readonly Point[])[]): Steps<Labels> {
  const points = groups.flatMap((group, i) => group.map(([x, y]) => ({ x: x - left - 0.5, y: y - top - 0.5, label: i + 1 })));
  const { width, height } = mask;
  const data = new Uint8Array(mask.data.length);
  let sincePause = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask.data[y * width + x] === 0) continue;
      let [best, least] = [0, Infinity];
      for (const point of points) {
        const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
        if (distance < least) [best, least] = [point.label, distance];
      }
      data[y * width + x] = best;
      sincePause += points.length;
    }
    if ((sincePause += width) < 16 * PAUSE_AFTER) continue;
    sincePause = 0;
    yield;
  }
  return { data, width, height };
}

/** Each label's pixels; boxes in pixels of the labels' own box. [count] */
function* cutOut({ data, width, height }: Labels, count: number): Steps<(Region | undefined)[]> {
  const boxes = Array.from({ length: count + 1 }, () => ({ x0: width, y0: height, x1: 0, y1: 0, area: 0 }));
  for (let y = 0, sincePause = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const label = data[y * width + x] as number;
      if (label === 0) continue;
      const box = boxes[label] as (typeof boxes)[number];
      if (x < box.x0) box.x0 = x;
      if (x >= box.x1) box.x1 = x + 1;
      if (y < box.y0) box.y0 = y;
      box.y1 = y + 1;
      box.area++;
    }
    if ((sincePause += width) < 4 * PAUSE_AFTER) continue;
    sincePause = 0;
    yield;
  }
  const regions: (Region | undefined)[] = [];
  for (let label = 1; label <= count; label++) {
    const { x0, y0, x1, y1, area } = boxes[label] as (typeof boxes)[number];
    if (area === 0) {
      regions.push(undefined);
      continue;
    }
    const mask = { data: new Uint8Array((x1 - x0) * (y1 - y0)), width: x1 - x0, height: y1 - y0 };
    for (let y = y0, sincePause = 0; y < y1; y++) {
      for (let x = x0; x < x1; x++) if (data[y * width + x] === label) mask.data[(y - y0) * mask.width + x - x0] = 1;
      if ((sincePause += mask.width) < 4 * PAUSE_AFTER) continue;
      sincePause = 0;
      yield;
    }
    regions.push({ boxXyxy: [x0, y0, x1, y1], area, mask });
  }
  return regions;
}

/** Gives pieces of a part that hang apart from its largest one, and parts that are too small, to the part they share most of their border with. */
function* holdTogether(labels: Labels, count: number, leastArea: number): Steps<void> {
  const parts = yield* cutOut(labels, count);
  const loose: Region[] = [];
  let held = 0;
  for (const part of parts) {
    if (part === undefined) continue;
    const [x0, y0] = part.boxXyxy;
    const pieces = (yield* splitInstancesSteps(part.mask, 1)).map((piece) => moved(piece, x0, y0));
    if ((pieces[0] as Region).area >= leastArea) {
      held++;
      pieces.shift();
    }
    loose.push(...pieces);
  }
  if (held === 0) {
    labels.data.forEach((label, i) => (labels.data[i] = Math.min(label, 1)));
    return;
  }
  for (const piece of loose) paint(labels, piece, 0);
  // The region hangs together, so that each round finds a place for one piece at least.
  for (let open = loose; open.length > 0;) {
    const still: Region[] = [];
    for (const piece of open) {
      const next = neighbourOf(labels, piece);
      if (next === 0) still.push(piece);
      else paint(labels, piece, next);
      yield;
    }
    if (still.length === open.length) return;
    open = still;
  }
}

function paint({ data, width }: Labels, { boxXyxy: [x0, y0], mask }: Region, label: number): void {
  for (let y = 0; y < mask.height; y++)
    for (let x = 0; x < mask.width; x++) if (mask.data[y * mask.width + x] !== 0) data[(y0 + y) * width + x0 + x] = label;
}

/** Label with the most pixels around a piece that has none itself, 0 where there are none. */
function neighbourOf({ data, width, height }: Labels, { boxXyxy: [x0, y0], mask }: Region): number {
  const borders = new Map<number, number>();
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      for (let ny = Math.max(0, y0 + y - 1); ny <= Math.min(height - 1, y0 + y + 1); ny++) {
        for (let nx = Math.max(0, x0 + x - 1); nx <= Math.min(width - 1, x0 + x + 1); nx++) {
          const label = data[ny * width + nx] as number;
          if (label !== 0) borders.set(label, (borders.get(label) ?? 0) + 1);
        }
      }
    }
  }
  return [...borders].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0])[0];
}
