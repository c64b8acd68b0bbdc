/** Masks at the size of a canvas: each pixel of it takes the one of the mask that its center falls on. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { CocoRle } from '../../core/mask/rle.ts';

/** 0 and 1, row by row: Uint8Array(height * width). */
export function sampleMask(mask: BinaryMask, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) out[y * width + x] = mask.data[pixelUnder(mask, x, y, width, height)] === 0 ? 0 : 1;
  return out;
}

/** Index into the mask of the pixel under pixel (x, y) of a canvas of this size. */
export function pixelUnder(mask: { width: number; height: number }, x: number, y: number, width: number, height: number): number {
  return nearest(y, mask.height, height) * mask.width + nearest(x, mask.width, width);
}

/** Pixel, of `size`, under pixel `at` of `shown`; whole numbers up to the division, so that nothing is off by one. */
function nearest(at: number, size: number, shown: number): number {
  return Math.min(size - 1, Math.floor(((2 * at + 1) * size) / (2 * shown)));
}

/** COCO's compressed counts as run lengths: five bits a character, differences to the run two before. */
export function runsFromText(text: string): number[] {
  const runs: number[] = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - 48;
    value |= (code & 0x1f) << shift;
    shift += 5;
    if (code & 0x20) continue;
    if (code & 0x10) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + (runs[runs.length - 2] as number) : value);
    value = 0;
    shift = 0;
  }
  return runs;
}

/** Samples as `sampleMask` does, without ever unpacking the mask at its full size. */
export function sampleRle({ size: [rows, columns], counts }: CocoRle, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  /** Columns of the canvas by the column of the mask they show. */
  const shown = new Map<number, number[]>();
  for (let x = 0; x < width; x++) {
    const column = nearest(x, columns, width);
    shown.set(column, [...(shown.get(column) ?? []), x]);
  }
  /** First row of the canvas whose center lies at or below a row of the mask. */
  const firstFrom = (row: number): number => Math.ceil((2 * row * height - rows) / (2 * rows));
  let at = 0;
  const runs = typeof counts === 'string' ? runsFromText(counts) : counts;
  for (const [i, run] of runs.entries()) {
    const end = at + run;
    for (let column = Math.floor(at / rows); i % 2 === 1 && column * rows < end; column++) {
      const from = Math.max(0, firstFrom(Math.max(at, column * rows) - column * rows));
      const to = Math.min(height, firstFrom(Math.min(end, (column + 1) * rows) - column * rows));
      for (const x of shown.get(column) ?? []) for (let y = from; y < to; y++) out[y * width + x] = 1;
    }
    at = end;
  }
  return out;
}
