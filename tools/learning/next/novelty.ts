/** Images chosen one after another by weight x distance to what is labeled or chosen: what the service does not do, as it did not pay. */
import { cosine } from '../../../src/core/engine/trust/content.ts';

/** left: what can be chosen. -> `count` of them, or all */
export function farthestFirst(
  left: readonly number[],
  labeled: readonly number[],
  { looks, weight, count }: { looks: readonly Float32Array[]; weight: (image: number) => number; count: number },
): number[] {
  const look = (image: number): Float32Array => looks[image] as Float32Array;
  const nearest = new Map(left.map((image) => [image, Math.max(-1, ...labeled.map((other) => cosine(look(image), look(other))))]));
  const chosen: number[] = [];
  while (chosen.length < count && nearest.size > 0) {
    const worth = ([image, like]: [number, number]): number => weight(image) * Math.max(0, 1 - like);
    const [best] = [...nearest].reduce((most, entry) => (worth(entry) > worth(most) ? entry : most));
    chosen.push(best);
    nearest.delete(best);
    for (const [image, like] of nearest) nearest.set(image, Math.max(like, cosine(look(image), look(best))));
  }
  return chosen;
}
