/** Search for the object's own cells in a target. */
import { evenly } from '../../common/evenly.ts';
import { visibleIndices } from '../../image/geometry.ts';
import type { FeaturePart } from '../../checkpoint/methods-section.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { MethodContext } from '../methods/method.ts';
import type { PreparedReference } from '../references.ts';
import { bestTwo, unitFeatures, type UnitFeatures } from './content.ts';

/** Cells of one reference that are looked for; spread evenly. */
const MOST = 48;

/** Mean over the object's cells of the largest cosine to a cell of the target, once a call; of several references the best two. -1..1 */
export function foundAgain(
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
  parts: readonly FeaturePart[],
): Promise<number> {
  const key = JSON.stringify(['found again', target.key, references.map((reference) => reference.key), parts]);
  return context.once(key, async () => {
    const seen = await unitFeatures(context, target, parts);
    const visible = visibleIndices(context.geometry, target);
    const means: number[] = [];
    for (const { features, cells } of references) {
      means.push(meanBest(await unitFeatures(context, features, parts), cells, seen, visible) / parts.length);
      context.checkpoint();
    }
    return bestTwo(means);
  });
}

/** Products of sampled object cells with all cells of the target. */
function meanBest(shown: UnitFeatures, marked: Float32Array, seen: UnitFeatures, visible: readonly number[]): number {
  const on: number[] = [];
  for (let i = 0; i < marked.length; i++) if (marked[i] !== 0) on.push(i);
  const sampled = evenly(on, MOST);
  const products = new Float32Array(seen.cells);
  let sum = 0;
  for (const cell of sampled) {
    products.fill(0);
    for (let c = 0; c < seen.channels; c++) {
      const weight = shown.data[c * shown.cells + cell] as number;
      for (let i = 0; i < seen.cells; i++) products[i] = (products[i] as number) + weight * (seen.data[c * seen.cells + i] as number);
    }
    let best = -Infinity;
    for (const i of visible) best = Math.max(best, products[i] as number);
    sum += best;
  }
  return sum / Math.max(1, sampled.length);
}
