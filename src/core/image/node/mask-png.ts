/** Masks and levels as PNG files, encoded off the calling thread. */
import sharp from 'sharp';
import type { BinaryMask } from '../../mask/label-reduction.ts';

/** 0 / 255 grey, one value a pixel: white is marked. */
export async function maskPng({ data, width, height }: BinaryMask): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 1 } })
    .threshold(1)
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** One level (0..255) per pixel. */
export async function levelsPng(data: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}
