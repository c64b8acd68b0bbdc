/** Masks and steps that fakes answer with. */
import type { TrackedFrame } from '../../../src/core/engine/types.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';

/** What fakes say of every image of a project: something round in the middle, smaller than half. */
export function roundMask({ width, height }: { width: number; height: number }, share: number): BinaryMask {
  const data = new Uint8Array(width * height);
  const radius = share * Math.min(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (Math.hypot(x - width / 2, y - height / 2) < radius) data[y * width + x] = 1;
  return { data, width, height };
}

/** A step of a track that found the mask. */
export function fakeStep(mask: BinaryMask): TrackedFrame {
  const { width, height } = mask;
  const pose = { x: width / 2, y: height / 2, scale: 1, angle: 0 };
  const state = { pose, seen: pose, motion: { dx: 1, dy: 0, growth: 1, turn: 0 }, lost: 0 };
  return { width, height, found: true, trust: 0.9, mask, area: 9, boxXyxy: [1, 2, 3, 4], state, milliseconds: {} };
}
