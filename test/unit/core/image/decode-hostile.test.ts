/** Files that are damaged, of other kinds, or made to hurt. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeGrey, decodeImage } from '../../../../src/core/image/node/decode.ts';
import type { Raster } from '../../../../src/core/image/pillow-resize.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import { expectRejection } from '../expect-error.ts';
import { PNG_COLOUR, pngChunk, pngFile } from './png-file.ts';
import { onThisMachine } from '../../../support/busy-watch.ts';

function picture(width: number, height: number) {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 31 + i * 7) % 256);
  return sharp(data, { raw: { width, height, channels: 3 } });
}

const DECODERS: readonly ((...given: Parameters<typeof decodeGrey>) => Promise<Raster>)[] = [decodeImage, decodeGrey];

async function expectUnreadable(bytes: Uint8Array): Promise<void> {
  for (const decode of DECODERS) await expectRejection('IMAGE_UNREADABLE', decode(bytes, 'upload 7'), 'upload 7', 'expected a JPEG, PNG');
}

describe('IMAGE_UNREADABLE', () => {
  const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
  const others: [name: string, bytes: Uint8Array][] = [
    ['no bytes', new Uint8Array(0)],
    ['one byte', Uint8Array.of(0xff)],
    ['text', Buffer.from('hello, world')],
    ['SVG', Buffer.from(SVG)],
    ['SVG behind an XML header', Buffer.from(`<?xml version="1.0"?>\n${SVG}`)],
    ['SVG packed by gzip', Buffer.from('1f8b0800', 'hex')],
    ['PDF', Buffer.from('%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF')],
    ['PPM', Buffer.from('P6\n1 1\n255\nabc')],
    ['the signature of a PNG and no more', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['the signature of a JPEG and text', Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.from('just words')])],
    ['a video that begins like AVIF', Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2')],
    ['a WAV that begins like WebP', Buffer.from('RIFF\x24\0\0\0WAVEfmt ')],
  ];
  test.each(others)('%s', async (_, bytes) => {
    await expectUnreadable(bytes);
  });

  test('an SVG reaches no renderer: its entities are never expanded', async () => {
    const entities = Array.from({ length: 8 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('');
    const bomb = Buffer.from(`<!DOCTYPE svg [<!ENTITY e0 "x">${entities}]>${SVG.replace('<rect', '&e8;<rect')}`);
    const { message } = await expectRejection('IMAGE_UNREADABLE', decodeImage(bomb, 'bomb'));
    expect(message).not.toMatch(/XML|svg/i);
  });

  test.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('%s cut off anywhere before its last tenth', async (format) => {
    const whole = await picture(64, 48).toFormat(format).toBuffer();
    for (const share of [0.05, 0.3, 0.5, 0.7, 0.85]) {
      // GIF, TIFF and AVIF parts may hold a whole picture's pixels; JPEG and PNG must never come back in part.
      const cut = whole.subarray(0, Math.floor(share * whole.length));
      if (format === 'jpeg' || format === 'png') await expectUnreadable(cut);
      else for (const decode of DECODERS) await expectSound(decode(cut, 'cut'));
    }
  });

  test('a PNG whose data stops short of its rows', async () => {
    await expectUnreadable(pngFile({ width: 50, height: 50, depth: 8, colour: PNG_COLOUR.rgb, rows: new Uint8Array(151) }));
  });

  test('a PNG of impossible sizes', async () => {
    const rows = new Uint8Array(10);
    for (const [width, height] of [
      [0, 5],
      [5, 0],
      [2 ** 31, 1],
    ] as const) {
      await expectUnreadable(pngFile({ width, height, depth: 8, colour: PNG_COLOUR.rgb, rows }));
    }
  });
});

/** A picture whose pixels fit its size, or one of this library's errors. */
async function expectSound(decoded: ReturnType<typeof decodeImage>): Promise<void> {
  try {
    const { data, width, height, channels } = await decoded;
    expect(data.length).toBe(width * height * channels);
  } catch (error) {
    if (!isProsamError(error)) throw error;
    expect(error.code).toMatch(/^IMAGE_/);
  }
}

describe('IMAGE_TOO_LARGE', () => {
  async function quickly(run: () => Promise<unknown>): Promise<void> {
    const [before, earlier] = [process.memoryUsage.rss(), process.cpuUsage()];
    await run();
    const { user, system } = process.cpuUsage(earlier); // µs, of all threads
    expect((user + system) / 1000).toBeLessThan(onThisMachine(2000));
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
  }

  test('a header that claims 60000 x 60000 pixels', async () => {
    const bytes = pngFile({ width: 60_000, height: 60_000, depth: 8, colour: PNG_COLOUR.rgb, rows: new Uint8Array(10) });
    await quickly(async () => {
      for (const decode of DECODERS) await expectRejection('IMAGE_TOO_LARGE', decode(bytes, 'upload'), 'upload', '60000 x 60000');
    });
  });

  test('a real bomb: 400 million pixels in some kilobytes', async () => {
    const rows = new Uint8Array(20_000 * 2501);
    const bytes = pngFile({ width: 20_000, height: 20_000, depth: 1, colour: PNG_COLOUR.grey, rows });
    expect(bytes.length).toBeLessThan(100_000);
    await quickly(async () => {
      for (const decode of DECODERS) await expectRejection('IMAGE_TOO_LARGE', decode(bytes, 'upload'), '20000 x 20000');
    });
  });

  test('a bomb in a text chunk is not unpacked', async () => {
    const packed = Buffer.concat([
      Buffer.from('note\0\0'),
      pngFile({ width: 1, height: 1, depth: 8, colour: 0, rows: new Uint8Array(20e6) }).subarray(41, -16),
    ]);
    const between = [pngChunk('zTXt', packed)];
    const bytes = pngFile({ width: 1, height: 1, depth: 8, colour: PNG_COLOUR.grey, rows: new Uint8Array(2), between });
    await quickly(() => expectSound(decodeImage(bytes, 'upload')));
  });

  test('more bytes than the limit, before they are looked at', async () => {
    for (const decode of DECODERS) {
      await expectRejection(
        'IMAGE_TOO_LARGE',
        decode(new Uint8Array(1001), 'upload', { maxBytes: 1000 }),
        'at most 1000 bytes',
        'got 1001',
      );
      await expectRejection('IMAGE_TOO_LARGE', decode(new Uint8Array(64 * 2 ** 20 + 1), 'upload'), '67108864');
    }
  });

  test('one pixel more than the limit, but not as many', async () => {
    const bytes = await picture(10, 7).png().toBuffer();
    for (const decode of DECODERS) {
      await expectRejection('IMAGE_TOO_LARGE', decode(bytes, 'upload', { maxPixels: 69 }), 'at most 69 pixels', '10 x 7');
      expect((await decode(bytes, 'upload', { maxPixels: 70 })).width).toBe(10);
    }
  });
});

describe('damaged files decode or fail with a code of this library', () => {
  const formats = {
    'JPEG with EXIF': () => picture(24, 16).withMetadata({ orientation: 6 }).jpeg(),
    'progressive JPEG': () => picture(24, 16).jpeg({ progressive: true }),
    PNG: () => picture(24, 16).png(),
    'palette PNG': () => picture(24, 16).png({ palette: true }),
    'lossy WebP': () => picture(24, 16).webp(),
    'lossless WebP': () => picture(24, 16).webp({ lossless: true }),
    TIFF: () => picture(24, 16).tiff({ compression: 'lzw' }),
    'plain TIFF': () => picture(24, 16).tiff({ compression: 'none' }),
    GIF: () => picture(24, 16).gif(),
    AVIF: () => picture(24, 16).avif(),
  };
  const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), value: fc.nat(255), early: fc.boolean() });
  const damage = fc.record({
    changes: fc.array(change, { minLength: 1, maxLength: 5 }),
    keep: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) }),
  });

  test.each(Object.entries(formats))('%s', async (_, make) => {
    const whole = await make().toBuffer();
    await fc.assert(
      fc.asyncProperty(damage, async ({ changes, keep }) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, value, early } of changes) bytes[Math.floor(at * (early ? Math.min(100, bytes.length) : bytes.length))] = value;
        const kept = bytes.subarray(0, Math.floor(keep * bytes.length));
        await Promise.all(DECODERS.map((decode) => expectSound(decode(kept, 'fuzz', { maxPixels: 1e6 }))));
      }),
      { numRuns: 300 },
    );
  });
});
