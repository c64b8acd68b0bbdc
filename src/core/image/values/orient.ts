/** Pixels turned upright. */
import { PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';

/** Pixels row by row, channels interleaved. */
interface Turnable<Data> {
  data: Data;
  width: number;
  height: number;
  channels: number;
}

/** orientation: 1 to 8 as EXIF and TIFF number them; others leave the pixels as they are. */
export function* uprightSteps<Data extends Uint8Array | Uint16Array, R extends Turnable<Data>>(
  raster: R & Turnable<Data>,
  orientation: number,
): Steps<R> {
  const { data, width, height, channels } = raster;
  if (!(orientation >= 2 && orientation <= 8)) return raster;
  const turned = orientation >= 5;
  // 2, 3, 7, 8 begin at the right edge of the stored picture as far as columns go; 3, 4, 6, 7 at its lower edge.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [outWidth, outHeight] = turned ? [height, width] : [width, height];
  const out = data instanceof Uint16Array ? new Uint16Array(data.length) : new Uint8Array(data.length);
  for (let y = 0, to = 0, unpaused = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, to += channels) {
      const [column, row] = turned ? [y, x] : [x, y];
      const from = channels * ((fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column));
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c] as number;
    }
    unpaused += outWidth;
    if (unpaused < PAUSE_AFTER_PLAIN / 4) continue;
    unpaused = 0;
    yield;
  }
  return { ...raster, data: out, width: outWidth, height: outHeight };
}
