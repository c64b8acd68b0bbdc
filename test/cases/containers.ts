/** Containers that hold the very pixels of the plain question. */
import sharp, { type Sharp } from 'sharp';
import type { Case } from './support/case.ts';
import { TARGET } from './support/scene.ts';

const pixels = (): Sharp => {
  const { data, width, height } = TARGET.image;
  return sharp(data, { raw: { width, height, channels: 3 } });
};

function kept(name: string, file: string, encode: (image: Sharp) => Sharp): Case {
  return {
    name,
    question: async (plain) => ({ ...plain, target: { name: file, bytes: await encode(pixels()).toBuffer() } }),
    expected: { same: 'plain' },
  };
}

export const CASES: readonly Case[] = [
  kept('interlaced PNG', 'a.png', (image) => image.png({ progressive: true })),
  kept('lossless WebP', 'a.webp', (image) => image.webp({ lossless: true })),
  kept('TIFF, LZW, tiled', 'a.tif', (image) => image.tiff({ compression: 'lzw', tile: true, tileWidth: 64, tileHeight: 64 })),
  kept('TIFF, deflate, big', 'a.tiff', (image) => image.tiff({ compression: 'deflate', bigtiff: true })),
  kept('PNG with alpha that hides nothing of the colors', 'a.png', (image) => image.ensureAlpha(0.5).png()),
  kept('PNG that is called a JPEG', 'a.jpg', (image) => image.png()),
  {
    name: 'a text file that is called a photo',
    question: (plain) => ({ ...plain, target: { name: 'a.jpg', bytes: new TextEncoder().encode('not an image at all') } }),
    expected: { code: 'IMAGE_UNREADABLE', says: ['expected', 'JPEG'] },
  },
  {
    name: 'an empty file',
    question: (plain) => ({ ...plain, target: { name: 'a.png', bytes: new Uint8Array() } }),
    expected: { code: 'IMAGE_UNREADABLE', says: [] },
    codes: { HTTP: 'REQUEST_INVALID' },
  },
];
