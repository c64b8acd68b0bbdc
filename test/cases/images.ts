/** Images whose numbers, pages or coordinates are not those of a plain photo, made of the very pixels of the plain question. */
import sharp, { type Sharp } from 'sharp';
import { bmpFile, packedRows, tiffFile } from '../support/image-files.ts';
import type { Case } from './support/case.ts';
import { REFERENCE, TARGET } from './support/scene.ts';
import type { Question } from './support/ways.ts';

const { data, width, height } = TARGET.image;
const SIZE = { width, height };
const picture = (): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

const target = (name: string, bytes: Uint8Array) => (plain: Question): Question => ({ ...plain, target: { name, bytes } }); // prettier-ignore
const shares = Float32Array.from(data, (value) => value / 255);
/** Values 1000 to 1510: two for each level. */
const offset = Uint16Array.from(data, (value) => 1000 + 2 * value);
/** 12 bits a sample, packed. */
const packed = packedRows(
  Array.from(data, (value) => Math.round((value * 4095) / 255)),
  3 * width,
  12,
);
const ranged = { options: { valueRange: [1000, 1510] as [number, number] }, flags: ['--value-range', '1000,1510'] };

/** The second frame is the plain one. */
async function animation(): Promise<Uint8Array> {
  const first = data.map((value) => 255 - value);
  const both = Buffer.concat([first, data]);
  return sharp(both, { raw: { width, height: 2 * height, channels: 3, pageHeight: height } })
    .webp({ lossless: true })
    .toBuffer();
}

const BOX = [20, 24, 70, 72];
const { width: across, height: down } = REFERENCE.image;
const boxed = (plain: Question): Question => ({ ...plain, mark: { box: BOX } });

export const CASES: readonly Case[] = [
  { name: 'BMP', question: target('a.bmp', bmpFile(data, SIZE)), expected: { same: 'plain' } },
  { name: 'BMP without an ending', question: target('photo', bmpFile(data, SIZE)), expected: { same: 'plain' } },
  {
    name: 'floats from 0 to 1',
    question: target('a.tif', tiffFile(shares, { ...SIZE, format: 3, channels: 3 })),
    expected: { same: 'plain' },
    said: ['VALUES_SCALED'],
  },
  {
    name: 'floats with NaN alone',
    question: target('a.tif', tiffFile(new Float32Array(width * height).fill(NaN), { ...SIZE, format: 3 })),
    expected: { code: 'IMAGE_UNREADABLE', says: ['NaN'] },
  },
  {
    name: 'a range of 16-bit values that is named',
    question: (plain) => ({ ...target('a.tif', tiffFile(offset, { ...SIZE, format: 1, channels: 3 }))(plain), ...ranged }),
    expected: { same: 'plain' },
  },
  {
    name: 'a range of 16-bit values that nobody names',
    question: target('a.tif', tiffFile(offset, { ...SIZE, format: 1, channels: 3 })),
    expected: { same: 'plain', iou: 0.6 },
    said: ['VALUES_SCALED'],
  },
  {
    name: '12 bits a sample, packed',
    question: target('a.tif', tiffFile(packed, { ...SIZE, channels: 3, bits: 12 })),
    expected: { same: 'plain' },
    said: ['VALUES_SCALED'],
  },
  {
    name: 'CMYK',
    question: async (plain) => target('a.jpg', await picture().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer())(plain),
    expected: { same: 'plain', iou: 0.6 },
  },
  {
    name: 'a range for 8-bit samples',
    question: (plain) => ({ ...plain, ...ranged }),
    expected: { same: 'plain' },
    said: ['VALUE_RANGE_UNUSED'],
  },
  {
    name: 'an animation, its first frame',
    question: async (plain) => target('a.webp', await animation())(plain),
    expected: { same: async (plain) => ({ ...plain, target: { name: 'a.png', bytes: await negative() } }) },
    said: ['PAGES_LEFT_OUT'],
  },
  {
    name: 'a HEIC file',
    question: target('a.heic', Buffer.concat([Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), Buffer.alloc(500)])),
    expected: { code: 'IMAGE_UNREADABLE', says: ['HEIC', 'convert'] },
  },
  {
    name: 'a box in shares',
    question: (plain) => ({
      ...plain,
      mark: { box: BOX.map((value, i) => value / (i % 2 === 0 ? across : down)) },
      fields: { units: 'fraction' },
    }),
    expected: { same: boxed },
  },
  {
    name: 'a box in shares that are taken for pixels',
    question: (plain) => ({ ...plain, mark: { box: [0, 0, 1, 1] } }),
    expected: { same: (plain) => ({ ...plain, mark: { box: [0, 0, 1, 1] }, fields: { units: 'pixels' }, flags: ['--units', 'pixels'] }) },
    said: ['COORDINATES_TINY'],
  },
  {
    name: 'a box a hair outside',
    question: (plain) => ({ ...plain, mark: { box: [-0.4, 20, across + 0.5, 72] } }),
    expected: { same: (plain) => ({ ...plain, mark: { box: [0, 20, across, 72] } }) },
  },
  {
    name: 'a box far outside',
    question: (plain) => ({ ...plain, mark: { box: [10, 20, across + 40, 72] } }),
    expected: { code: 'ANNOTATION_OUTSIDE', says: [`${across} x ${down}`, `${across + 40}`] },
  },
];

async function negative(): Promise<Uint8Array> {
  return picture().negate().png().toBuffer();
}
