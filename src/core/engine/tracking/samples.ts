/** The look of an object as samples of its pixels, and of a frame where a pose puts them. */
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { Level } from './levels.ts';
import type { Pose } from './pose.ts';

/** Pixels of an object at one level. */
export interface Samples {
  /** Offsets from the object's middle, in the frame's pixels. [n] */
  u: Float32Array;
  v: Float32Array;
  /** Levels of red, green and blue. [3 * n] */
  values: Float32Array;
}

/** Samples taken of a level at most. */
const MAX_SAMPLES = 900;

/** Pixels of the level that lie in the mask, thinned evenly. mask: of the frame's own size. */
export function samplesOf({ image, scaleX, scaleY }: Level, mask: BinaryMask, middle: { x: number; y: number }): Samples {
  const { width, height, data } = image;
  const at: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = Math.min(mask.height - 1, Math.floor((y + 0.5) / scaleY)) * mask.width;
    for (let x = 0; x < width; x++) {
      if (mask.data[row + Math.min(mask.width - 1, Math.floor((x + 0.5) / scaleX))] !== 0) at.push(y * width + x);
    }
  }
  const step = Math.max(1, at.length / MAX_SAMPLES);
  const count = Math.floor(at.length / step);
  const samples = { u: new Float32Array(count), v: new Float32Array(count), values: new Float32Array(3 * count) };
  for (let i = 0; i < count; i++) {
    const pixel = at[Math.floor(i * step)] as number;
    samples.u[i] = ((pixel % width) + 0.5) / scaleX - middle.x;
    samples.v[i] = (Math.floor(pixel / width) + 0.5) / scaleY - middle.y;
    for (let c = 0; c < 3; c++) samples.values[3 * i + c] = data[3 * pixel + c] as number;
  }
  return samples;
}

/**
 * Places of samples in a level, in its pixels (centers at whole numbers), and whether they are in the image. seen: filled with 1 or 0.
 * -> number of samples inside
 */
export function place(
  { u, v }: Samples,
  { image, scaleX, scaleY }: Level,
  { x, y, scale, angle }: Pose,
  into: { xs: Float32Array; ys: Float32Array; seen: Uint8Array },
): number {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const { width, height } = image;
  let inside = 0;
  for (let i = 0; i < u.length; i++) {
    const px = (x + cos * (u[i] as number) - sin * (v[i] as number)) * scaleX - 0.5;
    const py = (y + sin * (u[i] as number) + cos * (v[i] as number)) * scaleY - 0.5;
    into.xs[i] = px;
    into.ys[i] = py;
    const isIn = px >= 0 && py >= 0 && px <= width - 1 && py <= height - 1;
    into.seen[i] = isIn ? 1 : 0;
    if (isIn) inside++;
  }
  return inside;
}
