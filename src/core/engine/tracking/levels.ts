/** A frame at several sizes, so that an object is found coarsely first; the finest is no finer than the object needs. */
import { pillowResize, type Raster } from '../../image/pillow-resize.ts';

/** A size of a frame. */
export interface Level {
  image: Raster;
  /** Pixels of the level for one of the frame, across and down: rounding makes them differ a little. */
  scaleX: number;
  scaleY: number;
}

/** Side of a square as large as the object, in pixels of the finest level. */
const FINEST = 72;
/** The same in the coarsest level, at least. */
const COARSEST = 10;
const MAX_LEVELS = 3;

/** Sizes of a frame in which an object of so many pixels is looked for, finest first. */
export function levelScales(area: number): number[] {
  const side = Math.sqrt(area);
  const finest = Math.min(1, FINEST / side);
  const scales = [finest];
  while (scales.length < MAX_LEVELS && (finest * side) / 2 ** scales.length >= COARSEST) scales.push(finest / 2 ** scales.length);
  return scales;
}

/** finest first */
export function levelsOf(frame: Raster, scales: readonly number[]): Level[] {
  let from = frame;
  return scales.map((scale) => {
    const width = Math.max(1, Math.round(scale * frame.width));
    const height = Math.max(1, Math.round(scale * frame.height));
    from = width === from.width && height === from.height ? from : pillowResize(from, width, height);
    return { image: from, scaleX: width / frame.width, scaleY: height / frame.height };
  });
}
