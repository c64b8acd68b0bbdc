import * as fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readImageHeader } from '../../../../src/core/image/header.ts';

const picture = (width: number, height: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height, channels, background: { r: 200, g: 90, b: 30, alpha: 0.5 } } });

describe('the head of an image file', () => {
  it.each([
    ['png', (w: number, h: number) => picture(w, h).png()],
    ['gif', (w: number, h: number) => picture(w, h).gif()],
    ['webp', (w: number, h: number) => picture(w, h).webp({ quality: 60 })],
    ['webp', (w: number, h: number) => picture(w, h).webp({ lossless: true })],
    ['webp', (w: number, h: number) => picture(w, h, 4).webp({ quality: 60 })],
    ['jpeg', (w: number, h: number) => picture(w, h).jpeg()],
    ['jpeg', (w: number, h: number) => picture(w, h).jpeg({ progressive: true }).withMetadata({ orientation: 6 })],
  ] as const)('gives the size of %s', async (format, make) => {
    for (const [width, height] of [
      [1, 1],
      [37, 5],
      [300, 1021],
    ] as const) {
      const bytes = await make(width, height).toBuffer();
      expect(readImageHeader(bytes)).toEqual({ format, size: { width, height } });
    }
  });

  it('knows AVIF, whose size only decoding tells', async () => {
    expect(readImageHeader(await picture(64, 64).avif({ effort: 0 }).toBuffer())).toEqual({ format: 'avif' });
  });

  it('knows nothing else: no renderer is started on foreign text', async () => {
    for (const text of ['', '<svg xmlns="http://www.w3.org/2000/svg"/>', '%PDF-1.7', 'BM123456', 'II*\0....']) {
      expect(readImageHeader(new TextEncoder().encode(text))).toBeUndefined();
    }
    expect(readImageHeader(await picture(8, 8).tiff().toBuffer())).toBeUndefined();
  });

  it('never throws, wherever a file is cut and whatever follows', async () => {
    const files = await Promise.all(
      [picture(40, 30).png(), picture(40, 30).jpeg(), picture(40, 30).webp(), picture(40, 30).gif()].map((one) => one.toBuffer()),
    );
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(200), fc.uint8Array({ maxLength: 60 }), (file, cut, rest) => {
        const bytes = new Uint8Array([...file.subarray(0, cut), ...rest]);
        const size = readImageHeader(bytes)?.size;
        expect(size === undefined || (size.width >= 0 && size.height >= 0)).toBe(true);
      }),
    );
  });
});
