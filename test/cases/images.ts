/** Images whose numbers, pages or coordinates are not those of a plain photo, made of the very pixels of the plain question. */
import sharp, { type Sharp } from 'sharp';
import type { Case } from './support/case.ts';
import { REFERENCE, TARGET } from './support/scene.ts';
import type { Question } from './support/ways.ts';

const { data, width, height } = TARGET.image;
const picture = (): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

/** Bytes after one another: numbers of so many bytes each, lowest first, or bytes. */
function bytesOf(...parts: readonly (readonly [bytes: 1 | 2 | 4, ...numbers: number[]] | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      const [size, ...numbers] = part as readonly number[] as [1 | 2 | 4, ...number[]];
      const bytes = Buffer.alloc(size * numbers.length);
      numbers.forEach((value, i) => bytes.writeUIntLE(value, i * size, size));
      return bytes;
    }),
  );
}

/** Rows from the bottom, blue first, each padded to four bytes (here they need no padding). */
function bmp(): Uint8Array {
  const rows = Array.from({ length: height }, (_, y) => data.subarray((height - 1 - y) * width * 3, (height - y) * width * 3));
  const pixels = Buffer.concat(rows);
  for (let i = 0; i < pixels.length; i += 3) [pixels[i], pixels[i + 2]] = [pixels[i + 2] as number, pixels[i] as number];
  return bytesOf(
    Buffer.from('BM'),
    [4, 54 + pixels.length, 0, 54, 40, width, height],
    [2, 1, 24],
    [4, 0, pixels.length, 2835, 2835, 0, 0],
    pixels,
  );
}

/** TIFF of one strip without packing. format: 1 unsigned, 3 float */
function tiff(samples: Uint16Array | Float32Array, format: 1 | 3, channels: 1 | 3): Uint8Array {
  const pixels = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const bits = 8 * samples.BYTES_PER_ELEMENT;
  const entries: [tag: number, type: 3 | 4, value: number][] = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, bits],
    [259, 3, 1],
    [262, 3, channels === 3 ? 2 : 1],
    [273, 4, 200],
    [277, 3, channels],
    [278, 4, height],
    [279, 4, pixels.length],
    [339, 3, format],
  ];
  const head = bytesOf(Buffer.from('II*\0'), [4, 8], [2, entries.length], ...entries.map(([tag, type, value]) => bytesOf([2, tag, type], [4, 1, value])), [4, 0]); // prettier-ignore
  return Buffer.concat([head, Buffer.alloc(200 - head.length), pixels]);
}

const target = (name: string, bytes: Uint8Array) => (plain: Question): Question => ({ ...plain, target: { name, bytes } }); // prettier-ignore
const shares = Float32Array.from(data, (value) => value / 255);
/** Values 1000 to 1510: two for each level. */
const offset = Uint16Array.from(data, (value) => 1000 + 2 * value);
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
  { name: 'BMP', question: target('a.bmp', bmp()), expected: { same: 'plain' } },
  { name: 'BMP without an ending', question: target('photo', bmp()), expected: { same: 'plain' } },
  { name: 'floats from 0 to 1', question: target('a.tif', tiff(shares, 3, 3)), expected: { same: 'plain' }, said: ['VALUES_SCALED'] },
  {
    name: 'floats with NaN alone',
    question: target('a.tif', tiff(new Float32Array(width * height).fill(NaN), 3, 1)),
    expected: { code: 'IMAGE_UNREADABLE', says: ['NaN'] },
  },
  {
    name: 'a range of 16-bit values that is named',
    question: (plain) => ({ ...target('a.tif', tiff(offset, 1, 3))(plain), ...ranged }),
    expected: { same: 'plain' },
  },
  {
    name: 'a range of 16-bit values that nobody names',
    question: target('a.tif', tiff(offset, 1, 3)),
    expected: { same: 'plain', iou: 0.6 },
    said: ['VALUES_SCALED'],
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
