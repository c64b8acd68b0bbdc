/** Geometry: points, maps and grids of the networks in an image's own pixels. */
import type { Grid } from '../mask/label-reduction.ts';
import { resizedAboveZero, resizeMap, type FloatMap, type PixelConvention } from '../mask/resize-map.ts';
import { longestSideSize, type PreprocessConfig, type Size } from './preprocess.ts';

/** The way from the square and the feature grid back to an image's own pixels, for one preprocessing. */
export interface Geometry {
  /** Side of the square in which logits are compared and merged. */
  square: number;
  /** Place of a map's pixels on the square, for `toSquare`. */
  convention: PixelConvention;
  /** Low-resolution logits -> the square. */
  toSquare(low: FloatMap): FloatMap;
  /** Low-resolution logits -> the image's own pixels, by way of the square or at once, as the model was trained. */
  lowToImage(low: FloatMap, width: number, height: number): FloatMap;
  /** 1 where low-resolution logits are above 0 at the image's own pixels, as `lowToImage` brings them there. [height * width] */
  lowToMask(low: FloatMap, width: number, height: number): Uint8Array;
  /** A map on the square -> the image's own pixels. */
  toImage(square: FloatMap, width: number, height: number): FloatMap;
  /** The part of a map over SAM's input that shows the image, padding cut off. */
  visible(low: FloatMap, width: number, height: number): FloatMap;
  /** A point of the image -> pixels of SAM's input, pixel centres at whole numbers. */
  toSam(x: number, y: number, width: number, height: number): [x: number, y: number];
  /** Image pixels that the feature grid spans across and down. */
  gridSpan(width: number, height: number): { spanX: number; spanY: number };
  /** A map on the feature grid -> the image's own pixels. */
  gridToImage(map: FloatMap, width: number, height: number): FloatMap;
  /** The same -> SAM's low-resolution logits, `side` across and down; padding that the grid does not have gets the lowest value. */
  gridToLow(map: FloatMap, width: number, height: number, side: number): FloatMap;
}

export function geometryOf({ resize, samSize, backboneSize, halfPixel = false }: PreprocessConfig): Geometry {
  const padded = resize === 'longest-side';
  const square = padded ? samSize : (backboneSize ?? samSize);
  const atOnce = halfPixel || resize === 'stretch-float';
  const convention: PixelConvention = padded || atOnce ? 'half-pixel' : 'aligned';
  /** Size the image takes inside a padded square of `side`. */
  const sizeIn = (side: number, width: number, height: number): Size =>
    padded ? longestSideSize(width, height, side) : { width: side, height: side };
  // A backbone of its own always sees the stretched image; only SAM's own grid is padded.
  const gridIsPadded = padded && backboneSize === undefined;
  const gridSpan = (width: number, height: number): { spanX: number; spanY: number } => {
    if (!gridIsPadded) return { spanX: width, spanY: height };
    const size = longestSideSize(width, height, samSize);
    return { spanX: (samSize * width) / size.width, spanY: (samSize * height) / size.height };
  };
  const toSquare: Geometry['toSquare'] = (low) => resizeMap(low, square, square, convention);
  const toImage: Geometry['toImage'] = (map, width, height) =>
    resizeMap(crop(map, sizeIn(square, width, height)), width, height, convention);
  const lowToImage: Geometry['lowToImage'] = (low, width, height) =>
    atOnce ? resizeMap(low, width, height, convention) : toImage(toSquare(low), width, height);
  return {
    square,
    convention,
    gridSpan,
    toSquare,
    toImage,
    lowToImage,
    lowToMask: (low, width, height) =>
      resizedAboveZero(atOnce ? low : crop(toSquare(low), sizeIn(square, width, height)), width, height, convention),
    visible(low, width, height) {
      const size = sizeIn(low.width, width, height);
      return crop(low, { width: Math.ceil(size.width), height: Math.ceil(size.height) });
    },
    toSam(x, y, width, height) {
      const size = sizeIn(samSize, width, height);
      return [(x * size.width) / width - 0.5, (y * size.height) / height - 0.5];
    },
    gridToImage(map, width, height) {
      const { spanX, spanY } = gridSpan(width, height);
      return resizeMap(map, width, height, 'half-pixel', { width: spanX, height: spanY });
    },
    gridToLow(map, width, height, side) {
      if (!padded || gridIsPadded) return resizeMap(map, side, side, 'half-pixel');
      const size = sizeIn(side, width, height);
      const shown = resizeMap(map, size.width, size.height, 'half-pixel');
      const data = new Float32Array(side * side).fill(map.data.reduce((low, value) => Math.min(low, value), Infinity));
      for (let y = 0; y < shown.height; y++) data.set(shown.data.subarray(y * shown.width, (y + 1) * shown.width), y * side);
      return { data, width: side, height: side };
    },
  };
}

/** The upper left part of a map. */
function crop(map: FloatMap, size: Size): FloatMap {
  if (size.width === map.width && size.height === map.height) return map;
  const data = new Float32Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) data.set(map.data.subarray(y * map.width, y * map.width + size.width), y * size.width);
  return { data, ...size };
}

/** The cells of an image's maps [1, C, rows, columns], and the pixels of the image that they span. */
export function gridOf(
  geometry: Pick<Geometry, 'gridSpan'>,
  { mid, width, height }: { mid: { readonly shape: readonly number[] }; width: number; height: number },
): Grid {
  const [, , rows, columns] = mid.shape as [number, number, number, number];
  return { columns, rows, ...geometry.gridSpan(width, height) };
}

/** Numbers, on the whole grid, of the cells that show something of the image; row by row. */
export function visibleIndices(geometry: Pick<Geometry, 'gridSpan'>, image: Parameters<typeof visibleCells>[1]): number[] {
  const { columns, rows, stride } = visibleCells(geometry, image);
  return Array.from({ length: rows * columns }, (_, i) => Math.floor(i / columns) * stride + (i % columns));
}

/** The upper left cells of the grid, those that show something of the image; stride: cells from one row of the whole grid to the next. */
export function visibleCells(
  geometry: Pick<Geometry, 'gridSpan'>,
  image: { mid: { readonly shape: readonly number[] }; width: number; height: number },
): { columns: number; rows: number; stride: number } {
  const { columns, rows, spanX, spanY } = gridOf(geometry, image);
  return {
    columns: Math.min(columns, Math.ceil((columns * image.width) / spanX)),
    rows: Math.min(rows, Math.ceil((rows * image.height) / spanY)),
    stride: columns,
  };
}
