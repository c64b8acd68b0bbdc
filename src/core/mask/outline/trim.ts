/** Corners are given back until chords change little of a region's area. */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import { splitSteps, type Outline } from './spans.ts';

/**
 * Largest share of a ring's area, and of a region's without its holes, that chords may change. The IoU with the mask stays above 0.95
 * either way it is measured: by areas it is 0.975 at least, and by centres of pixels at most twice as much changes, since a chord that
 * changes a pixel's centre changes half of the pixel.
 */
const MAX_LOSS = 0.025;

/** Whether any corner was added. */
export function* trimSteps(outline: Outline, tolerance: number): Steps<void> {
  const { rings } = outline;
  const losses = new Float64Array(rings.length);
  const regionLoss: number[] = [];
  const regionArea: number[] = [];
  let unpaused = 0;
  for (const [ring, { region, signedArea }] of rings.entries()) {
    losses[ring] = yield* trimRingSteps(outline, ring, MAX_LOSS * Math.abs(signedArea), tolerance);
    regionLoss[region] = (regionLoss[region] ?? 0) + losses[ring];
    regionArea[region] = (regionArea[region] ?? 0) + signedArea;
    if (++unpaused < PAUSE_AFTER >> 4) continue;
    unpaused = 0;
    yield;
  }
  for (const [ring, { region }] of rings.entries()) {
    const allowed = MAX_LOSS * (regionArea[region] as number);
    const lost = regionLoss[region] as number;
    if (lost > allowed) yield* trimRingSteps(outline, ring, ((losses[ring] as number) * allowed) / lost, tolerance);
    if (++unpaused < PAUSE_AFTER >> 4) continue;
    unpaused = 0;
    yield;
  }
}

/** Spans by size of their loss, in steps of a factor of the square root of two: the largest are split first. */
const BUCKETS = 96;
const bucketOf = (loss: number): number => Math.max(0, Math.min(BUCKETS - 1, Math.floor(2 * Math.log2(loss)) + 16));

/** -> what is lost. */
function* trimRingSteps(outline: Outline, ring: number, allowed: number, tolerance: number): Steps<number> {
  const { next, starts, loss } = outline;
  const start = starts[ring] as number;
  let lost = 0;
  let at = start;
  do {
    lost += loss[at] as number;
    at = next[at] as number;
  } while (at !== start);
  if (lost <= allowed) return lost;
  const buckets = Array.from({ length: BUCKETS }, (): number[] => []);
  const file = (span: number): void => {
    if ((loss[span] as number) > 0) (buckets[bucketOf(loss[span] as number)] as number[]).push(span);
  };
  do {
    file(at);
    at = next[at] as number;
  } while (at !== start);
  let top = BUCKETS - 1;
  let unpaused = 0;
  while (lost > allowed && top >= 0) {
    const span = (buckets[top] as number[]).pop();
    if (span === undefined) {
      top--;
      continue;
    }
    const to = next[span] as number;
    lost -= loss[span] as number;
    yield* splitSteps(outline, span, tolerance);
    for (let part = span; part !== to; part = next[part] as number) {
      lost += loss[part] as number;
      file(part);
      top = Math.max(top, (loss[part] as number) > 0 ? bucketOf(loss[part] as number) : 0);
      unpaused += 16;
    }
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return Math.max(0, lost);
}
