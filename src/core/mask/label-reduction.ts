/** From an annotation mask at the image's own size to the cells of the feature grid. */

/** 0/1 values, row-major. */
export interface BinaryMask {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * - 'nearest': the one pixel each cell samples decides (the public code; thin annotations mostly vanish)
 * - 'any': one marked pixel in the cell's block is enough
 * - 'area': more than `threshold` of the block must be marked; the fullest cell is always on. inclusive: `threshold` itself is enough, and
 *   where no block is so full, all the fullest are on
 */
export type LabelReduction = { kind: 'nearest' } | { kind: 'any' } | { kind: 'area'; threshold: number; inclusive?: boolean | undefined };

/** Shares are sums of parts of pixels: those that ought to be equal are so within this. */
const ROUNDING = 1e-9;

export interface Grid {
  columns: number;
  rows: number;
  /** Image pixels the whole grid spans; larger than the image where the network's input is padded. */
  spanX: number;
  spanY: number;
}

/** -> 0/1 per cell, row-major [rows, columns] */
export function reduceLabels(mask: BinaryMask, grid: Grid, reduction: LabelReduction): Float32Array {
  switch (reduction.kind) {
    case 'nearest':
      return nearest(mask, grid);
    case 'any':
      return Float32Array.from(cellShares(mask, grid), (share) => (share > 0 ? 1 : 0));
    case 'area': {
      const shares = cellShares(mask, grid);
      const fullest = shares.reduce((best, share) => Math.max(best, share), 0);
      if (reduction.inclusive) {
        const least = Math.max(Math.min(reduction.threshold, fullest) - ROUNDING, Number.MIN_VALUE);
        return Float32Array.from(shares, (share) => (share >= least ? 1 : 0));
      }
      const top = fullest > 0 ? shares.indexOf(fullest) : -1;
      return Float32Array.from(shares, (share, i) => (share > reduction.threshold || i === top ? 1 : 0));
    }
  }
}

/** source = floor(cell * span / cells) */
function nearest(mask: BinaryMask, grid: Grid): Float32Array {
  const out = new Float32Array(grid.rows * grid.columns);
  for (let row = 0; row < grid.rows; row++) {
    const y = Math.floor((row * grid.spanY) / grid.rows);
    for (let column = 0; column < grid.columns; column++) {
      const x = Math.floor((column * grid.spanX) / grid.columns);
      const marked = x < mask.width && y < mask.height && mask.data[y * mask.width + x] !== 0;
      out[row * grid.columns + column] = marked ? 1 : 0;
    }
  }
  return out;
}

/** Share of each cell's block that is marked, 0..1; pixels on a border between cells count in part for both. */
export function cellShares(mask: BinaryMask, grid: Grid): Float64Array {
  const out = new Float64Array(grid.rows * grid.columns);
  const across = overlaps(mask.width, grid.columns, grid.spanX);
  const down = overlaps(mask.height, grid.rows, grid.spanY);
  const sums = new Float64Array(grid.columns);
  for (let y = 0; y < mask.height; y++) {
    sums.fill(0);
    const at = y * mask.width;
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[at + x] === 0) continue;
      for (const [column, share] of across[x] as Overlap[]) sums[column] = (sums[column] as number) + share;
    }
    for (const [row, share] of down[y] as Overlap[]) {
      for (let column = 0; column < grid.columns; column++) {
        const i = row * grid.columns + column;
        out[i] = (out[i] as number) + share * (sums[column] as number);
      }
    }
  }
  return out;
}

/** Cell index, and the part of that cell the pixel covers. */
type Overlap = [cell: number, share: number];

function overlaps(pixels: number, cells: number, span: number): Overlap[][] {
  const size = span / cells;
  return Array.from({ length: pixels }, (_, pixel) => {
    const found: Overlap[] = [];
    for (let cell = Math.floor(pixel / size); cell < cells && cell * size < pixel + 1; cell++) {
      const covered = Math.min(pixel + 1, (cell + 1) * size) - Math.max(pixel, cell * size);
      if (covered > 1e-9) found.push([cell, covered / size]);
    }
    return found;
  });
}
