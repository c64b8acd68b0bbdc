/** An object as one frame shows it: its mask, and its pixels at every level. */
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { Raster } from '../../image/pillow-resize.ts';
import { levelScales, levelsOf } from './levels.ts';
import { samplesOf, type Samples } from './samples.ts';

export interface Look {
  mask: BinaryMask;
  /** Middle of its pixels. */
  middle: { x: number; y: number };
  area: number;
  /** Sizes of a frame in which it is looked for, finest first. */
  scales: number[];
  /** At those sizes. */
  samples: Samples[];
}

/** mask: of the frame's own size, not empty */
export function lookOf(frame: Raster, mask: BinaryMask): Look {
  let [area, sumX, sumY] = [0, 0, 0];
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      area++;
      sumX += x + 0.5;
      sumY += y + 0.5;
    }
  }
  const middle = { x: sumX / area, y: sumY / area };
  const scales = levelScales(area);
  const samples = levelsOf(frame, scales).map((level) => samplesOf(level, mask, middle));
  return { mask, middle, area, scales, samples };
}
