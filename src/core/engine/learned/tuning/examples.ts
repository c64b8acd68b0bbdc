/** Cells of some reference-target pairs, drawn at random, as one step of tuning takes them. */
import { uniformInt, type Random } from '../../../common/random.ts';
import type { CoarseExamples } from '../../../networks/coarse-gradients.ts';
import type { Tensor } from '../../../onnx/session.ts';
import type { View } from './views.ts';

/** Pairs of a step, cells of each target, and marked cells of each reference at most. */
export const [PAIRS, TARGET_CELLS, MARKED_CELLS] = [8, 256, 48];
/** Weight of what is marked, as where the encoder was trained (paper/spec-small.md, section 6). */
const MARKED_WEIGHT = 3;

/** Pseudo mask of a target by a reference. [h * w] */
export type PseudoMask = (reference: View, target: View) => Promise<ArrayLike<number>>;

/**
 * Loss of the step: the mean over pairs and cells of -(3 y log p + (1 - y) log(1 - p)). Up to half of a target's cells are drawn from those
 * that show some of the object, each weighed so that the mean is that of all its cells. views: of two images or more
 */
export async function drawExamples(
  views: readonly (readonly View[])[],
  pseudo: PseudoMask,
  random: Random,
): Promise<CoarseExamples<Tensor>> {
  const pairs: { reference: View; target: View }[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const target = uniformInt(random, 0, views.length - 1);
    const other = (target + uniformInt(random, 1, views.length - 1)) % views.length;
    const oneOf = (image: number): View => drawn(views[image] as readonly View[], random);
    pairs.push({ reference: oneOf(other), target: oneOf(target) });
  }
  const channels = (pairs[0] as (typeof pairs)[number]).target.maps.mid.shape[1] as number;
  const seen = pairs.map(({ reference: { marked } }) => sampled(marked, MARKED_CELLS, random));
  const marked = seen.reduce((sum, { length }) => sum + length, 0);
  const cells = PAIRS * TARGET_CELLS;
  const tensor = (rows: number, columns: number): Tensor & { data: Float32Array } => ({
    data: new Float32Array(rows * columns),
    shape: [rows, columns],
  });
  const examples = {
    ...{ reference: tensor(marked, channels), pool: tensor(PAIRS, marked), target: tensor(cells, channels), pair: tensor(cells, PAIRS) },
    ...{ pseudo: tensor(cells, 1), on: tensor(cells, 1), off: tensor(cells, 1) },
  };
  let row = 0;
  let at = 0;
  for (const [i, { reference, target }] of pairs.entries()) {
    const map = await pseudo(reference, target);
    const chosen = seen[i] as number[];
    for (const cell of chosen) {
      copyCell(reference, cell, examples.reference.data, at);
      examples.pool.data[i * marked + at++] = 1 / chosen.length;
    }
    for (const { cell, weight } of targetCells(target, random)) {
      copyCell(target, cell, examples.target.data, row);
      const share = target.shares[cell] as number;
      examples.pair.data[row * PAIRS + i] = 1;
      examples.pseudo.data[row] = map[cell] as number;
      examples.on.data[row] = (MARKED_WEIGHT * share * weight) / PAIRS;
      examples.off.data[row++] = ((1 - share) * weight) / PAIRS;
    }
  }
  return examples;
}

/** weight: so that the sum over what is drawn stands for the mean over all cells. */
function targetCells({ object, rest }: View, random: Random): { cell: number; weight: number }[] {
  const all = object.length + rest.length;
  const some = rest.length === 0 ? TARGET_CELLS : Math.min(object.length, TARGET_CELLS / 2);
  const part = (cells: readonly number[], count: number) =>
    sampled(cells, count, random, true).map((cell) => ({ cell, weight: cells.length / count / all }));
  return [...part(object, some), ...part(rest, TARGET_CELLS - some)];
}

/** All where there are no more than `most`, else some at random; filled: exactly as many, some of them again. */
function sampled(cells: readonly number[], most: number, random: Random, filled = false): number[] {
  if (cells.length === most || (!filled && cells.length < most)) return [...cells];
  return cells.length === 0 ? [] : Array.from({ length: most }, () => drawn(cells, random));
}

function drawn<T>(items: readonly T[], random: Random): T {
  return items[uniformInt(random, 0, items.length - 1)] as T;
}

/** Row `row` of `out` becomes the features of the cell. */
function copyCell({ maps: { mid } }: View, cell: number, out: Float32Array, row: number): void {
  const [, channels, rows, columns] = mid.shape as [number, number, number, number];
  const cells = rows * columns;
  for (let c = 0; c < channels; c++) out[row * channels + c] = mid.data[c * cells + cell] as number;
}
