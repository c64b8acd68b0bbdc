/** Light of a frame against that in which an object was marked: a factor and an offset for each channel, as samples show it. */

export interface Light {
  gain: number;
  /** Levels added to red, green and blue. */
  offset: readonly [number, number, number];
}

/** Levels of a sample that noise and blur make. */
export const NOISE = 8;
/** Levels of a sample that differs from what it should be. */
export const MISFIT = 30;
/** Tukey's constant. */
const TUKEY = 4.685;
/** Largest difference, in levels, of samples that are compared before the light is known. */
const BEFORE = 40;
/** Share of the samples that must be so near for that. */
const MIN_NEAR = 0.3;
/** Largest difference, in levels, that may count once it is known. */
const FARTHEST = 60;
const SAME: Light = { gain: 1, offset: [0, 0, 0] };

/** Mean over the channels, of the absolute differences of a sample. own, found: [3 * n] */
export function differenceOf(own: Float32Array, found: Float32Array, i: number, { gain, offset }: Light): number {
  let sum = 0;
  for (let c = 0; c < 3; c++) sum += Math.abs((found[3 * i + c] as number) - gain * (own[3 * i + c] as number) - (offset[c] as number));
  return sum / 3;
}

/**
 * Light under which the samples that are seen agree best, those that do not fit left out. seen: [n] of 0 and 1.
 * limit: difference from which on a sample counts for nothing.
 */
export function lightOf(own: Float32Array, found: Float32Array, seen: Uint8Array, passes = 2): { light: Light; limit: number } {
  const differences = new Float32Array(seen.length);
  const sorted = new Float32Array(seen.length);
  const spreadUnder = (light: Light): number => {
    let count = 0;
    for (let i = 0; i < seen.length; i++) if (seen[i] !== 0) sorted[count++] = differences[i] = differenceOf(own, found, i, light);
    return 1.4826 * (sorted.subarray(0, count).sort()[Math.floor(count / 2)] ?? 0);
  };
  spreadUnder(SAME);
  // What hides half of an object would decide the light, if all samples counted from the start.
  let near = 0;
  let all = 0;
  for (let i = 0; i < seen.length; i++) {
    if (seen[i] === 0) continue;
    all++;
    if ((differences[i] as number) < BEFORE) near++;
  }
  let limit = near >= MIN_NEAR * all ? BEFORE : Infinity;
  let light = SAME;
  for (let pass = 0; pass < passes; pass++) {
    light = fitted(own, found, (i) => seen[i] !== 0 && (differences[i] as number) < limit, seen.length) ?? light;
    limit = Math.min(FARTHEST, TUKEY * Math.max(NOISE, spreadUnder(light)));
  }
  return { light, limit };
}

function fitted(own: Float32Array, found: Float32Array, fits: (i: number) => boolean, count: number): Light | undefined {
  let weight = 0;
  const [sumT, sumF] = [
    [0, 0, 0],
    [0, 0, 0],
  ] as [[number, number, number], [number, number, number]];
  let [cross, square] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (!fits(i)) continue;
    weight++;
    for (const c of [0, 1, 2] as const) {
      const [t, f] = [own[3 * i + c] as number, found[3 * i + c] as number];
      sumT[c] += t;
      sumF[c] += f;
      cross += t * f;
      square += t * t;
    }
  }
  if (weight < 8) return undefined;
  for (const c of [0, 1, 2] as const) {
    cross -= (sumT[c] * sumF[c]) / weight;
    square -= (sumT[c] * sumT[c]) / weight;
  }
  const gain = Math.max(0.5, Math.min(2, square > 0 ? cross / square : 1));
  const offsetOf = (c: 0 | 1 | 2): number => (sumF[c] - gain * sumT[c]) / weight;
  return { gain, offset: [offsetOf(0), offsetOf(1), offsetOf(2)] };
}
