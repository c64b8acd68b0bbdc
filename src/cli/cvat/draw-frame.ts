/** Draws the shapes of a dry run on their frame: a color for each label, darker outlines, names underneath. */
import type { PredictedMask } from '../../adapters/cvat/annotate/annotate.ts';
import { decodeImage } from '../../core/image/node/decode.ts';
import { loadSharp } from '../../core/image/node/load-sharp.ts';
import { pngFromRgb, shrink, withMask, type RgbImage } from '../common/draw.ts';

type Rgb = readonly [red: number, green: number, blue: number];

/** Colors that stay apart for color-blind eyes. */
const LABEL_COLORS: readonly Rgb[] = [
  [12, 190, 255],
  [255, 194, 10],
  [255, 80, 160],
  [0, 158, 115],
  [213, 94, 0],
  [240, 228, 66],
];
const LONGEST = 1600;
const LINE = 26;

/** Returns PNG. */
export async function drawFrame(image: Uint8Array, name: string, masks: readonly PredictedMask[]): Promise<Uint8Array> {
  let drawn: RgbImage = shrink(await decodeImage(image, name), LONGEST);
  const colorOf = (i: number): Rgb => LABEL_COLORS[i % LABEL_COLORS.length] as Rgb;
  for (const [i, { mask }] of masks.entries()) drawn = withMask(drawn, mask, colorOf(i));
  const lines = masks.map(({ label, score, mask }, i) => {
    const share = mask.data.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0) / mask.data.length;
    return {
      color: colorOf(i),
      text: share === 0 ? `${label}: nothing found` : `${label}: score ${score.toFixed(2)}, ${(100 * share).toFixed(1)} % of the frame`,
    };
  });
  return withLines(await pngFromRgb(drawn), drawn.width, drawn.height, lines);
}

async function withLines(
  png: Uint8Array,
  width: number,
  height: number,
  lines: readonly { color: Rgb; text: string }[],
): Promise<Uint8Array> {
  const rows = lines.map(
    ({ color, text }, i) =>
      `<rect x="6" y="${i * LINE + 6}" width="16" height="16" fill="rgb(${color.join(',')})"/>` +
      `<text x="28" y="${i * LINE + 19}" font-family="sans-serif" font-size="15" fill="#222">${escaped(text)}</text>`,
  );
  const wide = Math.max(width, 360);
  const legend = `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${lines.length * LINE + 4}">${rows.join('')}</svg>`;
  const below = lines.length === 0 ? [] : [{ input: Buffer.from(legend), left: 0, top: height }];
  const sharp = await loadSharp();
  return sharp({ create: { width: wide, height: height + lines.length * LINE + 4, channels: 3, background: '#ffffff' } })
    .composite([{ input: Buffer.from(png), left: 0, top: 0 }, ...below])
    .png()
    .toBuffer();
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
