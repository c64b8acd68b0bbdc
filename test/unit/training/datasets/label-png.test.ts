import { join } from 'node:path';
import { encode } from 'fast-png';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readLabelPng } from '../../../../src/training/datasets/label-png.ts';
import { bands, jpeg, labelPng, put, tempFolder, WIDTH, HEIGHT } from './make-data.ts';

async function read(content: Uint8Array) {
  const root = await tempFolder();
  await put(root, 'mask.png', content);
  return readLabelPng(join(root, 'mask.png'));
}

describe('reading', () => {
  it('takes the indices of a palette image, not its colours', async () => {
    const data = bands([3, 255, 0, 20]);
    expect(await read(labelPng(data))).toEqual({ data, width: WIDTH, height: HEIGHT });
  });

  it('takes the values of a grey image, also of one that sharp wrote', async () => {
    const data = bands([1, 2, 254]);
    const grey = sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace('b-w');
    expect((await read(await grey.png().toBuffer())).data).toEqual(data);
    expect((await read(await grey.png({ progressive: true }).toBuffer())).data).toEqual(data);
  });

  it('unpacks 1, 2 and 4 bits at every width', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 4),
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat(15)),
        async (depth, width, height, values) => {
          const wanted = Uint8Array.from({ length: width * height }, () => (values.next().value as number) % 2 ** depth);
          const rowBytes = Math.ceil((width * depth) / 8);
          const packed = new Uint8Array(rowBytes * height);
          wanted.forEach((value, i) => {
            const bit = (i % width) * depth;
            const at = Math.floor(i / width) * rowBytes + Math.floor(bit / 8);
            packed[at] = (packed[at] as number) | (value << (8 - depth - (bit % 8)));
          });
          expect((await read(pngOf(packed, width, height, depth))).data).toEqual(wanted);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('refusing', () => {
  const rgb = new Uint8Array(3 * 16).fill(9);
  const cases: [name: string, content: () => Uint8Array | Promise<Uint8Array>, message: RegExp][] = [
    ['colours', () => encode({ data: rgb, width: 4, height: 4, channels: 3 }), /it is RGB\. Colours name no classes/],
    ['alpha', () => encode({ data: new Uint8Array(64), width: 4, height: 4, channels: 4 }), /RGB with alpha/],
    ['16 bits', () => encode({ data: new Uint16Array(16), width: 4, height: 4, channels: 1, depth: 16 }), /16 bits/],
    ['JPEG', () => jpeg(), /no PNG.*JPEG and other formats blur/],
    ['an empty file', () => new Uint8Array(), /no PNG/],
    ['a cut file', () => labelPng(bands([1])).slice(0, -20), /damaged/],
    ['a changed byte', () => labelPng(bands([1, 2, 3])).map((byte, i, all) => (i === all.length - 20 ? byte ^ 1 : byte)), /damaged/],
    ['interlaced bits', () => pngOf(new Uint8Array(4), 4, 4, 1, true), /interlaced with 1 bits/],
    ['a size beyond all bounds', () => withSize(labelPng(bands([1])), 1_000_000, 1_000_000), /1000000 x 1000000 pixels/],
  ];
  it.each(cases)('%s', async (_name, content, message) => {
    await expect(read(await content())).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  it('a missing file, by its name', async () => {
    await expect(readLabelPng('/nowhere/mask.png')).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringContaining('/nowhere/mask.png') as string,
    });
  });
});

/** The encoder wants the size it packs to, which for rows that end within a byte differs from what PNG says. */
function pngOf(packed: Uint8Array, width: number, height: number, depth: number, interlaced = false): Uint8Array {
  const padded = (packed.length / height / depth) * 8;
  const bytes = encode({ data: packed, width: padded, height, channels: 1, depth: depth as 1 | 2 | 4 });
  return withSize(bytes, width, height, interlaced);
}

/** Rewrites the header; its checksum follows. */
function withSize(bytes: Uint8Array, width: number, height: number, interlaced = false): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(width, 16);
  copy.writeUInt32BE(height, 20);
  if (interlaced) copy[28] = 1;
  copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  return new Uint8Array(copy);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
