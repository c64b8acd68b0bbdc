/**
 * Alignment of an object's look with a frame: the similarity under which its pixels differ least (Lucas and Kanade, 1981), where light may
 * change by a factor and an offset, and pixels that do not fit (whatever hides the object) count for little (Tukey's weights).
 */
import type { Level } from './levels.ts';
import { differenceOf, lightOf, MISFIT, NOISE, type Light } from './light.ts';
import type { Pose } from './pose.ts';
import { place, type Samples } from './samples.ts';

export interface Aligned {
  pose: Pose;
  /** Likeness of the pattern of those samples that fit, -1..1. */
  agreement: number;
  /** Levels by which their mean color differs from the object's. */
  change: number;
  /** Light of the frame, against the look's. */
  light: Light;
  /** Share of all samples that lie in the image and fit, 0..1. */
  fitting: number;
  /** Share of all samples that lie in the image, 0..1. */
  inside: number;
}

/** Numbers of a similarity. */
const SIZE = 4;
const MAX_ROUNDS = 12;
/** Pixels of the level; a step below it changes nothing. */
const ENOUGH = 0.02;
/** Least share of the samples inside, for an alignment. */
const MIN_INSIDE = 0.15;

/** rounds: 0 only measures. -> undefined where too little lies in the image */
export function align(samples: Samples, level: Level, start: Pose, rounds = MAX_ROUNDS): Aligned | undefined {
  const n = samples.u.length;
  const work = { xs: new Float32Array(n), ys: new Float32Array(n), seen: new Uint8Array(n) };
  const seenValues = new Float32Array(3 * n);
  let pose = start;
  let extent = 0;
  for (let i = 0; i < n; i++) extent += (samples.u[i] as number) ** 2 + (samples.v[i] as number) ** 2;
  // Root mean square distance from the middle: a turn by 1 / extent moves the border by about a pixel.
  extent = Math.sqrt(extent / Math.max(1, n));
  for (let round = 0; ; round++) {
    const inside = place(samples, level, pose, work);
    if (inside < MIN_INSIDE * n || inside < 12) return undefined;
    read(level, work, seenValues);
    const { light, limit } = lightOf(samples.values, seenValues, work.seen);
    if (round >= rounds) return measured(samples, seenValues, work.seen, light, pose, inside);
    const step = stepOf(samples, level, work, seenValues, { light, limit }, pose, extent);
    if (step === undefined) return measured(samples, seenValues, work.seen, light, pose, inside);
    const [dx, dy, grow, turn] = step;
    pose = {
      x: pose.x + dx / level.scaleX,
      y: pose.y + dy / level.scaleY,
      scale: pose.scale * Math.exp(Math.max(-0.2, Math.min(0.2, grow))),
      angle: pose.angle + Math.max(-0.2, Math.min(0.2, turn)),
    };
    const far = extent * level.scaleX;
    if (Math.hypot(dx, dy) + far * (Math.abs(grow) + Math.abs(turn)) < ENOUGH) round = Math.max(round, rounds - 2);
  }
}

interface Places {
  xs: Float32Array;
  ys: Float32Array;
  seen: Uint8Array;
}

function read({ image: { data, width } }: Level, { xs, ys, seen }: Places, into: Float32Array): void {
  for (let i = 0; i < xs.length; i++) {
    if (seen[i] === 0) continue;
    const [x, y] = [xs[i] as number, ys[i] as number];
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - x0, y - y0];
    const at = 3 * (y0 * width + x0);
    const right = fx > 0 ? 3 : 0;
    const below = fy > 0 ? 3 * width : 0;
    for (let c = 0; c < 3; c++) {
      const top = (data[at + c] as number) * (1 - fx) + (data[at + right + c] as number) * fx;
      const bottom = (data[at + below + c] as number) * (1 - fx) + (data[at + below + right + c] as number) * fx;
      into[3 * i + c] = top * (1 - fy) + bottom * fy;
    }
  }
}

/** One step of Gauss and Newton: [dx, dy] in pixels of the level, the logarithm of the growth, the turn. */
function stepOf(
  samples: Samples,
  { image: { data, width, height }, scaleX, scaleY }: Level,
  { xs, ys, seen }: Places,
  found: Float32Array,
  { light, limit }: { light: Light; limit: number },
  { scale, angle }: Pose,
  extent: number,
): [number, number, number, number] | undefined {
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const h = new Float64Array(16);
  const b = new Float64Array(4);
  const j = new Float64Array(4);
  const unit = extent * scaleX;
  for (let i = 0; i < seen.length; i++) {
    if (seen[i] === 0) continue;
    const difference = differenceOf(samples.values, found, i, light);
    if (difference >= limit) continue;
    const weight = (1 - (difference / limit) ** 2) ** 2;
    const [x, y] = [Math.round(xs[i] as number), Math.round(ys[i] as number)];
    const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
    const [up, down] = [Math.max(0, y - 1), Math.min(height - 1, y + 1)];
    const [ru, rv] = [samples.u[i] as number, samples.v[i] as number];
    // The offset from the middle, in pixels of the level.
    const [ox, oy] = [(cos * ru - sin * rv) * scaleX, (sin * ru + cos * rv) * scaleY];
    for (let c = 0; c < 3; c++) {
      const gx = ((data[3 * (y * width + right) + c] as number) - (data[3 * (y * width + left) + c] as number)) / Math.max(1, right - left);
      const gy = ((data[3 * (down * width + x) + c] as number) - (data[3 * (up * width + x) + c] as number)) / Math.max(1, down - up);
      const residual = light.gain * (samples.values[3 * i + c] as number) + (light.offset[c] as number) - (found[3 * i + c] as number);
      j[0] = gx;
      j[1] = gy;
      j[2] = (gx * ox + gy * oy) / unit;
      j[3] = (gy * ox - gx * oy) / unit;
      for (let r = 0; r < SIZE; r++) {
        const weighted = weight * (j[r] as number);
        b[r] = (b[r] as number) + weighted * residual;
        for (let k = 0; k < SIZE; k++) h[4 * r + k] = (h[4 * r + k] as number) + weighted * (j[k] as number);
      }
    }
  }
  const solved = solve(h, b);
  if (solved === undefined) return undefined;
  const [dx = 0, dy = 0, grow = 0, turn = 0] = solved;
  // No step is longer than a quarter of the object.
  const far = Math.min(1, (0.5 * unit) / Math.max(1e-9, Math.hypot(dx, dy)));
  return [far * dx, far * dy, grow / unit, turn / unit];
}

/** Solution of a small symmetric system, damped a little. */
function solve(h: Float64Array, b: Float64Array, size = SIZE): number[] | undefined {
  const rows = Array.from({ length: size }, (_, r) => {
    const row = Array.from({ length: size }, (_unused, k) => h[4 * r + k] as number);
    row[r] = (row[r] as number) * 1.01 + 1e-6;
    return [...row, b[r] as number];
  });
  for (let k = 0; k < size; k++) {
    const pivot = rows[k] as number[];
    if (Math.abs(pivot[k] as number) < 1e-9) return undefined;
    for (let r = 0; r < size; r++) {
      if (r === k) continue;
      const row = rows[r] as number[];
      const factor = (row[k] as number) / (pivot[k] as number);
      for (let c = k; c <= size; c++) row[c] = (row[c] as number) - factor * (pivot[c] as number);
    }
  }
  return rows.map((row, k) => (row[size] as number) / (row[k] as number));
}

function measured({ values, u }: Samples, found: Float32Array, seen: Uint8Array, light: Light, pose: Pose, inside: number): Aligned {
  const fits = seen.map((value, i) => (value !== 0 && differenceOf(values, found, i, light) < MISFIT ? 1 : 0));
  const fitting = fits.reduce((sum, value) => sum + value, 0);
  return {
    ...{ pose, light, fitting: fitting / u.length, inside: inside / u.length },
    agreement: agreementOf(values, found, fits),
    change: changeOf(values, found, fits),
  };
}

/** Likeness of the pattern of the samples that are marked, each channel about its own mean, -1..1. */
function agreementOf(values: Float32Array, found: Float32Array, marked: Uint8Array): number {
  let count = 0;
  const [meanT, meanI] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let i = 0; i < marked.length; i++) {
    if (marked[i] === 0) continue;
    count++;
    for (let c = 0; c < 3; c++) {
      meanT[c] = (meanT[c] as number) + (values[3 * i + c] as number);
      meanI[c] = (meanI[c] as number) + (found[3 * i + c] as number);
    }
  }
  if (count === 0) return 0;
  let [cross, own, other] = [0, 0, 0];
  for (let i = 0; i < marked.length; i++) {
    if (marked[i] === 0) continue;
    for (let c = 0; c < 3; c++) {
      const t = (values[3 * i + c] as number) - (meanT[c] as number) / count;
      const f = (found[3 * i + c] as number) - (meanI[c] as number) / count;
      cross += t * f;
      own += t * t;
      other += f * f;
    }
  }
  // The form of SSIM's structure (Wang et al., 2004): plain color that is plain there, too, agrees, and a weak pattern may not decide.
  const floor = 6 * count * NOISE ** 2;
  return (2 * cross + floor) / (own + other + floor);
}

/** Levels by which the mean color differs, of the samples that are marked. */
function changeOf(values: Float32Array, found: Float32Array, marked: Uint8Array): number {
  const sums = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < marked.length; i++) {
    if (marked[i] === 0) continue;
    count++;
    for (let c = 0; c < 3; c++) sums[c] = (sums[c] as number) + (found[3 * i + c] as number) - (values[3 * i + c] as number);
  }
  return count === 0 ? 255 : Math.hypot(...sums.map((sum) => sum / count)) / Math.sqrt(3);
}
