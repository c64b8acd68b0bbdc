import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeMaskFile } from '../../../../../src/core/image/node/decode-mask.ts';
import { decodeGrey, decodeImage, proveImage } from '../../../../../src/core/image/node/decode.ts';
import { PNG_COLOUR, pngChunk, pngFile, row16 } from '../png-file.ts';

const [WIDTH, HEIGHT] = [32, 16];
/** Quarters of their own: red, green / blue, white. */
const QUARTERS = [
  [250, 10, 20],
  [5, 240, 30],
  [15, 25, 245],
  [255, 255, 255],
] as const;

function quarters(): Sharp {
  const data = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    return QUARTERS[(x < WIDTH / 2 ? 0 : 1) + (y < HEIGHT / 2 ? 0 : 2)]?.[(i % 3) as 0 | 1 | 2] as number;
  });
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** Colours in the middle of the four quarters of a picture: upper left, upper right, lower left, lower right. */
async function quartersOf(bytes: Uint8Array): Promise<number[][]> {
  const { data, width, height, channels } = await decodeImage(bytes, 'test');
  expect(channels).toBe(3);
  expect(data.length).toBe(3 * width * height);
  return [0.25, 0.75].flatMap((v) =>
    [0.25, 0.75].map((u) => {
      const at = 3 * (Math.floor(v * height) * width + Math.floor(u * width));
      return [...data.subarray(at, at + 3)];
    }),
  );
}

function expectNear(found: number[][], wanted: readonly (readonly number[])[], tolerance: number): void {
  const worst = Math.max(...found.flatMap((colour, i) => colour.map((level, c) => Math.abs(level - (wanted[i]?.[c] as number)))));
  expect(worst, JSON.stringify(found)).toBeLessThanOrEqual(tolerance);
}

describe('formats', () => {
  const frames = async () => {
    const first = await quarters().raw().toBuffer();
    return sharp(Buffer.concat([first, Buffer.alloc(first.length, 77)]), {
      raw: { width: WIDTH, height: 2 * HEIGHT, channels: 3, pageHeight: HEIGHT },
    });
  };
  const formats: [name: string, bytes: () => Promise<Buffer>, tolerance: number][] = [
    ['PNG', () => quarters().png().toBuffer(), 0],
    ['interlaced PNG', () => quarters().png({ progressive: true }).toBuffer(), 0],
    ['palette PNG', () => quarters().png({ palette: true }).toBuffer(), 0],
    ['JPEG', () => quarters().jpeg({ quality: 95 }).toBuffer(), 6],
    ['progressive JPEG', () => quarters().jpeg({ quality: 95, progressive: true }).toBuffer(), 6],
    ['lossless WebP', () => quarters().webp({ lossless: true }).toBuffer(), 0],
    ['lossy WebP', () => quarters().webp().toBuffer(), 25],
    ['the first frame of an animated WebP', async () => (await frames()).webp({ lossless: true }).toBuffer(), 0],
    ['GIF', () => quarters().gif().toBuffer(), 0],
    ['the first frame of an animated GIF', async () => (await frames()).gif().toBuffer(), 0],
    ['TIFF', () => quarters().tiff({ compression: 'lzw' }).toBuffer(), 0],
    ['BigTIFF', () => quarters().tiff({ compression: 'none', bigtiff: true }).toBuffer(), 0],
    ['AVIF', () => quarters().avif({ lossless: true }).toBuffer(), 2],
  ];
  test.each(formats)('%s', async (_, bytes, tolerance) => {
    expectNear(await quartersOf(await bytes()), QUARTERS, tolerance);
  });

  test('CMYK JPEG: the colours of a print', async () => {
    const [upperLeft, , lowerLeft, white] = await quartersOf(await quarters().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer());
    const [red, green, blue] = upperLeft as [number, number, number];
    expect(red - Math.max(green, blue)).toBeGreaterThan(150);
    expect((lowerLeft?.[2] as number) - (lowerLeft?.[0] as number)).toBeGreaterThan(80);
    expect(white).toEqual([255, 255, 255]);
  });

  test('a colour profile is not applied', async () => {
    const plain = await quarters().png().toBuffer();
    const rotating = await sharp(plain).withIccProfile('p3').png().toBuffer();
    expect((await sharp(rotating).metadata()).hasProfile).toBe(true);
    const stored = await sharp(rotating, { ignoreIcc: true }).raw().toBuffer();
    expect(Buffer.from((await decodeImage(rotating, 'p3')).data).equals(stored)).toBe(true);
  });
});

describe('EXIF orientation', () => {
  const [a, b, c, d] = QUARTERS;
  /** What stands upright when the stored quarters are a b / c d. */
  const upright = [
    [a, b, c, d],
    [b, a, d, c],
    [d, c, b, a],
    [c, d, a, b],
    [a, c, b, d],
    [c, a, d, b],
    [d, b, c, a],
    [b, d, a, c],
  ];
  test.each(upright.map((wanted, i) => [i + 1, wanted] as const))('%i comes out upright', async (orientation, wanted) => {
    const bytes = await quarters().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).withMetadata({ orientation }).toBuffer();
    expectNear(await quartersOf(bytes), wanted, 6);
    const { width, height } = await decodeImage(bytes, 'test');
    expect([width, height]).toEqual(orientation > 4 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT]);
    const mask = await decodeGrey(bytes, 'test');
    expect([mask.width, mask.height]).toEqual([width, height]);
  });

  test.each(['png', 'webp', 'tiff'] as const)('is read from %s as well', async (format) => {
    const options = { png: {}, webp: { lossless: true }, tiff: { compression: 'lzw' } }[format];
    const bytes = await quarters().withMetadata({ orientation: 6 }).toFormat(format, options).toBuffer();
    expectNear(await quartersOf(bytes), [c, a, d, b], 0);
  });
});

describe('PNG samples', () => {
  const { grey, rgb, palette, greyAlpha, rgba } = PNG_COLOUR;
  const levels = async (bytes: Uint8Array) => [...(await decodeImage(bytes, 'test')).data];
  const PALETTE = pngChunk('PLTE', Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 255, 0, 1, 2, 3));

  test('16-bit grey: each sample to the nearest of 256 levels', async () => {
    const samples = [0, 128, 129, 257, 385, 386, 32_768, 65_407, 65_535];
    const bytes = pngFile({ width: samples.length, height: 1, depth: 16, colour: grey, rows: row16(...samples) });
    expect(await levels(bytes)).toEqual(samples.flatMap((sample) => Array<number>(3).fill(Math.round(sample / 257))));
  });

  test('16-bit RGB, and 16-bit grey and RGB with alpha, which is dropped', async () => {
    const file = (colour: number, ...samples: number[]) => pngFile({ width: 1, height: 1, depth: 16, colour, rows: row16(...samples) });
    expect(await levels(file(rgb, 1000, 30_000, 65_535))).toEqual([4, 117, 255]);
    expect(await levels(file(rgba, 1000, 30_000, 65_535, 0))).toEqual([4, 117, 255]);
    expect(await levels(file(greyAlpha, 1000, 20_000))).toEqual([4, 4, 4]);
  });

  test('8-bit grey, and grey and RGB with alpha, which is dropped', async () => {
    const file = (colour: number, ...samples: number[]) =>
      pngFile({ width: 1, height: 1, depth: 8, colour, rows: Uint8Array.of(0, ...samples) });
    expect(await levels(file(grey, 99))).toEqual([99, 99, 99]);
    expect(await levels(file(greyAlpha, 99, 0))).toEqual([99, 99, 99]);
    expect(await levels(file(rgba, 7, 8, 9, 0))).toEqual([7, 8, 9]);
  });

  test('1, 2 and 4 bits: the whole range of levels', async () => {
    const file = (depth: number, width: number, byte: number) =>
      pngFile({ width, height: 1, depth, colour: grey, rows: Uint8Array.of(0, byte) });
    const first = async (bytes: Uint8Array) => (await levels(bytes)).filter((_, i) => i % 3 === 0);
    expect(await first(file(1, 8, 0b10110001))).toEqual([255, 0, 255, 255, 0, 0, 0, 255]);
    expect(await first(file(2, 4, 0b00011011))).toEqual([0, 85, 170, 255]);
    expect(await first(file(4, 2, 0x5f))).toEqual([85, 255]);
  });

  test('a palette, with and without transparency', async () => {
    const file = (...between: Uint8Array[]) =>
      pngFile({ width: 4, height: 1, depth: 2, colour: palette, rows: Uint8Array.of(0, 0b00011011), between });
    expect(await levels(file(PALETTE))).toEqual([0, 0, 0, 255, 0, 0, 0, 255, 0, 1, 2, 3]);
    expect(await levels(file(PALETTE, pngChunk('tRNS', Uint8Array.of(255, 0))))).toEqual([0, 0, 0, 255, 0, 0, 0, 255, 0, 1, 2, 3]);
  });

  describe('as a mask', () => {
    const values = async (bytes: Uint8Array) => {
      const { data, channels } = await decodeGrey(bytes, 'mask');
      expect(channels).toBe(1);
      return [...data];
    };

    test('black and white in 1, 8 and 16 bits', async () => {
      expect(await values(pngFile({ width: 8, height: 1, depth: 1, colour: grey, rows: Uint8Array.of(0, 0b10110000) }))).toEqual([
        255, 0, 255, 255, 0, 0, 0, 0,
      ]);
      expect(await values(pngFile({ width: 3, height: 1, depth: 8, colour: grey, rows: Uint8Array.of(0, 255, 0, 100) }))).toEqual([
        255, 0, 100,
      ]);
      expect(await values(pngFile({ width: 2, height: 1, depth: 16, colour: grey, rows: row16(65_535, 0) }))).toEqual([255, 0]);
    });

    test('black and white in a palette and in colours', async () => {
      const between = [pngChunk('PLTE', Uint8Array.of(0, 0, 0, 255, 255, 255))];
      expect(
        await values(pngFile({ width: 4, height: 1, depth: 1, colour: palette, rows: Uint8Array.of(0, 0b01100000), between })),
      ).toEqual([0, 255, 255, 0]);
      const rows = Uint8Array.of(0, 255, 255, 255, 0, 0, 0);
      expect(await values(pngFile({ width: 2, height: 1, depth: 8, colour: rgb, rows }))).toEqual([255, 0]);
    });

    test('in the alpha channel, where that is not opaque throughout', async () => {
      const file = (colour: number, width: number, ...samples: number[]) =>
        pngFile({ width, height: 1, depth: 8, colour, rows: Uint8Array.of(0, ...samples) });
      expect(await values(file(rgba, 2, 255, 255, 255, 0, 0, 0, 0, 255))).toEqual([0, 255]);
      expect(await values(file(greyAlpha, 2, 255, 0, 0, 255))).toEqual([0, 255]);
      expect(await values(file(rgba, 2, 255, 255, 255, 255, 0, 0, 0, 255))).toEqual([255, 0]);
      const between = [PALETTE, pngChunk('tRNS', Uint8Array.of(255, 0))];
      expect(
        await values(pngFile({ width: 2, height: 1, depth: 2, colour: palette, rows: Uint8Array.of(0, 0b00010000), between })),
      ).toEqual([255, 0]);
    });
  });
});

describe('proving an image', () => {
  test('gives the size of the upright image, whatever its depth, colours and orientation', async () => {
    for (const make of [() => quarters(), () => quarters().toColourspace('rgb16'), () => quarters().toColourspace('b-w')])
      expect(await proveImage(await make().png().toBuffer(), 'test')).toEqual({ width: WIDTH, height: HEIGHT });
    const turned = await quarters().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await proveImage(turned, 'test')).toEqual({ width: HEIGHT, height: WIDTH });
  });

  test('reads to the last row: what breaks off is refused, wherever it does', async () => {
    const noise = Uint8Array.from({ length: 3 * 400 * 300 }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 24) & 255);
    const image = sharp(noise, { raw: { width: 400, height: 300, channels: 3 } });
    const files = [image.clone().png(), image.clone().jpeg(), image.clone().webp(), image.clone().tiff({ compression: 'none' })];
    for (const file of files) {
      const bytes = await file.toBuffer();
      expect(await proveImage(bytes, 'test')).toEqual({ width: 400, height: 300 });
      for (const share of [0.3, 0.6, 0.9, 0.99])
        await expect(proveImage(bytes.subarray(0, Math.floor(share * bytes.length)), 'test')).rejects.toMatchObject({
          code: 'IMAGE_UNREADABLE',
        });
    }
  });
});

test('a mask image is marked where it is brighter than half, also where only its alpha tells', async () => {
  const levels = Uint8Array.from({ length: 256 }, (_, i) => i);
  const grey = await sharp(levels, { raw: { width: 256, height: 1, channels: 1 } })
    .png()
    .toBuffer();
  const marked = (data: Uint8Array): number[] => Array.from(data, (value) => (value === 0 ? 0 : 1));
  const wanted = Array.from(levels, (value) => (value > 127 ? 1 : 0));
  expect(marked((await decodeMaskFile(grey, 'test')).data)).toEqual(wanted);
  const alpha = await sharp({ create: { width: 256, height: 1, channels: 3, background: 'black' } })
    .joinChannel(Buffer.from(levels), { raw: { width: 256, height: 1, channels: 1 } })
    .png()
    .toBuffer();
  expect(marked((await decodeMaskFile(alpha, 'test')).data)).toEqual(wanted);
  const deep = await sharp(grey).toColourspace('rgb16').png().toBuffer();
  expect(marked((await decodeMaskFile(deep, 'test')).data)).toEqual(wanted);
});
