/** Exact optimal transport between uniform weights, by shortest augmenting paths over whole units. */

/** cost: row-major [rows, columns]. -> mean cost of a unit, as each row gives 1 / rows and each column takes 1 / columns */
export function exactTransport(cost: ArrayLike<number>, rows: number, columns: number): number {
  const supply = new Array<number>(rows).fill(columns);
  const demand = new Array<number>(columns).fill(rows);
  const flow = new Float64Array(rows * columns);
  const price = new Float64Array(rows + columns);
  const nodes = rows + columns;
  for (let left = rows * columns; left > 0;) {
    // Dijkstra on reduced costs from all rows that still have something; nodes are rows, then columns.
    const distance = new Float64Array(nodes).fill(Infinity);
    const from = new Int32Array(nodes).fill(-1);
    const done = new Uint8Array(nodes);
    supply.forEach((units, row) => {
      if (units > 0) distance[row] = 0;
    });
    for (let round = 0; round < nodes; round++) {
      let node = -1;
      for (let i = 0; i < nodes; i++) if (done[i] === 0 && (node < 0 || (distance[i] as number) < (distance[node] as number))) node = i;
      if (distance[node] === Infinity) break;
      done[node] = 1;
      const relax = (to: number, length: number): void => {
        const way = (distance[node] as number) + Math.max(0, length + (price[node] as number) - (price[to] as number));
        if (way >= (distance[to] as number)) return;
        distance[to] = way;
        from[to] = node;
      };
      if (node < rows) for (let j = 0; j < columns; j++) relax(rows + j, cost[node * columns + j] as number);
      else
        for (let i = 0; i < rows; i++)
          if ((flow[i * columns + node - rows] as number) > 0) relax(i, -(cost[i * columns + node - rows] as number));
    }
    for (let i = 0; i < nodes; i++) if (distance[i] !== Infinity) price[i] = (price[i] as number) + (distance[i] as number);
    let end = -1;
    demand.forEach((units, j) => {
      if (units > 0 && (end < 0 || (distance[rows + j] as number) < (distance[end] as number))) end = rows + j;
    });
    const path: [at: number, sign: number][] = [];
    let node = end;
    for (; (from[node] as number) >= 0; node = from[node] as number) {
      const before = from[node] as number;
      path.push(node >= rows ? [before * columns + node - rows, 1] : [node * columns + before - rows, -1]);
    }
    const units = Math.min(
      supply[node] as number,
      demand[end - rows] as number,
      ...path.filter(([, sign]) => sign < 0).map(([at]) => flow[at] as number),
    );
    for (const [at, sign] of path) flow[at] = (flow[at] as number) + sign * units;
    supply[node] = (supply[node] as number) - units;
    demand[end - rows] = (demand[end - rows] as number) - units;
    left -= units;
  }
  return flow.reduce((sum, units, at) => sum + units * (cost[at] as number), 0) / (rows * columns);
}
