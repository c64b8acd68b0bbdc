/** Places of feature cells in an image. */
import { gridOf } from '../../image/geometry.ts';
import type { ImageMaps } from '../image-features.ts';
import type { MethodContext } from './method.ts';

/** Centres of an image's cells, in its pixels. */
export interface CellCentres {
  x: (column: number) => number;
  y: (row: number) => number;
  /** The cell's centre lies in the image. */
  inImage: (cell: number) => boolean;
}

/** columns: of the part of the grid by which cells are numbered. */
export function cellCentres(
  { geometry }: Pick<MethodContext, 'geometry'>,
  target: ImageMaps,
  { columns: seenColumns }: { columns: number },
): CellCentres {
  const { columns, rows, spanX, spanY } = gridOf(geometry, target);
  const x = (column: number): number => ((column + 0.5) * spanX) / columns;
  const y = (row: number): number => ((row + 0.5) * spanY) / rows;
  const inImage = (cell: number): boolean => x(cell % seenColumns) < target.width && y(Math.floor(cell / seenColumns)) < target.height;
  return { x, y, inImage };
}
