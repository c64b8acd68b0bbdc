/** Multi-head attention, the one piece all networks share. */
import type { Ops } from './ops.ts';
import { QUERIES, spans } from './pieces.ts';

/** [B, T, heads * d] -> [B, heads, T, d] */
export function splitHeads<T>(ops: Ops<T>, x: T, heads: number): T {
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
 *
 * bias [1, Tk]: added to the weights of all heads and queries, which then go through a second softmax (target-guided attention of
 * PerSAM, Zhang et al., 2023, as its public code has it).
 */
export function attend<T>(ops: Ops<T>, q: T, k: T, v: T, heads: number, bias?: T): T {
  // A fused attention has one softmax.
  if (ops.attend && bias === undefined) return ops.attend(q, k, v, heads);
  const width = ops.shapeOf(q)[2] as number;
  const scale = ops.constant([1 / Math.sqrt(width / heads)], [1]);
  const queries = ops.mul(splitHeads(ops, q, heads), scale); // [B, heads, Tq, d]
  const logits = ops.matMul(queries, splitHeads(ops, k, heads), { transposeB: true }); // [B, heads, Tq, Tk]
  const plain = ops.softmax(logits);
  const shares = bias === undefined ? plain : ops.softmax(ops.add(plain, bias));
  return mergeHeads(ops, ops.matMul(shares, splitHeads(ops, v, heads)));
}

/**
 * Plain attention over heads already apart, with at most `piece` logits at once: as many queries as fit one head, then as many heads as fit.
 * q [N, heads, Tq, d], k, v [N, heads, Tk, d] -> [N, heads, Tq, d]
 */
export function attendInPieces<T>(ops: Ops<T>, q: T, k: T, v: T, piece: number): T {
  const [count, heads, queries, depth] = ops.shapeOf(q) as [number, number, number, number];
  const keys = ops.shapeOf(k)[2] as number;
  const scaled = ops.mul(q, ops.constant([1 / Math.sqrt(depth)], [1]));
  const whole = count * heads * queries * keys <= piece;
  const rows = whole ? queries : Math.min(QUERIES, Math.max(1, Math.floor(piece / (count * keys))));
  const together = whole ? heads : piece / (count * rows * keys);
  const groups = spans(heads, together).map(([from, to]) => {
    const part = (x: T): T => (to - from === heads ? x : ops.slice(x, 1, from, to));
    const [keysOf, valuesOf, queriesOf] = [part(k), part(v), part(scaled)];
    const done = spans(queries, rows).map(([first, last]) => {
      const some = last - first === queries ? queriesOf : ops.slice(queriesOf, 2, first, last);
      return ops.matMul(ops.softmax(ops.matMul(some, keysOf, { transposeB: true })), valuesOf);
    });
    return done.length === 1 ? (done[0] as T) : ops.concat(done, 2);
  });
  return groups.length === 1 ? (groups[0] as T) : ops.concat(groups, 1);
}
