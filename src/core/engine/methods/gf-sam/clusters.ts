/** Graph of points: one leads to another where its mask covers it. Clusters are what hangs together, whichever way the edges run. */

/** covers: mask i covers point j. -> cluster of each point, numbered by their smallest member */
export function clustersOf(count: number, covers: (i: number, j: number) => boolean): Int32Array {
  const clusters = new Int32Array(count).fill(-1);
  let next = 0;
  for (let start = 0; start < count; start++) {
    if (clusters[start] !== -1) continue;
    const open = [start];
    clusters[start] = next;
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      for (let j = 0; j < count; j++) {
        if (clusters[j] !== -1 || !(covers(i, j) || covers(j, i))) continue;
        clusters[j] = next;
        open.push(j);
      }
    }
    next++;
  }
  return clusters;
}

/** Members of every cluster, in order. */
export function membersOf(clusters: Int32Array): number[][] {
  const members: number[][] = [];
  clusters.forEach((cluster, i) => (members[cluster] ??= []).push(i));
  return members;
}
