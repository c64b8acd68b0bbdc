/** Cells of a target's feature grid that show it, and their places in the image and in SAM's low-resolution masks. */
import { gridOf, visibleCells, visibleIndices, type Geometry } from '../../../image/geometry.ts';
import type { ImageFeatures } from '../../image-features.ts';
import { sizeInSam } from '../persam-paper/object-vector.ts';
import { lowResSide } from '../sam-prompts.ts';

export interface TargetGrid {
  /** Numbers on the whole grid; everything below counts in the order of this list. */
  cells: number[];
  /** Centres in the image's pixels. */
  centres: { x: number; y: number }[];
  /** Pixel of a low-resolution mask that holds the centre. */
  pixels: number[];
  /** Cells with any pixel of a low-resolution mask. [4g * 4g] */
  cellsOf(mask: Uint8Array): number[];
}

export function targetGrid(geometry: Geometry, target: ImageFeatures): TargetGrid {
  const { columns, rows, spanX, spanY } = gridOf(geometry, target);
  const seen = visibleCells(geometry, target);
  const side = lowResSide(target);
  const size = sizeInSam(geometry, target);
  // Pixels of a low-resolution mask along one of the image.
  const [acrossEach, downEach] = [(size.width / target.width / size.square) * side, (size.height / target.height / size.square) * side];
  const cells = visibleIndices(geometry, target);
  const centres = cells.map((cell) => ({
    x: Math.min(target.width - 0.5, (((cell % columns) + 0.5) * spanX) / columns),
    y: Math.min(target.height - 0.5, ((Math.floor(cell / columns) + 0.5) * spanY) / rows),
  }));
  const cellOfPixel = new Int32Array(side * side).fill(-1);
  for (let v = 0; v < side; v++) {
    const y = (v + 0.5) / downEach;
    for (let u = 0; u < side; u++) {
      const x = (u + 0.5) / acrossEach;
      if (x >= target.width || y >= target.height) continue;
      cellOfPixel[v * side + u] = Math.floor((y * rows) / spanY) * seen.columns + Math.floor((x * columns) / spanX);
    }
  }
  return {
    cells,
    centres,
    pixels: centres.map(({ x, y }) => Math.floor(y * downEach) * side + Math.floor(x * acrossEach)),
    cellsOf(mask) {
      const found = new Set<number>();
      for (let i = 0; i < mask.length; i++) if (mask[i] === 1 && (cellOfPixel[i] as number) >= 0) found.add(cellOfPixel[i] as number);
      return [...found].sort((a, b) => a - b);
    },
  };
}
