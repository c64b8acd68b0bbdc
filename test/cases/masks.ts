/** Masks of the plain question's object, as people save them. */
import { encode } from 'fast-png';
import sharp from 'sharp';
import { bmpFile, tiffFile } from '../support/image-files.ts';
import type { Case } from './support/case.ts';
import { REFERENCE } from './support/scene.ts';
import type { Question } from './support/ways.ts';

const { data, width, height } = REFERENCE.truth;
const isObject = (at: number): boolean => data[at] !== 0;
/** A second thing, where the object is not. */
const isOther = (at: number): boolean => !isObject(at) && at < 8 * width;

type Png = Parameters<typeof encode>[0];
function grey(valueOf: (at: number) => number, more: Partial<Png> = {}): Uint8Array {
  return encode({ data: Uint8Array.from(data, (_, at) => valueOf(at)), width, height, channels: 1, ...more });
}
function colour(colourOf: (at: number) => readonly number[]): Uint8Array {
  return encode({ data: Uint8Array.from(Array.from(data, (_, at) => colourOf(at)).flat()), width, height, channels: 3 });
}
const ids = (at: number): number => (isObject(at) ? 3 : isOther(at) ? 7 : 0);
const VOC = Array.from({ length: 256 }, (_, i) => [(i & 1) * 128, ((i >> 1) & 1) * 128, ((i >> 2) & 1) * 128 + (i >> 3)]);

const marked = (bytes: Uint8Array, more: Partial<Question> = {}) => ({
  question: (plain: Question): Question => ({ ...plain, ...more, mark: { mask: { name: 'mask.png', bytes } } }),
});
const read = (name: string, bytes: Uint8Array, more: Partial<Question> = {}): Case => ({
  name,
  ...marked(bytes, more),
  expected: { same: 'plain' },
});
const refused = (name: string, bytes: Uint8Array, ...says: string[]): Case => ({
  name,
  ...marked(bytes),
  expected: { code: 'ANNOTATION_INVALID', says },
});

export const CASES: readonly Case[] = [
  read(
    '0 and 1',
    grey((at) => (isObject(at) ? 1 : 0)),
  ),
  read(
    'a class id',
    grey((at) => (isObject(at) ? 3 : 0)),
  ),
  read(
    'a class of a palette',
    grey((at) => (isObject(at) ? 3 : 0), { palette: VOC }),
  ),
  read(
    'blue on black',
    colour((at) => (isObject(at) ? [0, 0, 255] : [0, 0, 0])),
  ),
  read(
    '16 bits, 0 and 1',
    encode({ data: Uint16Array.from(data, (value) => (value === 0 ? 0 : 1)), width, height, channels: 1, depth: 16 }),
  ),
  read(
    'floats of 0 and 1',
    tiffFile(
      Float32Array.from(data, (value) => (value === 0 ? 0 : 1)),
      { width, height, format: 3 },
    ),
  ),
  read(
    'probabilities',
    tiffFile(
      Float32Array.from(data, (value, at) => (value === 0 ? 0.001 : 0.9) + (at % 7) / 100),
      { width, height, format: 3 },
    ),
  ),
  read(
    'NaN beside ones',
    tiffFile(
      Float32Array.from(data, (value) => (value === 0 ? Number.NaN : 1)),
      { width, height, format: 3 },
    ),
  ),
  read(
    '0 and -1 in signed numbers',
    tiffFile(
      Int16Array.from(data, (value) => (value === 0 ? 0 : -1)),
      { width, height, format: 2 },
    ),
  ),
  read(
    'a class id in floats, one of two',
    tiffFile(
      Float32Array.from(data, (_, at) => ids(at)),
      { width, height, format: 3 },
    ),
    { fields: { maskValue: 3 }, flags: ['--mask-value', '3'] },
  ),
  refused(
    'distances in floats',
    tiffFile(
      Float32Array.from(data, (value, at) => (value === 0 ? -1 : 1) * (at % 50) * 1.5),
      { width, height, format: 3 },
    ),
    'from -',
    '0 and 1',
  ),
  read('BMP', bmpFile(Uint8Array.from(Array.from(data, (value) => (value === 0 ? [0, 0, 0] : [255, 255, 255])).flat()), { width, height })),
  {
    name: 'a mask of everything',
    ...marked(grey(() => 255)),
    expected: { same: (plain) => ({ ...plain, mark: { box: [0, 0, width, height] } }) },
    said: ['MASK_FULL'],
  },
  read('one of two class ids', grey(ids), { fields: { maskValue: 3 }, flags: ['--mask-value', '3'] }),
  read(
    'one of two colors',
    colour((at) => (isObject(at) ? [255, 0, 0] : isOther(at) ? [0, 255, 0] : [0, 0, 0])),
    {
      fields: { maskColor: 'ff0000' },
      flags: ['--mask-color', 'ff0000'],
    },
  ),
  refused('two class ids', grey(ids), '3 (', '7 (', 'maskValue', '--mask-value'),
  refused(
    'two colors',
    colour((at) => (isObject(at) ? [255, 0, 0] : isOther(at) ? [0, 255, 0] : [0, 0, 0])),
    '#ff0000',
    'maskColor',
    '--mask-color',
  ),
  { name: 'an empty mask', ...marked(grey(() => 0)), expected: { code: 'MASK_EMPTY', says: ['marks none'] } },
  {
    name: 'JPEG',
    question: async (plain) => ({
      ...plain,
      mark: {
        mask: {
          name: 'mask.jpg',
          bytes: await sharp(grey((at) => (isObject(at) ? 255 : 0)))
            .jpeg({ quality: 90 })
            .toBuffer(),
        },
      },
    }),
    expected: { same: 'plain', iou: 0.9 },
  },
];
