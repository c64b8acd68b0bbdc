/** Images chosen one after another by weight x distance to what is labeled or chosen: what the service does not do, as it did not pay. */

/** Cosine of two vectors of length 1. */
function likeness(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** left: what can be chosen. -> `count` of them, or all */
export function farthestFirst(
  left: readonly number[],
  labeled: readonly number[],
  { looks, weight, count }: { looks: readonly Float32Array[]; weight: (image: number) => number; count: number },
): number[] {
  const look = (image: number): Float32Array => looks[image] as Float32Array;
  const nearest = new Map(left.map((image) => [image, Math.max(-1, ...labeled.map((other) => likeness(look(image), look(other))))]));
  const chosen: number[] = [];
  while (chosen.length < count && nearest.size > 0) {
    const worth = ([image, like]: [number, number]): number => weight(image) * Math.max(0, 1 - like);
    const [best] = [...nearest].reduce((most, entry) => (worth(entry) > worth(most) ? entry : most));
    chosen.push(best);
    nearest.delete(best);
    for (const [image, like] of nearest) nearest.set(image, Math.max(like, likeness(look(image), look(best))));
  }
  return chosen;
}
