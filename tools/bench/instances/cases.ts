/** Pictures in which every object of a concept is known: generated scenes, and real cut-outs pasted side by side. */
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import type { PixelImage, Reference } from '../../../src/core/engine/types.ts';

/**
 * - 'touching': at least two objects hang together in the mask of the concept
 * - 'apart': several objects, none of which touches another
 * - 'single': one object
 */
export type Arrangement = 'touching' | 'apart' | 'single';

export interface InstanceCase {
  /** Says how to make the picture again. */
  name: string;
  arrangement: Arrangement;
  image: PixelImage;
  /** 0 background, 1..n visible part of object i. [height * width] */
  instances: Uint8Array;
  /** Union of the objects. */
  union: BinaryMask;
  /** Another picture of the concept, marked; none where its mask is not to be predicted. */
  reference?: Reference;
}

export function unionOf(instances: Uint8Array, width: number, height: number): BinaryMask {
  return { data: instances.map((instance) => (instance > 0 ? 1 : 0)), width, height };
}

/** Numbers the objects 1..n without gaps; those without a pixel are gone. */
export function numbered(instances: Uint8Array): { instances: Uint8Array; count: number } {
  const numbers = new Uint8Array(256);
  let count = 0;
  const out = instances.map((instance) => {
    if (instance === 0) return 0;
    if (numbers[instance] === 0) numbers[instance] = ++count;
    return numbers[instance] as number;
  });
  return { instances: out, count };
}

/** Objects that share a border, diagonals included. */
export function arrangementOf(instances: Uint8Array, width: number): Arrangement {
  let most = 0;
  for (const instance of instances) most = Math.max(most, instance);
  if (most <= 1) return 'single';
  for (let at = 0; at < instances.length; at++) {
    const own = instances[at] as number;
    if (own === 0) continue;
    const x = at % width;
    for (const [dx, step] of [
      [1, 1],
      [0, width],
      [1, width + 1],
      [-1, width - 1],
    ] as const) {
      if (x + dx < 0 || x + dx >= width) continue;
      const other = instances[at + step] ?? 0;
      if (other !== 0 && other !== own) return 'touching';
    }
  }
  return 'apart';
}
