/** Masks of single points: SAM draws one for each, and they are read where the cells of the feature grid have their centres. */
import { cellCentres, type CellCentres } from '../cell-centres.ts';
import type { ImageFeatures } from '../../image-features.ts';
import type { MethodContext } from '../method.ts';
import { decodeSamPromptSets, lowResSide, type SamPrompt } from '../sam-prompts.ts';
import type { SamMask } from '../stable-mask.ts';
import type { GridPoint } from './points.ts';
import type { SeenCells } from './unit-cells.ts';

/** Points decoded together: more hardly save time on a CPU, and each takes memory. */
const BATCH = 8;

export interface PointMask extends SamMask {
  /** 1 where the centre of a cell is covered. [N] */
  cells: Uint8Array;
}

export async function pointMasks(
  context: MethodContext,
  target: ImageFeatures,
  seen: SeenCells,
  points: readonly GridPoint[],
): Promise<PointMask[]> {
  const { networks, geometry } = context;
  const centres = cellCentres(context, target, seen);
  const covered = cellReader(context, target, seen, centres);
  const masks: PointMask[] = [];
  for (let start = 0; start < points.length; start += BATCH) {
    const sets = points
      .slice(start, start + BATCH)
      .map(({ x, y }): SamPrompt[] => [{ x: centres.x(x), y: centres.y(y), kind: 'positive' }]);
    for (const { single } of await decodeSamPromptSets(networks, geometry, target, sets))
      masks.push({ ...single, cells: covered(single.logits) });
    context.checkpoint();
  }
  return masks;
}

/** Reads logits [4g * 4g] at the centres of cells, bilinear. */
function cellReader(
  { geometry }: Pick<MethodContext, 'geometry'>,
  target: ImageFeatures,
  { columns, rows }: SeenCells,
  centres: CellCentres,
): (logits: Float32Array) => Uint8Array {
  const side = lowResSide(target);
  /** Low-resolution pixels on both sides of a centre, and the share of the second. */
  const between = (sam: number): { low: number; high: number; share: number } => {
    const place = Math.max(0, Math.min(side - 1, (sam + 0.5) / 4 - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, side - 1), share: place - low };
  };
  const { width, height } = target;
  const across = Array.from({ length: columns }, (_, column) => between(geometry.toSam(centres.x(column), 0, width, height)[0]));
  const down = Array.from({ length: rows }, (_, row) => between(geometry.toSam(0, centres.y(row), width, height)[1]));
  return (logits) => {
    const covered = new Uint8Array(columns * rows);
    down.forEach((y, row) => {
      across.forEach((x, column) => {
        const line = (at: number): number =>
          (logits[at * side + x.low] as number) * (1 - x.share) + (logits[at * side + x.high] as number) * x.share;
        const cell = row * columns + column;
        if (line(y.low) * (1 - y.share) + line(y.high) * y.share > 0 && centres.inImage(cell)) covered[cell] = 1;
      });
    });
    return covered;
  };
}
