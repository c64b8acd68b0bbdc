import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeImageSource, pathOf } from '../../../../../src/core/image/node/source.ts';
import type { PixelImage } from '../../../../../src/core/engine/types.ts';
import { expectCode, expectRejection } from '../../expect-error.ts';

let folder = '';
let png: Uint8Array;
const LEVELS = Uint8Array.of(10, 20, 30, 40, 50, 60);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosam-source-'));
  png = await sharp(LEVELS, { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function saved(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('files', () => {
  test('path, file: URL and bytes of one image share a key and its pixels', async () => {
    const source = nodeImageSource();
    const path = await saved('ä image.png', png);
    const loaded = await Promise.all([path, pathToFileURL(path), png].map((input) => source.load(input)));
    expect(new Set(loaded.map(({ key }) => key)).size).toBe(1);
    for (const image of loaded) expect(await image.decode()).toEqual({ data: Uint8Array.from(LEVELS), width: 2, height: 1, channels: 3 });
  });

  test('a file already known is found again without being kept in memory, and decodes', async () => {
    const source = nodeImageSource();
    const path = await saved('known.png', png);
    const first = await source.load(path);
    const second = await source.load(path);
    expect(second.key).toBe(first.key);
    expect((await second.decode()).width).toBe(2);
  });

  test('a file that changed has another key', async () => {
    const source = nodeImageSource();
    const path = await saved('changing.png', png);
    const before = await source.load(path);
    const other = await sharp(LEVELS.toReversed(), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    await saved('changing.png', other);
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    const after = await source.load(path);
    expect(after.key).not.toBe(before.key);
    expect([...(await after.decode()).data]).toEqual([...LEVELS.toReversed()]);
  });

  test('what is missing, a folder or no path at all: FILE_NOT_FOUND with the path', async () => {
    const source = nodeImageSource();
    await mkdir(join(folder, 'sub'), { recursive: true });
    await expectRejection('FILE_NOT_FOUND', source.load(join(folder, 'missing.png')), 'missing.png');
    await expectRejection('FILE_NOT_FOUND', source.load(join(folder, 'sub')), 'folder');
    await expectRejection('FILE_NOT_FOUND', source.load(join(folder, 'nul\0byte.png')));
    await expectRejection('FILE_NOT_FOUND', source.load(''));
    await expectRejection('FILE_NOT_FOUND', source.loadMask(join(folder, 'missing.png')), 'missing.png');
  });

  test('a file deleted before it is decoded: FILE_NOT_FOUND', async () => {
    const source = nodeImageSource();
    const path = await saved('short-lived.png', png);
    await source.load(path);
    const loaded = await source.load(path);
    await rm(path);
    await expectRejection('FILE_NOT_FOUND', loaded.decode(), 'short-lived.png');
  });

  test('more bytes than allowed: IMAGE_TOO_LARGE, from files and memory, for images and masks', async () => {
    const source = nodeImageSource({ maxBytes: png.byteLength - 1 });
    const path = await saved('large.png', png);
    await expectRejection('IMAGE_TOO_LARGE', source.load(path), 'large.png', String(png.byteLength));
    await expectRejection('IMAGE_TOO_LARGE', source.loadMask(path), 'large.png');
    const loaded = await source.load(png);
    await expectRejection('IMAGE_TOO_LARGE', loaded.decode(), String(png.byteLength));
    await expectRejection('IMAGE_TOO_LARGE', source.loadMask(png));
    expect((await (await nodeImageSource({ maxBytes: png.byteLength }).load(path)).decode()).width).toBe(2);
  });

  test('what is no image: IMAGE_UNREADABLE, naming the file', async () => {
    const source = nodeImageSource();
    const path = await saved('notes.txt', Buffer.from('just words'));
    const loaded = await source.load(path);
    await expectRejection('IMAGE_UNREADABLE', loaded.decode(), 'notes.txt');
    await expectRejection('IMAGE_UNREADABLE', source.loadMask(path), 'notes.txt');
  });

  test('masks come from paths, URLs and bytes', async () => {
    const source = nodeImageSource();
    const mask = await sharp(Uint8Array.of(0, 255, 0), { raw: { width: 3, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    const path = await saved('mask.png', mask);
    for (const input of [path, pathToFileURL(path), mask, new Blob([new Uint8Array(mask)]), new Uint8Array(mask).buffer]) {
      expect(await source.loadMask(input)).toEqual({ data: Uint8Array.of(0, 1, 0), width: 3, height: 1 });
    }
  });
});

describe('pathOf', () => {
  test('a path as it is, a file: URL as its path', () => {
    expect(pathOf('a/b.png')).toBe('a/b.png');
    expect(pathOf(new URL('file:///a%20b/c.png'))).toBe('/a b/c.png');
  });

  test.each(['https://example.com/a.png', 'data:image/png;base64,AAAA', 'file://host/a.png', 'file:///a%2Fb.png'])(
    'OPTION_INVALID for %s',
    (href) => {
      expectCode('OPTION_INVALID', () => pathOf(new URL(href)), 'file:');
    },
  );
});

describe('pixels', () => {
  const load = (image: PixelImage) => nodeImageSource({ maxPixels: 100 }).load(image);
  const pixels = async (image: PixelImage) => [...(await (await load(image)).decode()).data];

  test('grey becomes three channels, alpha is dropped', async () => {
    expect(await pixels({ data: Uint8Array.of(1, 2), width: 2, height: 1, channels: 1 })).toEqual([1, 1, 1, 2, 2, 2]);
    expect(await pixels({ data: Uint8Array.of(1, 2, 3, 0, 5, 6, 7, 9), width: 1, height: 2, channels: 4 })).toEqual([1, 2, 3, 5, 6, 7]);
    expect(await pixels({ data: LEVELS, width: 2, height: 1, channels: 3 })).toEqual([...LEVELS]);
    expect(await pixels({ data: new Uint8ClampedArray(LEVELS), width: 2, height: 1 })).toEqual([...LEVELS]);
  });

  test('the key stands for content and shape', async () => {
    const key = async (image: PixelImage) => (await load(image)).key;
    const wide: PixelImage = { data: LEVELS, width: 2, height: 1, channels: 3 };
    expect(await key(wide)).toBe(await key({ ...wide, data: LEVELS.slice() }));
    expect(await key(wide)).not.toBe(await key({ ...wide, width: 1, height: 2 }));
    expect(await key(wide)).not.toBe(await key({ ...wide, data: LEVELS.toReversed() }));
  });

  const whole: PixelImage = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 };
  test.each([
    ['values missing', { ...whole, data: new Uint8Array(11) }, '11 values'],
    ['values too many', { ...whole, data: new Uint8Array(13) }, '13 values'],
    ['values that give no whole number of channels', { data: new Uint8Array(13), width: 2, height: 2 }, '13 values'],
    ['two channels', { ...whole, data: new Uint8Array(8), channels: 2 as 3 }, '2 channels'],
    ['a fractional size', { data: new Uint8Array(3), width: 1.5, height: 2, channels: 1 as const }, 'whole numbers'],
    ['an endless size', { ...whole, width: Infinity }, 'whole numbers'],
  ])('IMAGE_UNREADABLE: %s', async (_, image, message) => {
    await expectRejection('IMAGE_UNREADABLE', load(image), message);
  });

  test('IMAGE_EMPTY: no pixels', async () => {
    await expectRejection('IMAGE_EMPTY', load({ ...whole, width: 0, data: new Uint8Array(0) }), '0 x 2');
    await expectRejection('IMAGE_EMPTY', load({ ...whole, width: NaN }), 'NaN');
    await expectRejection('IMAGE_EMPTY', load({ ...whole, height: -2 }), '-2');
  });

  test('IMAGE_TOO_LARGE: more pixels than allowed', async () => {
    await expectRejection('IMAGE_TOO_LARGE', load({ data: new Uint8Array(101), width: 101, height: 1, channels: 1 }), '101 x 1');
  });
});
