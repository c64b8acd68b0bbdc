/**
 * Pillow's bilinear resize, bit for bit: a triangle filter widened when shrinking (antialiasing), first along rows, then
 * along columns, with fixed-point weights and rounding to whole levels after each pass. Networks trained on images
 * resized this way see the same pixels here. Pillow 13 changed the order where the height shrinks by more than twice as many
 * pixels as the width (columns first there); such images differ from its by single levels.
 */
import { triangleTaps, type Taps } from './triangle-taps.ts';

/** 8-bit samples, row-major, channels interleaved. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

/** Pillow keeps 22 bits of every weight: 32 minus 8 bits of sample and 2 of head room. */
const PRECISION = 22;

export function pillowResize(image: Raster, width: number, height: number): Raster {
  const wide = width === image.width ? image : resizeRows(image, width);
  return height === wide.height ? wide : resizeColumns(wide, height);
}

/** Weights in fixed point. */
interface FixedTaps extends Omit<Taps, 'shares'> {
  weights: Int32Array;
}

function tapsFor(from: number, to: number): FixedTaps {
  const { shares, ...taps } = triangleTaps(from, to);
  return { ...taps, weights: Int32Array.from(shares, (share) => Math.trunc(share * (1 << PRECISION) + 0.5)) };
}

function toLevel(sum: number): number {
  const level = sum >> PRECISION;
  return level < 0 ? 0 : level > 255 ? 255 : level;
}

const HALF = 1 << (PRECISION - 1);

function resizeRows(image: Raster, width: number): Raster {
  return image.channels === 3 ? resizeRgbRows(image, width) : resizeAnyRows(image, width);
}

/** The three samples of a pixel at once: a loop over channels inside takes twice as long, and this is most of reading a photo. */
function resizeRgbRows({ data, height, width: from }: Raster, width: number): Raster {
  const { first, count, weights, width: tapWidth } = tapsFor(from, width);
  const out = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const end = x * tapWidth + (count[x] as number);
      let source = 3 * (y * from + (first[x] as number));
      let [red, green, blue] = [HALF, HALF, HALF];
      for (let tap = x * tapWidth; tap < end; tap++, source += 3) {
        const weight = weights[tap] as number;
        red += Math.imul(data[source] as number, weight);
        green += Math.imul(data[source + 1] as number, weight);
        blue += Math.imul(data[source + 2] as number, weight);
      }
      out[at] = toLevel(red);
      out[at + 1] = toLevel(green);
      out[at + 2] = toLevel(blue);
    }
  }
  return { data: out, width, height, channels: 3 };
}

function resizeAnyRows(image: Raster, width: number): Raster {
  const { data, height, channels } = image;
  const { first, count, weights, width: tapWidth } = tapsFor(image.width, width);
  const out = new Uint8Array(width * height * channels);
  const rowLength = image.width * channels;
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = y * rowLength;
    for (let x = 0; x < width; x++) {
      const from = row + (first[x] as number) * channels;
      const taps = count[x] as number;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let j = 0, source = from + c; j < taps; j++, source += channels) {
          sum += (data[source] as number) * (weights[x * tapWidth + j] as number);
        }
        out[at++] = toLevel(sum);
      }
    }
  }
  return { data: out, width, height, channels };
}

function resizeColumns(image: Raster, height: number): Raster {
  const { data, width, channels } = image;
  const { first, count, weights, width: tapWidth } = tapsFor(image.height, height);
  const rowLength = width * channels;
  const out = new Uint8Array(rowLength * height);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let j = 0; j < (count[y] as number); j++) {
      const weight = weights[y * tapWidth + j] as number;
      const row = ((first[y] as number) + j) * rowLength;
      for (let i = 0; i < rowLength; i++) sums[i] = (sums[i] as number) + Math.imul(data[row + i] as number, weight);
    }
    const row = y * rowLength;
    for (let i = 0; i < rowLength; i++) out[row + i] = toLevel(sums[i] as number);
  }
  return { data: out, width, height, channels };
}
