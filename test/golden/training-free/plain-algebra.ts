/** Linear algebra in plain loops for golden cases: vectors of length 1, products, eigenvectors. */

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

export function unit(vector: Float64Array): Float64Array {
  const length = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((value) => value / length);
}

export function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const [first] = vectors as [Float64Array];
  return first.map((_, c) => vectors.reduce((sum, vector) => sum + (vector[c] as number), 0) / vectors.length);
}

/** Cells of a map [C, h, w] as vectors. [h * w][C] */
export function cellVectors({ data, shape }: { data: Float32Array; shape: readonly number[] }): Float64Array[] {
  const channels = shape.at(-3) as number;
  const count = data.length / channels;
  return Array.from({ length: count }, (_, i) => Float64Array.from({ length: channels }, (__, c) => data[c * count + i] as number));
}

/** The same back as a map. [C, h, w] */
export function mapOf(vectors: readonly Float64Array[]): number[] {
  const channels = vectors[0]?.length ?? 0;
  return Array.from({ length: channels }, (_, c) => vectors.map((vector) => vector[c] as number)).flat();
}

/** Sum of v v^T over vectors. [C][C] */
export function secondMoments(vectors: readonly Float64Array[]): Float64Array[] {
  const channels = vectors[0]?.length ?? 0;
  return Array.from({ length: channels }, (_, a) =>
    Float64Array.from({ length: channels }, (__, b) => vectors.reduce((sum, v) => sum + (v[a] as number) * (v[b] as number), 0)),
  );
}

/** Eigenvectors of a symmetric matrix by falling eigenvalue (cyclic Jacobi rotations). */
export function eigenvectors(symmetric: readonly Float64Array[]): Float64Array[] {
  const size = symmetric.length;
  const a = symmetric.map((row) => row.slice());
  const at = (i: number, j: number): number => (a[i] as Float64Array)[j] as number;
  const vectors = a.map((_, i) => Float64Array.from({ length: size }, (__, j) => Number(i === j)));
  const rotate = (p: number, q: number): void => {
    const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
    const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
    const cos = 1 / Math.hypot(t, 1);
    const turn = (first: Float64Array, second: Float64Array): void => {
      first.forEach((value, k) => {
        const other = second[k] as number;
        first[k] = cos * value - t * cos * other;
        second[k] = t * cos * value + cos * other;
      });
    };
    turn(a[p] as Float64Array, a[q] as Float64Array);
    for (const row of a) {
      const [x, y] = [row[p] as number, row[q] as number];
      row[p] = cos * x - t * cos * y;
      row[q] = t * cos * x + cos * y;
    }
    turn(vectors[p] as Float64Array, vectors[q] as Float64Array);
  };
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) if (Math.abs(at(p, q)) > 1e-15) rotate(p, q);
  return vectors
    .map((vector, i) => ({ vector, value: at(i, i) }))
    .sort((x, y) => y.value - x.value)
    .map(({ vector }) => vector);
}
