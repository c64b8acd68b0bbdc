/** Linear assignment by shortest augmenting paths (Jonker and Volgenant, 1987). */
import type { Steps } from '../../../mask/cooperative.ts';

/**
 * One-to-one pairs of rows and columns with the largest sum of scores: of each row its column, or -1 where there are fewer columns than
 * rows. Pauses after each row; takes time for rows squared times columns at most.
 *
 * scores: row-major [rows, columns]
 */
export function* assignLargest(scores: Float32Array, rows: number, columns: number): Steps<Int32Array> {
  if (rows <= columns) return yield* assign((row, column) => -(scores[row * columns + column] as number), rows, columns);
  const rowOf = yield* assign((column, row) => -(scores[row * columns + column] as number), columns, rows);
  const columnOf = new Int32Array(rows).fill(-1);
  rowOf.forEach((row, column) => (columnOf[row] = column));
  return columnOf;
}

/** The same for costs, with no more rows than columns. */
function* assign(cost: (row: number, column: number) => number, rows: number, columns: number): Steps<Int32Array> {
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const rowOf = new Int32Array(columns).fill(-1);
  const columnOf = new Int32Array(rows).fill(-1);
  for (let start = 0; start < rows; start++) {
    const distance = new Float64Array(columns).fill(Infinity);
    const before = new Int32Array(columns).fill(-1);
    const done = new Uint8Array(columns);
    let [row, reached, end] = [start, 0, -1];
    let through = -1;
    while (end < 0) {
      let nearest = -1;
      for (let column = 0; column < columns; column++) {
        if (done[column] !== 0) continue;
        const way = reached + cost(row, column) - (rowPrice[row] as number) - (columnPrice[column] as number);
        if (way < (distance[column] as number)) {
          distance[column] = way;
          before[column] = through;
        }
        if (nearest < 0 || (distance[column] as number) < (distance[nearest] as number)) nearest = column;
      }
      reached = distance[nearest] as number;
      done[nearest] = 1;
      through = nearest;
      if ((rowOf[nearest] as number) < 0) end = nearest;
      else row = rowOf[nearest] as number;
    }
    rowPrice[start] = (rowPrice[start] as number) + reached;
    for (let column = 0; column < columns; column++) {
      if (done[column] === 0 || column === end) continue;
      const ahead = reached - (distance[column] as number);
      columnPrice[column] = (columnPrice[column] as number) - ahead;
      const owner = rowOf[column] as number;
      rowPrice[owner] = (rowPrice[owner] as number) + ahead;
    }
    for (let column = end; column >= 0;) {
      const previous = before[column] as number;
      const owner = previous < 0 ? start : (rowOf[previous] as number);
      rowOf[column] = owner;
      columnOf[owner] = column;
      column = previous;
    }
    yield;
  }
  return columnOf;
}
