/**
 * Closeness to cells: the largest cosine to a marked cell and the largest to any other. Cells of all references are one pool, whose
 * product with the target's is made in blocks by a network, so that neither time nor memory grows without bound and a thread that
 * computes for others, too, is never held up for long.
 */
import { evenly } from '../../common/evenly.ts';
import { visibleIndices } from '../../image/geometry.ts';
import type { Networks } from '../../onnx/networks.ts';
import type { ComparedMap, ShownMap } from './compared-map.ts';
import type { MethodContext } from './method.ts';

/** Products of one value with another; a second or two on a CPU. A pool that would need more is thinned evenly. */
const MAX_PRODUCTS = 2 ** 35;
/** Values of a block's cells, which are gathered in one go, and of its cosines. */
const BLOCK_VALUES = 2 ** 20;

/** Place of a cell in the pool: which reference, which of its cells. */
interface PoolCell {
  from: number;
  cell: number;
}

/** -> cosines per cell of the target. Nothing marked: the object's are -1 everywhere; nothing left beside it: the rest's are. */
export async function cellCosines(
  context: CellContext,
  target: ComparedMap,
  references: readonly ShownMap[],
  maxProducts = MAX_PRODUCTS,
): Promise<Cosines> {
  const pools = thinned(poolsOf(context, references), cellsWithin(target, maxProducts));
  const object = await largestCosines(context, target, references, pools.marked);
  const rest = await largestCosines(context, target, references, pools.others);
  return { object, rest };
}

/** Cosines of every target cell, -1..1: to the object, and to whatever else the references show. [h * w] */
export interface Cosines {
  object: Float32Array;
  rest: Float32Array;
}

/** Largest cosine of every target cell to a marked cell, -1..1; -1 where nothing is marked. */
export function largestMarkedCosine(context: CellContext, target: ComparedMap, references: readonly ShownMap[]): Promise<Float32Array> {
  const { marked } = thinned({ marked: poolsOf(context, references).marked, others: [] }, cellsWithin(target, MAX_PRODUCTS));
  return largestCosines(context, target, references, marked);
}

/** Cells of a pool whose product with the target's stays within a bound. */
function cellsWithin({ map }: ComparedMap, maxProducts: number): number {
  return Math.max(2, Math.floor(maxProducts / map.data.length));
}

async function largestCosines(
  context: CellContext,
  target: ComparedMap,
  references: readonly ShownMap[],
  pool: readonly PoolCell[],
): Promise<Float32Array> {
  const [, channels, rows, columns] = target.map.shape as [number, number, number, number];
  const found = new Float32Array(rows * columns).fill(-1);
  const block = Math.max(1, Math.floor(BLOCK_VALUES / Math.max(channels, rows * columns)));
  for (let start = 0; start < pool.length; start += block) {
    const cells = gathered(references, pool.slice(start, start + block), channels);
    const cosines = await context.networks.nearestCosine(cells, target.map, target.widths);
    cosines.forEach((value, i) => (found[i] = Math.max(found[i] as number, value)));
    context.checkpoint();
  }
  return found;
}

/** The little of a method's context that this needs. */
export interface CellContext extends Pick<MethodContext, 'geometry' | 'checkpoint'> {
  networks: Pick<Networks, 'nearestCosine'>;
}

interface Pools {
  marked: PoolCell[];
  others: PoolCell[];
}

/** Cells that show the image, marked and not. */
function poolsOf({ geometry }: CellContext, references: readonly ShownMap[]): Pools {
  const pools: Pools = { marked: [], others: [] };
  references.forEach(({ reference: { features, cells } }, from) => {
    for (const cell of visibleIndices(geometry, features)) pools[cells[cell] === 0 ? 'others' : 'marked'].push({ from, cell });
  });
  return pools;
}

/** At most so many cells, the same share of both. */
function thinned({ marked, others }: Pools, most: number): Pools {
  const share = Math.min(1, most / (marked.length + others.length));
  const thin = (pool: PoolCell[]): PoolCell[] => evenly(pool, Math.ceil(share * pool.length));
  return { marked: thin(marked), others: thin(others) };
}

/** Features of cells as rows. [n, C] */
function gathered(references: readonly ShownMap[], pool: readonly PoolCell[], channels: number) {
  const data = new Float32Array(pool.length * channels);
  pool.forEach(({ from, cell }, row) => {
    const { map } = references[from] as ShownMap;
    const cells = map.data.length / channels;
    for (let c = 0; c < channels; c++) data[row * channels + c] = map.data[c * cells + cell] as number;
  });
  return { data, shape: [pool.length, channels] };
}
