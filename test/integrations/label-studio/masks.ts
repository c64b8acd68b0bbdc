/** Masks that look like something: a few discs. */
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';

/** The same for the same seed; never empty. */
export function blobMask(width: number, height: number, seed: number): BinaryMask {
  const data = new Uint8Array(width * height);
  let state = (seed >>> 0) + 1;
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let disc = 0; disc < 4; disc++) {
    const [x, y, radius] = [Math.floor(next() * width), Math.floor(next() * height), 1 + next() * 0.2 * Math.min(width, height)];
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) if (Math.hypot(column - x, row - y) < radius) data[row * width + column] = 1;
  }
  return { data, width, height };
}
