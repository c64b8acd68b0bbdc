/** Photos that lie on their side, and other ways in which a file says how its pixels are meant. */
import sharp, { type Sharp } from 'sharp';
import type { Case } from './support/case.ts';
import { TARGET } from './support/scene.ts';
import type { Question } from './support/ways.ts';

const { data, width, height } = TARGET.image;
const pixels = (): Sharp => sharp(data, { raw: { width, height, channels: 3 } });
const target =
  (name: string, bytes: () => Promise<Uint8Array>) =>
  async (plain: Question): Promise<Question> => ({
    ...plain,
    target: { name, bytes: await bytes() },
  });
const png = (image: Sharp) => async (): Promise<Uint8Array> => image.clone().png().toBuffer();

/** The stored pixels, and the tag that stands them up again (EXIF 2.3, orientation). */
const STORED: readonly (readonly [orientation: number, store: (image: Sharp) => Sharp])[] = [
  [2, (image) => image.flop()],
  [3, (image) => image.rotate(180)],
  [4, (image) => image.flip()],
  [6, (image) => image.rotate(270)],
  [8, (image) => image.rotate(90)],
];
const ENCODED: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  png: (image) => image.png(),
  tif: (image) => image.tiff({ compression: 'lzw' }),
  webp: (image) => image.webp({ lossless: true }),
};

const lying = STORED.flatMap(([orientation, store]) =>
  Object.entries(ENCODED).map(([ending, encode]): Case => {
    const stored = async (): Promise<Uint8Array> => {
      const turned = await store(pixels()).raw().toBuffer({ resolveWithObject: true });
      const raw = { width: turned.info.width, height: turned.info.height, channels: 3 as const };
      return encode(sharp(turned.data, { raw }).withMetadata({ orientation })).toBuffer();
    };
    return { name: `${ending}, orientation ${orientation}`, question: target(`a.${ending}`, stored), expected: { same: 'plain' } };
  }),
);

const grey = pixels().greyscale();
const GREY = target('a.png', png(pixels().greyscale().toColourspace('srgb')));

export const CASES: readonly Case[] = [
  ...lying,
  { name: 'one channel of grey', question: target('a.png', png(grey)), expected: { same: GREY } },
  { name: 'grey with alpha', question: target('a.png', png(grey.clone().ensureAlpha(0.4))), expected: { same: GREY } },
  {
    name: 'a color profile, which is not applied',
    question: target('a.png', () => pixels().withIccProfile('p3').png().toBuffer()),
    expected: { same: 'plain', iou: 0.9 },
  },
  {
    name: 'a progressive JPEG, as its plain twin',
    question: target('a.jpg', () => pixels().jpeg({ quality: 95, progressive: true }).toBuffer()),
    expected: { same: target('b.jpg', () => pixels().jpeg({ quality: 95 }).toBuffer()) },
  },
  {
    name: 'a JPEG of all colors',
    question: target('a.jpeg', () => pixels().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()),
    expected: { same: 'plain', iou: 0.95 },
  },
  {
    name: 'a palette of 256 colors',
    question: target('a.png', () => pixels().png({ palette: true, dither: 0 }).toBuffer()),
    expected: { same: 'plain', iou: 0.8 },
  },
];
