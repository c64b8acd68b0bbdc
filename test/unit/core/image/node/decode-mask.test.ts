/** Masks as people save them. Each case marks the same disc, so that what is marked is known by construction. */
import { encode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeMaskFile } from '../../../../../src/core/image/node/decode-mask.ts';
import type { MaskChoice } from '../../../../../src/core/mask/mask-choice.ts';
import { expectRejection } from '../../expect-error.ts';

const SIDE = 96;
const at = (i: number): [number, number] => [i % SIDE, Math.floor(i / SIDE)];
const disc = (radius: number) => (i: number) => Math.hypot(at(i)[0] - 47.5, at(i)[1] - 47.5) < radius;
const inside = disc(24);
const border = (i: number): boolean => !inside(i) && disc(27)(i);
const wanted = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (inside(i) ? 1 : 0));

type Png = Parameters<typeof encode>[0];
const png = (valueOf: (i: number) => number, more: Partial<Png> = {}): Uint8Array =>
  encode({ data: Uint8Array.from(wanted, (_, i) => valueOf(i)), width: SIDE, height: SIDE, channels: 1, ...more });
const rgb = (colourOf: (i: number) => readonly number[]): Uint8Array =>
  encode({ data: Uint8Array.from([...wanted].flatMap((_, i) => [...colourOf(i)])), width: SIDE, height: SIDE, channels: 3 });
const deep = (valueOf: (i: number) => number): Uint8Array =>
  encode({ data: Uint16Array.from(wanted, (_, i) => valueOf(i)), width: SIDE, height: SIDE, channels: 1, depth: 16 });
const VOC = Array.from({ length: 256 }, (_, i) =>
  i === 255 ? [224, 224, 192] : [(i & 1) * 128, ((i >> 1) & 1) * 128, ((i >> 2) & 1) * 128 + (i >> 3)],
);
const voc = (valueOf: (i: number) => number): Uint8Array => png(valueOf, { palette: VOC });
const jpeg = async (bytes: Uint8Array, quality: number): Promise<Uint8Array> => sharp(bytes).jpeg({ quality }).toBuffer();
const red = rgb((i) => (inside(i) ? [255, 0, 0] : [0, 0, 0]));
/** Edges of three levels, as drawing programs smooth them. */
const smooth = (i: number): number =>
  Math.max(0, Math.min(255, Math.round((24 - Math.hypot(at(i)[0] - 47.5, at(i)[1] - 47.5)) * 100 + 128)));
/** A second thing in the corner. */
const corner = (i: number): boolean => at(i)[0] < 20 && at(i)[1] < 20;
const classes = (i: number): number => (inside(i) ? 3 : corner(i) ? 7 : 0);

describe('what is plain is read', () => {
  const cases: [string, () => Uint8Array | Promise<Uint8Array>][] = [
    ['0 and 255', () => png((i) => (inside(i) ? 255 : 0))],
    ['0 and 1', () => png((i) => (inside(i) ? 1 : 0))],
    ['0 and 3', () => png((i) => (inside(i) ? 3 : 0))],
    ['30 and 220', () => png((i) => (inside(i) ? 220 : 30))],
    ['a class id with a border of 255', () => png((i) => (inside(i) ? 5 : border(i) ? 255 : 0))],
    ["VOC's palette with one class", () => voc((i) => (inside(i) ? 15 : 0))],
    ["VOC's palette with its border", () => voc((i) => (inside(i) ? 15 : border(i) ? 255 : 0))],
    [
      'a palette of two colours that are not black',
      () =>
        png((i) => (inside(i) ? 1 : 0), {
          palette: [
            [255, 255, 255],
            [200, 30, 90],
          ],
        }),
    ],
    ['red on black', () => red],
    ['blue on black', () => rgb((i) => (inside(i) ? [0, 0, 255] : [0, 0, 0]))],
    ['dark green on black', () => rgb((i) => (inside(i) ? [0, 40, 0] : [0, 0, 0]))],
    ['grey saved as RGB', () => rgb((i) => (inside(i) ? [1, 1, 1] : [0, 0, 0]))],
    ['16 bits, whole range', () => deep((i) => (inside(i) ? 65_535 : 0))],
    ['16 bits, class ids', () => deep((i) => (inside(i) ? 1 : 0))],
    ['16 bits, ids above 255', () => deep((i) => (inside(i) ? 1000 : 0))],
    [
      'an alpha channel',
      () => encode({ data: Uint8Array.from([...wanted].flatMap((v) => [9, 9, 9, 255 * v])), width: SIDE, height: SIDE, channels: 4 }),
    ],
    [
      'an alpha channel that says nothing',
      () =>
        encode({
          data: Uint8Array.from([...wanted].flatMap((v) => [255 * v, 255 * v, 255 * v, 255])),
          width: SIDE,
          height: SIDE,
          channels: 4,
        }),
    ],
    ['smooth edges', () => png(smooth)],
    ['GIF', () => sharp(red).gif().toBuffer()],
  ];
  it.each(cases)('%s', async (_name, bytes) => {
    expect((await decodeMaskFile(await bytes(), 'mask')).data).toEqual(wanted);
  });

  const blurred: [string, () => Promise<Uint8Array>][] = [
    [
      'JPEG of 0 and 255',
      () =>
        jpeg(
          png((i) => (inside(i) ? 255 : 0)),
          80,
        ),
    ],
    [
      'JPEG of 0 and 255, quality 30',
      () =>
        jpeg(
          png((i) => (inside(i) ? 255 : 0)),
          30,
        ),
    ],
    ['JPEG of red on black', () => jpeg(red, 85)],
    [
      'JPEG of blue on black',
      () =>
        jpeg(
          rgb((i) => (inside(i) ? [0, 0, 255] : [0, 0, 0])),
          85,
        ),
    ],
    ['red with smooth edges', () => Promise.resolve(rgb((i) => [smooth(i), 0, 0]))],
  ];
  it.each(blurred)('%s, but for pixels at the edge', async (_name, bytes) => {
    const { data } = await decodeMaskFile(await bytes(), 'mask');
    data.forEach((value, i) => {
      if (disc(22)(i) || !disc(26)(i)) expect(value).toBe(wanted[i]);
    });
  });

  it('nothing, and everything', async () => {
    expect(
      (
        await decodeMaskFile(
          png(() => 0),
          'mask',
        )
      ).data.every((value) => value === 0),
    ).toBe(true);
    expect(
      (
        await decodeMaskFile(
          png(() => 255),
          'mask',
        )
      ).data.every((value) => value === 1),
    ).toBe(true);
    expect(
      (
        await decodeMaskFile(
          png(() => 1),
          'mask',
        )
      ).data.every((value) => value === 1),
    ).toBe(true);
  });
});

describe('what is not is refused, and read by the option that the error names', () => {
  const counts = (n: (i: number) => boolean): number => wanted.filter((_, i) => n(i)).length;
  const cases: [string, () => Uint8Array | Promise<Uint8Array>, RegExp, MaskChoice][] = [
    ['two class ids', () => png(classes), new RegExp(`7 \\(${counts(corner)} pixels\\).*maskValue \\(--mask-value`), { value: 3 }],
    ['two class ids and a border', () => png((i) => (border(i) ? 255 : classes(i))), /3 \(1\d+ pixels\)/, { value: 3 }],
    ['two class ids of a palette', () => voc(classes), /3 \(#808000\) \(1\d+ pixels\)/, { value: 3 }],
    ['the same by colour', () => voc(classes), /maskValue/, { color: '808000' }],
    ['two class ids in 16 bits', () => deep(classes), /maskValue/, { value: 3 }],
    ['steps of grey', () => png((i) => (inside(i) ? 170 : corner(i) ? 255 : 0)), /170 \(1\d+ pixels\)/, { value: 170 }],
    ['two dim greys', () => png((i) => (inside(i) ? 60 : 20)), /20 .*60/, { value: 60 }],
    [
      'red on white',
      () => rgb((i) => (inside(i) ? [255, 0, 0] : [255, 255, 255])),
      /#ffffff .*#ff0000.*maskColor \(--mask-color/,
      { color: 'ff0000' },
    ],
    [
      'two colours on black',
      () => rgb((i) => (inside(i) ? [255, 0, 0] : corner(i) ? [0, 255, 0] : [0, 0, 0])),
      /#00ff00/,
      { color: 'ff0000' },
    ],
    ['black on white', () => png((i) => (inside(i) ? 0 : 255)), /^$/, { value: 0 }],
  ];
  it.each(cases)('%s', async (name, bytes, message, choice) => {
    const file = await bytes();
    if (name !== 'black on white') await expectRejection('ANNOTATION_INVALID', decodeMaskFile(file, 'cup.png'), 'cup.png', message);
    expect((await decodeMaskFile(file, 'cup.png', {}, choice)).data).toEqual(wanted);
  });

  it('a photo, and a value that is not there', async () => {
    const photo = rgb((i) => [(7 * i) % 256, (i * i) % 251, (13 * i) % 239]);
    await expectRejection('ANNOTATION_INVALID', decodeMaskFile(photo, 'mask'), 'maskColor');
    await expectRejection('ANNOTATION_INVALID', decodeMaskFile(png(classes), 'mask', {}, { value: 9 }), 'no pixel of 9');
    await expectRejection('ANNOTATION_INVALID', decodeMaskFile(red, 'mask', {}, { value: 9 }), '#ff0000');
  });
});
