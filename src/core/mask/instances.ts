/** Splitting a mask into its connected regions. */
import { PAUSE_AFTER, PAUSE_AFTER_PLAIN, runStepsSync, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

/** One connected region; its mask is cut to its box. */
export interface Region {
  /** Tight box in the image's pixels: x0 <= x < x1. */
  boxXyxy: [x0: number, y0: number, x1: number, y1: number];
  /** Pixels. */
  area: number;
  /** Size of the box. */
  mask: BinaryMask;
}

/** Connected regions (diagonal neighbours connect) of at least `minArea` pixels, largest first. */
export function splitInstances(mask: BinaryMask, minArea: number): Region[] {
  return runStepsSync(splitInstancesSteps(mask, minArea));
}

/** The same with pauses. */
export function* splitInstancesSteps(mask: BinaryMask, minArea: number): Steps<Region[]> {
  const { width, height, data } = mask;
  const seen = new Uint8Array(width * height);
  const queue = new Int32Array(width * height);
  const regions: Region[] = [];
  let sincePause = 0;
  for (let start = 0; start < seen.length; start++) {
    if (++sincePause >= PAUSE_AFTER_PLAIN) {
      sincePause = 0;
      yield;
    }
    if (data[start] === 0 || seen[start] !== 0) continue;
    let [head, tail] = [0, 0];
    queue[tail++] = start;
    seen[start] = 1;
    let [x0, y0, x1, y1] = [width, height, 0, 0];
    while (head < tail) {
      // Nine neighbours of each pixel are looked at.
      if ((sincePause += PAUSE_AFTER_PLAIN / PAUSE_AFTER) >= PAUSE_AFTER_PLAIN) {
        sincePause = 0;
        yield;
      }
      const at = queue[head++] as number;
      const x = at % width;
      const y = (at - x) / width;
      [x0, x1] = [Math.min(x0, x), Math.max(x1, x + 1)];
      [y0, y1] = [Math.min(y0, y), Math.max(y1, y + 1)];
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (data[next] === 0 || seen[next] !== 0) continue;
          seen[next] = 1;
          queue[tail++] = next;
        }
      }
    }
    if (tail < minArea) continue;
    const cut = { data: new Uint8Array((x1 - x0) * (y1 - y0)), width: x1 - x0, height: y1 - y0 };
    for (let i = 0; i < tail; i++) {
      const at = queue[i] as number;
      cut.data[(Math.floor(at / width) - y0) * cut.width + (at % width) - x0] = 1;
    }
    regions.push({ boxXyxy: [x0, y0, x1, y1], area: tail, mask: cut });
  }
  return regions.sort((a, b) => b.area - a.area);
}
