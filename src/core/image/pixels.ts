/** Pixels at hand: as the networks read them, and mirrored. */
import { ProsamError } from '../common/errors.ts';
import { asBytes, type PixelImage } from './input.ts';
import type { Raster } from './pillow-resize.ts';

/** @throws IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_UNREADABLE for sizes that do not fit together */
export function rasterFromPixels({ data: given, width, height, channels: said }: PixelImage, maxPixels: number): Raster {
  if (!(width >= 1 && height >= 1)) throw new ProsamError('IMAGE_EMPTY', `expected an image with pixels, got ${width} x ${height}.`);
  if (!Number.isInteger(width) || !Number.isInteger(height))
    throw new ProsamError('IMAGE_UNREADABLE', `expected whole numbers for width and height, got ${width} x ${height}.`);
  if (width * height > maxPixels)
    throw new ProsamError('IMAGE_TOO_LARGE', `expected at most ${maxPixels} pixels, got ${width} x ${height}.`);
  const data = asBytes(given);
  const channels = said ?? (data === undefined ? NaN : data.length / (width * height));
  if (data === undefined || ![1, 3, 4].includes(channels) || data.length !== width * height * channels) {
    throw new ProsamError(
      'IMAGE_UNREADABLE',
      `expected ${width} x ${height} pixels of 1, 3 or 4 channels, got ${data?.length ?? 'no'} values for ${said ?? 'unknown'} channels.`,
    );
  }
  if (channels === 3) return { data, width, height, channels };
  const out = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[3 * i + c] = data[i * channels + (channels === 1 ? 0 : c)] as number;
  }
  return { data: out, width, height, channels: 3 };
}

/** Left and right exchanged. data: row-major, channels interleaved. */
export function mirrorRows(data: Uint8Array, width: number, channels: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const row = width * channels;
  for (let at = 0; at < data.length; at += row) {
    for (let x = 0; x < width; x++) out.set(data.subarray(at + x * channels, at + (x + 1) * channels), at + (width - 1 - x) * channels);
  }
  return out;
}
