/** Hash of a lattice point to [0, 1]. Coordinates and seed are integers taken modulo 2^32. */
export function lattice(column: number, row: number, seed: number): number {
  let hash = Math.imul(column, 374761393) ^ Math.imul(row, 668265263) ^ Math.imul(seed, 2246822519);
  hash = Math.imul(hash ^ (hash >>> 13), 1274126177);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

/** Value noise in [0, 1]: lattice values with one cell per unit, joined by smoothstep interpolation. */
export function valueNoise(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const alongX = smoothstep(x - column);
  const alongY = smoothstep(y - row);
  const upper = lattice(column, row, seed) * (1 - alongX) + lattice(column + 1, row, seed) * alongX;
  const lower = lattice(column, row + 1, seed) * (1 - alongX) + lattice(column + 1, row + 1, seed) * alongX;
  return upper * (1 - alongY) + lower * alongY;
}

/** Fractal noise in [0, 1]: a weighted mean of octaves, each about twice as fine and half as strong as the one before. */
export function fractalNoise(x: number, y: number, seed: number, octaves: number): number {
  let sum = 0;
  let total = 0;
  let amplitude = 0.5;
  for (let octave = 0; octave < octaves; octave++) {
    sum += amplitude * valueNoise(x, y, seed + 101 * octave);
    total += amplitude;
    // The factor is off 2 and the octaves are shifted so that their lattices do not line up.
    x = x * 2.03 + 17.1;
    y = y * 2.03 + 9.2;
    amplitude *= 0.5;
  }
  return sum / total;
}

function smoothstep(t: number): number {
  return t * t * (3 - 2 * t);
}
