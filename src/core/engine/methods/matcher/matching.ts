/** Pairs of reference and target cells that match in both directions (Matcher, Liu et al., 2024). */
import type { Steps } from '../../../mask/cooperative.ts';
import { assignLargest } from './assignment.ts';

/** Features of cells as rows of length 1. [count, channels] */
export interface CellRows {
  data: Float32Array;
  count: number;
  channels: number;
}

export interface Matching {
  /** Cosines of the marked reference cells to all target cells. [marked, target] */
  similarity: Float32Array;
  /** Forward pairs in the order of the marked cells: row of the references, cell of the target, and the row it finds backwards. */
  pairs: { reference: number; target: number; back: number; similarity: number; retained: boolean }[];
  /** Target cells of the pairs that count, the most similar first. */
  matched: { target: number; similarity: number }[];
}

/** More pairs than this lose their worse half. */
const MANY = 40;

/**
 * references: cells of all references in one pool. marked: rows of it that show the object. One-to-one matters: a cell that is nearest to
 * many would otherwise be the partner of all.
 */
export function* matchCells(references: CellRows, marked: readonly number[], target: CellRows): Steps<Matching> {
  const object = rowsAt(references, marked);
  const similarity = yield* cosines(object, target);
  const forward = yield* assignLargest(similarity, object.count, target.count);
  const pairs: Matching['pairs'] = [];
  forward.forEach((cell, row) => {
    if (cell < 0) return;
    const value = similarity[row * target.count + cell] as number;
    pairs.push({ reference: marked[row] as number, target: cell, back: -1, similarity: value, retained: false });
  });
  const chosen = rowsAt(
    target,
    pairs.map((pair) => pair.target),
  );
  const backward = yield* assignLargest(yield* cosines(chosen, references), chosen.count, references.count);
  const isMarked = new Set(marked);
  pairs.forEach((pair, i) => {
    pair.back = backward[i] as number;
    pair.retained = isMarked.has(pair.back);
  });
  const retained = pairs.filter((pair) => pair.retained);
  const ranked = [...(retained.length > 0 ? retained : pairs)].sort((a, b) => b.similarity - a.similarity);
  return { similarity, pairs, matched: ranked.length > MANY ? ranked.slice(0, Math.floor(ranked.length / 2)) : ranked };
}

/** Rows of length 1 from a map of cells. data [C, cells] */
export function unitRows(data: Float32Array, channels: number, cells: readonly number[]): CellRows {
  const all = data.length / channels;
  const out = new Float32Array(cells.length * channels);
  cells.forEach((cell, row) => {
    let squares = 0;
    for (let c = 0; c < channels; c++) squares += (data[c * all + cell] as number) ** 2;
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let c = 0; c < channels; c++) out[row * channels + c] = (data[c * all + cell] as number) * scale;
  });
  return { data: out, count: cells.length, channels };
}

function rowsAt({ data, channels }: CellRows, rows: readonly number[]): CellRows {
  const out = new Float32Array(rows.length * channels);
  rows.forEach((from, to) => out.set(data.subarray(from * channels, (from + 1) * channels), to * channels));
  return { data: out, count: rows.length, channels };
}

/** [a, b] */
function* cosines(a: CellRows, b: CellRows): Steps<Float32Array> {
  const { channels } = a;
  const out = new Float32Array(a.count * b.count);
  for (let i = 0; i < a.count; i++) {
    const row = a.data.subarray(i * channels, (i + 1) * channels);
    for (let j = 0, at = 0; j < b.count; j++) {
      let sum = 0;
      for (let c = 0; c < channels; c++, at++) sum += (row[c] as number) * (b.data[at] as number);
      out[i * b.count + j] = sum;
    }
    yield;
  }
  return out;
}
