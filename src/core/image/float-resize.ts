/** Antialiased bilinear resizing without rounding, as torchvision does it on float tensors: what SAM 2's own transforms use. */
import type { Raster } from './pillow-resize.ts';
import { triangleTaps } from './triangle-taps.ts';

/** image: 8 bits, the first three channels count. -> planes on the 0..255 scale [3, height, width] */
export function floatResize(image: Raster, width: number, height: number): Float32Array {
  const across = triangleTaps(image.width, width);
  const down = triangleTaps(image.height, height);
  const out = new Float32Array(3 * width * height);
  const rows = new Float32Array(image.height * width);
  const sums = new Float64Array(width);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < image.height; y++) {
      for (let x = 0; x < width; x++) {
        let source = (y * image.width + (across.first[x] as number)) * image.channels + c;
        let sum = 0;
        for (let j = 0, tap = x * across.width; j < (across.count[x] as number); j++, tap++, source += image.channels)
          sum += (image.data[source] as number) * (across.shares[tap] as number);
        rows[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      sums.fill(0);
      for (let j = 0; j < (down.count[y] as number); j++) {
        const share = down.shares[y * down.width + j] as number;
        const row = ((down.first[y] as number) + j) * width;
        for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + (rows[row + x] as number) * share;
      }
      out.set(sums, (c * height + y) * width);
    }
  }
  return out;
}
