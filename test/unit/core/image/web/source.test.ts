/** Images in a browser, with sharp standing in for what a browser decodes with. */
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeImageSource } from '../../../../../src/core/image/node/source.ts';
import { webImageSource } from '../../../../../src/core/image/web/source.ts';
import { expectRejection } from '../../expect-error.ts';

interface FakeBitmap {
  width: number;
  height: number;
  rgba: Uint8ClampedArray;
  closed: boolean;
  close(): void;
}

const bitmaps: FakeBitmap[] = [];

async function createImageBitmap(file: Blob, options: object): Promise<FakeBitmap> {
  expect(options).toEqual({ imageOrientation: 'from-image', colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const image = sharp(new Uint8Array(await file.arrayBuffer()), { ignoreIcc: true })
    .autoOrient()
    .ensureAlpha();
  const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const bitmap: FakeBitmap = {
    ...{ width: info.width, height: info.height, rgba: new Uint8ClampedArray(data), closed: false },
    close: () => void (bitmap.closed = true),
  };
  bitmaps.push(bitmap);
  return bitmap;
}

class OffscreenCanvas {
  #drawn: FakeBitmap | undefined;
  getContext() {
    return {
      drawImage: (bitmap: FakeBitmap) => void (this.#drawn = bitmap),
      getImageData: (_x: number, _y: number, width: number, height: number) => ({ data: this.#drawn?.rgba, width, height }),
    };
  }
}

const pixels = Uint8Array.from({ length: 3 * 20 * 12 }, (_, i) => (i * 37) % 256);
const picture = () => sharp(pixels, { raw: { width: 20, height: 12, channels: 3 } });

describe('images in a browser', () => {
  beforeEach(() => {
    bitmaps.length = 0;
    vi.stubGlobal('createImageBitmap', createImageBitmap);
    vi.stubGlobal('OffscreenCanvas', OffscreenCanvas);
    vi.stubGlobal('location', { href: 'https://page.example/app/', origin: 'https://page.example' });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('are the pixels and the keys of Node, from bytes, files, data URLs, pixels and what the browser has decoded', async () => {
    const bytes = new Uint8Array(await picture().png().toBuffer());
    const [here, there] = [webImageSource(), nodeImageSource()];
    const expected = await there.load(bytes);
    for (const input of [bytes, new Blob([bytes]), `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`]) {
      const loaded = await here.load(input);
      expect(loaded.key).toBe(expected.key);
      expect(await loaded.decode()).toEqual(await expected.decode());
    }
    const raw = await there.load({ data: pixels, width: 20, height: 12, channels: 3 });
    const rgba = Uint8ClampedArray.from({ length: 4 * 240 }, (_, i) => (i % 4 === 3 ? 255 : (pixels[3 * (i >> 2) + (i % 4)] as number)));
    const bitmap = { width: 20, height: 12, rgba, close: () => undefined };
    for (const input of [{ data: pixels, width: 20, height: 12, channels: 3 }, { data: rgba, width: 20, height: 12 }, bitmap]) {
      const loaded = await here.load(input as never);
      expect(loaded.key).toBe(raw.key);
      expect(await loaded.decode()).toEqual(await raw.decode());
    }
    expect(bitmaps.every(({ closed }) => closed)).toBe(true);
  });

  it('are upright', async () => {
    const turned = new Uint8Array(await picture().jpeg().withMetadata({ orientation: 6 }).toBuffer());
    const { width, height } = await (await webImageSource().load(turned)).decode();
    expect([width, height]).toEqual([12, 20]);
  });

  it('are bounded before anything is decoded', async () => {
    const bytes = new Uint8Array(await picture().png().toBuffer());
    await expectRejection('IMAGE_TOO_LARGE', (await webImageSource({ maxPixels: 200 }).load(bytes)).decode(), /got 20 x 12/);
    await expectRejection('IMAGE_TOO_LARGE', webImageSource({ maxBytes: 100 }).load(new Blob([bytes])), /at most 100 bytes/);
    await expectRejection('IMAGE_TOO_LARGE', (await webImageSource({ maxBytes: 100 }).load(bytes)).decode(), /at most 100 bytes/);
    expect(bitmaps).toEqual([]);
    const bitmap = { width: 20, height: 12, close: () => undefined };
    await expectRejection('IMAGE_TOO_LARGE', webImageSource({ maxPixels: 200 }).load(bitmap as never));
  });

  it('are refused with words: another origin, no image, a damaged one, a browser that cannot', async () => {
    const source = webImageSource();
    await expectRejection('URL_REFUSED', source.load('https://elsewhere.example/a.png'), /page's own origin/);
    await expectRejection('FILE_NOT_FOUND', source.load('data:nonsense'), /cannot be read/);
    const text = await source.load(new TextEncoder().encode('<svg/>'));
    await expectRejection('IMAGE_UNREADABLE', text.decode(), /expected a JPEG, PNG, WebP, AVIF or GIF/);
    const bytes = new Uint8Array(await picture().png().toBuffer());
    await expectRejection('IMAGE_UNREADABLE', (await source.load(bytes.slice(0, 60))).decode(), /cannot decode it/);
    await expectRejection('IMAGE_UNREADABLE', source.load({ data: pixels, width: 20, height: 13, channels: 3 }));
    vi.stubGlobal('createImageBitmap', undefined);
    await expectRejection('IMAGE_UNREADABLE', (await source.load(bytes)).decode(), /with createImageBitmap/);
  });

  it('give masks from black and white and from alpha', async () => {
    const marks = Uint8Array.from({ length: 240 }, (_, i) => (i % 7 === 0 ? 255 : 0));
    const grey = new Uint8Array(
      await sharp(marks, { raw: { width: 20, height: 12, channels: 1 } })
        .png()
        .toBuffer(),
    );
    const rgba = Uint8Array.from({ length: 960 }, (_, i) => (i % 4 === 3 ? (marks[i >> 2] as number) : 9));
    const alpha = new Uint8Array(
      await sharp(rgba, { raw: { width: 20, height: 12, channels: 4 } })
        .png()
        .toBuffer(),
    );
    for (const file of [grey, alpha])
      expect((await webImageSource().loadMask(file)).data).toEqual(marks.map((value) => (value >= 128 ? 1 : 0)));
  });
});
