/** Large layers piece by piece: the pieces stay in the processor's cache, and a runtime holds small buffers instead of large ones. */
import type { Ops } from './ops.ts';

/** Values that attention and the hidden layer make at once: 16 MB. */
export const PIECE = 2 ** 22;

/** Queries that are worth turning the keys for. */
export const QUERIES = 512;

/** Even spans [from, to) that cover `count` with at most `most` each. */
export function spans(count: number, most: number): [from: number, to: number][] {
  const pieces = Math.ceil(count / Math.max(1, Math.floor(most)));
  const each = Math.ceil(count / pieces);
  return Array.from({ length: Math.ceil(count / each) }, (_, i) => [i * each, Math.min(count, (i + 1) * each)]);
}

/** x cut along an axis into pieces of at most `most` times `unit` entries, each worked on, the results put together again. */
export function inPieces<T>(ops: Ops<T>, x: T, axis: number, unit: number, most: number, work: (piece: T) => T): T {
  const count = ops.shapeOf(x)[axis] as number;
  const pieces = spans(Math.ceil(count / unit), most);
  if (pieces.length === 1) return work(x);
  return ops.concat(
    pieces.map(([from, to]) => work(ops.slice(x, axis, from * unit, Math.min(count, to * unit)))),
    axis,
  );
}
