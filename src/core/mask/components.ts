/** Connected pieces of a mask or of what is around them, as runs of pixels in rows: their number grows with outlines, not with areas. */
import { PAUSE_AFTER, PAUSE_AFTER_PLAIN, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

export interface Components {
  /** Place of each run's first pixel in the mask, and of the pixel after its last. [runs] */
  from: Int32Array;
  to: Int32Array;
  /** Piece of each run, the place of one of its runs. [runs] */
  piece: Int32Array;
  /** Pixels of a piece, at its own place. [runs] */
  area: Float64Array;
  /** 1 at the place of a piece that reaches the border. [runs] */
  atBorder: Uint8Array;
  runs: number;
}

/** Pieces of set pixels, of which diagonal neighbours connect, or of unset ones, of which they do not. */
export function* componentSteps({ data, width, height }: BinaryMask, kind: 'set' | 'unset'): Steps<Components> {
  const reach = kind === 'set' ? 1 : 0;
  let [from, to, parent] = [new Int32Array(1024), new Int32Array(1024), new Int32Array(1024)];
  let [runs, above, unpaused] = [0, 0, 0];
  const rootOf = (run: number): number => {
    let root = run;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root] as number] as number;
      root = parent[root] as number;
    }
    return root;
  };
  for (let y = 0; y < height; y++) {
    const [rowStart, rowEnd] = [y * width, (y + 1) * width];
    const first = runs;
    let other = above;
    for (let at = rowStart; at < rowEnd; at++) {
      if ((data[at] !== 0) !== (kind === 'set')) continue;
      const begin = at;
      while (at < rowEnd && (data[at] !== 0) === (kind === 'set')) at++;
      if (runs === from.length) [from, to, parent] = [doubled(from), doubled(to), doubled(parent)];
      from[runs] = begin;
      to[runs] = at;
      parent[runs] = runs;
      // Runs of the row above that touch this one; the last of them may touch the next, too.
      while (other < first && (to[other] as number) + width + reach <= begin) other++;
      for (let i = other; i < first && (from[i] as number) + width < at + reach; i++) {
        const [one, two] = [rootOf(runs), rootOf(i)];
        if (one !== two) parent[Math.max(one, two)] = Math.min(one, two);
      }
      runs++;
    }
    above = first;
    unpaused += width + 16 * (runs - first);
    if (unpaused < PAUSE_AFTER_PLAIN) continue;
    unpaused = 0;
    yield;
  }
  const area = new Float64Array(runs);
  const atBorder = new Uint8Array(runs);
  for (let run = 0; run < runs; run++) {
    const piece = rootOf(run);
    parent[run] = piece;
    const [begin, end] = [from[run] as number, to[run] as number];
    area[piece] = (area[piece] as number) + end - begin;
    if (begin < width || end > width * (height - 1) || begin % width === 0 || end % width === 0) atBorder[piece] = 1;
    if (run % PAUSE_AFTER === PAUSE_AFTER - 1) yield;
  }
  return { from, to, piece: parent, area, atBorder, runs };
}

function doubled(list: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * list.length);
  longer.set(list);
  return longer;
}
