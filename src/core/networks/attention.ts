/** Multi-head attention, the one piece all networks share. */
import type { Ops } from './ops.ts';

/** [B, T, heads * d] -> [B, heads, T, d] */
function splitHeads<T>(ops: Ops<T>, x: T, heads: number): T {
  const [batch, tokens, width] = ops.shapeOf(x) as [number, number, number];
  return ops.transpose(ops.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, heads, T, d] -> [B, T, heads * d] */
export function mergeHeads<T>(ops: Ops<T>, x: T): T {
  const [batch, heads, tokens, depth] = ops.shapeOf(x) as [number, number, number, number];
  return ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * depth]);
}

/**
 * softmax(q k^T / sqrt(d)) v over heads.
 *
 * Batches of q and of k, v broadcast: one image's keys [1, ...] serve many prompt sets [B, ...] without a copy.
 * q [B, Tq, c], k [B, Tk, c], v [B, Tk, c] -> [B, Tq, c]
 */
export function attend<T>(ops: Ops<T>, q: T, k: T, v: T, heads: number): T {
  if (ops.attend) return ops.attend(q, k, v, heads);
  const width = ops.shapeOf(q)[2] as number;
  const scale = ops.constant([1 / Math.sqrt(width / heads)], [1]);
  const queries = ops.mul(splitHeads(ops, q, heads), scale); // [B, heads, Tq, d]
  const logits = ops.matMul(queries, splitHeads(ops, k, heads), { transposeB: true }); // [B, heads, Tq, Tk]
  return mergeHeads(ops, ops.matMul(ops.softmax(logits), splitHeads(ops, v, heads)));
}
