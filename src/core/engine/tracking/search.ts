/** Coarse search for an object's look around the place where it is expected: every place, some sizes and turns; the best few, well apart. */
import type { Steps } from '../../mask/cooperative.ts';
import type { Level } from './levels.ts';
import { NOISE } from './light.ts';
import type { Pose } from './pose.ts';
import type { Samples } from './samples.ts';

export interface SearchRange {
  expected: Pose;
  /** Frame pixels around the expected place. */
  radius: number;
  /** Sizes relative to the expected one, and turns in radians. */
  variants: readonly { growth: number; turn: number }[];
  /** Places that are kept. */
  most: number;
}

/** A place where the object may be. */
export interface Candidate {
  pose: Pose;
  /** Correlation, -1..1. */
  correlation: number;
}

/** Samples compared at a place, at most. */
const MAX_SAMPLES = 150;
/** Places along one direction, at most: beyond that they are taken with gaps. */
const MAX_PLACES = 96;
/** Least share of the samples inside the image. */
const MIN_INSIDE = 0.4;

/** -> best first */
export function* search(samples: Samples, level: Level, { expected, radius, variants, most }: SearchRange): Steps<Candidate[]> {
  const { scaleX, scaleY } = level;
  const step = Math.max(1, Math.ceil((2 * radius * scaleX) / MAX_PLACES));
  const reach = Math.max(1, Math.ceil((radius * scaleX) / step));
  const found: Candidate[] = [];
  for (const { growth, turn } of variants) {
    const at = { ...expected, scale: expected.scale * growth, angle: expected.angle + turn };
    const compare = comparer(samples, level, at);
    for (let row = -reach; row <= reach; row++) {
      for (let column = -reach; column <= reach; column++) {
        const correlation = compare(column * step, row * step);
        if (correlation <= 0) continue;
        found.push({ pose: { ...at, x: at.x + (column * step) / scaleX, y: at.y + (row * step) / scaleY }, correlation });
      }
      if (row % 8 === 0) yield;
    }
  }
  found.sort((a, b) => b.correlation - a.correlation);
  const kept: Candidate[] = [];
  const apart = 2.5 / scaleX;
  for (const one of found) {
    if (kept.length === most) break;
    if (kept.every(({ pose }) => Math.hypot(pose.x - one.pose.x, pose.y - one.pose.y) > apart)) kept.push(one);
  }
  return kept;
}

/** Correlation of the look with the level, moved by whole pixels from a pose; 0 where too little is inside. */
function comparer(
  { u, v, values }: Samples,
  { image: { data, width, height }, scaleX, scaleY }: Level,
  { x, y, scale, angle }: Pose,
): (dx: number, dy: number) => number {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const n = Math.min(u.length, MAX_SAMPLES);
  const [xs, ys, own] = [new Int32Array(n), new Int32Array(n), new Float32Array(3 * n)];
  for (let k = 0; k < n; k++) {
    const i = Math.floor((k * u.length) / n);
    xs[k] = Math.round((x + cos * (u[i] as number) - sin * (v[i] as number)) * scaleX - 0.5);
    ys[k] = Math.round((y + sin * (u[i] as number) + cos * (v[i] as number)) * scaleY - 0.5);
    for (let c = 0; c < 3; c++) own[3 * k + c] = values[3 * i + c] as number;
  }
  return (dx, dy) => {
    let inside = 0;
    let [t0, t1, t2, f0, f1, f2, tt, ff, tf] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = 0; k < n; k++) {
      const [px, py] = [(xs[k] as number) + dx, (ys[k] as number) + dy];
      if (px < 0 || py < 0 || px >= width || py >= height) continue;
      inside++;
      const at = 3 * (py * width + px);
      const [a, b, c] = [own[3 * k] as number, own[3 * k + 1] as number, own[3 * k + 2] as number];
      const [d, e, f] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
      t0 += a;
      t1 += b;
      t2 += c;
      f0 += d;
      f1 += e;
      f2 += f;
      tt += a * a + b * b + c * c;
      ff += d * d + e * e + f * f;
      tf += a * d + b * e + c * f;
    }
    if (inside < MIN_INSIDE * n) return 0;
    const floor = 3 * inside * NOISE ** 2;
    const cross = tf - (t0 * f0 + t1 * f1 + t2 * f2) / inside;
    const one = tt - (t0 * t0 + t1 * t1 + t2 * t2) / inside;
    const other = ff - (f0 * f0 + f1 * f1 + f2 * f2) / inside;
    // The mean color counts as well: two gray things that differ in brightness alone are two things.
    const apart = ((t0 - f0) ** 2 + (t1 - f1) ** 2 + (t2 - f2) ** 2) / inside;
    return (cross + 0.5 * floor) / Math.sqrt((one + floor) * (other + floor)) - apart / (apart + 3 * inside * 60 ** 2);
  };
}
