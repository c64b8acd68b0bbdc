/** One picture of all results: a row for each mark, first the reference, then what was found. */
import type { OverlayOptions } from 'sharp';
import { loadSharp } from '../../core/image/node/load-sharp.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { pillowResize } from '../../core/image/pillow-resize.ts';
import { COLORS, withBox, withMask, type Box, type RgbImage } from '../common/draw.ts';

export interface Panel {
  image: RgbImage;
  mask: BinaryMask;
  /** Whether a person marked it, as distinct from what was found. */
  isReference?: boolean;
  /** A box that the person drew, pixels of the image. */
  boxXyxy?: Box | undefined;
}

const WIDTH = 1200;
const GAP = 6;
const MAX_ROW_HEIGHT = 300;
const MAX_IN_ROW = 6;

/** Draws rows of panels, each row as wide as the others, on a transparent ground. @returns PNG of at most 256 colors */
export async function wall(rows: readonly (readonly Panel[])[]): Promise<Uint8Array> {
  const layers: OverlayOptions[] = [];
  let top = 0;
  for (const row of rows.flatMap(broken)) {
    const aspects = row.map(({ image }) => image.width / image.height);
    const room = WIDTH - GAP * (row.length - 1);
    const height = Math.round(Math.min(MAX_ROW_HEIGHT, room / aspects.reduce((sum, aspect) => sum + aspect, 0)));
    let left = 0;
    for (const [i, panel] of row.entries()) {
      const width = Math.max(1, Math.min(WIDTH - left, Math.round((aspects[i] as number) * height)));
      const { data } = drawn(panel, width, height);
      layers.push({ input: Buffer.from(data), raw: { width, height, channels: 3 }, left, top });
      left += width + GAP;
    }
    top += height + GAP;
  }
  const sharp = await loadSharp();
  return sharp({ create: { width: WIDTH, height: top - GAP, channels: 4, background: '#00000000' } })
    .composite(layers)
    .png({ palette: true, effort: 10, compressionLevel: 9 })
    .toBuffer();
}

/** Masks are drawn at the size that is shown, so that their outlines stay thin and whole. */
function drawn({ image, mask, isReference = false, boxXyxy }: Panel, width: number, height: number): RgbImage {
  const small = pillowResize({ ...image, channels: 3 }, width, height);
  const shown = withMask(small, mask, isReference ? COLORS.annotation : COLORS.prediction, 0.4);
  if (boxXyxy === undefined) return shown;
  const [x, y] = [width / image.width, height / image.height];
  const [x0, y0, x1, y1] = boxXyxy;
  return withBox(shown, [x0 * x, y0 * y, x1 * x, y1 * y], COLORS.annotation);
}

function broken(row: readonly Panel[]): Panel[][] {
  const lines = Math.ceil(row.length / MAX_IN_ROW);
  const length = Math.ceil(row.length / lines);
  return Array.from({ length: lines }, (_, i) => row.slice(i * length, (i + 1) * length));
}
