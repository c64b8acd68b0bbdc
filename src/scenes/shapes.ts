import { fraction } from './fraction.ts';

/** Whether a point of the object's own frame is inside: u to the right, v down, both meaningful in (-1, 1). */
export type Inside = (u: number, v: number) => boolean;

/**
 * Makes the outline of one object. `variation` in [0, 1] differs between objects of a concept; `kind`, an integer >= 0, is the
 * same for all of them. Whatever does not depend on the point is worked out once, here, and not for every pixel.
 */
export type Shape = (variation: number, kind: number) => Inside;

const { abs, atan2, cos, max, PI, sin, sqrt } = Math;

// Math.hypot is many times slower than this, and nothing here can overflow.
const distance = (x: number, y: number): number => sqrt(x * x + y * y);

const disc: Shape = () => (u, v) => u * u + v * v < 0.72;

const ring: Shape = (variation) => (u, v) => {
  const radius = distance(u, v);
  return radius < 0.85 && radius > 0.3 + 0.2 * variation;
};

const square: Shape = () => (u, v) => max(abs(u), abs(v)) < 0.75;

const frame: Shape = (variation) => (u, v) => {
  const reach = max(abs(u), abs(v));
  return reach < 0.82 && reach > 0.38 + 0.2 * variation;
};

const triangle: Shape = (variation) => (u, v) => v < 0.72 && abs(u) < (v + 0.85) * (0.45 + 0.1 * variation);

const cross: Shape = (variation) => {
  const half = 0.18 + 0.14 * variation;
  return (u, v) => (abs(u) < half || abs(v) < half) && max(abs(u), abs(v)) < 0.88;
};

const star: Shape = (variation, kind) => {
  const points = 5 + (kind % 3);
  return (u, v) => {
    const spike = abs(fraction((atan2(v, u) * points) / (2 * PI)) * 2 - 1);
    return distance(u, v) < 0.34 + 0.1 * variation + (0.52 - 0.1 * variation) * spike;
  };
};

const gear: Shape = (variation, kind) => {
  const teeth = 8 + (kind % 3) * 2;
  return (u, v) => {
    const radius = distance(u, v);
    return radius > 0.16 + 0.14 * variation && radius < (sin(atan2(v, u) * teeth) > 0 ? 0.66 + 0.18 : 0.66);
  };
};

const crescent: Shape = (variation) => (u, v) => u * u + v * v < 0.75 && (u - 0.35 - 0.2 * variation) ** 2 + v * v > 0.5;

const capsule: Shape = (variation) => (u, v) => distance(max(abs(u) - 0.55, 0), v) < 0.26 + 0.12 * variation;

const dumbbell: Shape = (variation) => (u, v) => distance(abs(u) - 0.58, v) < 0.32 || (abs(v) < 0.09 + 0.06 * variation && abs(u) < 0.6);

const lollipop: Shape = (variation) => (u, v) => distance(u, v + 0.42) < 0.4 + 0.08 * variation || (abs(u) < 0.09 && v > -0.1 && v < 0.92);

const mug: Shape = (variation) => (u, v) => {
  if (abs(u + 0.15) < 0.5 && abs(v) < 0.68) return true;
  const handle = distance(u - 0.45, v);
  return handle < 0.42 && handle > 0.22 + 0.06 * variation && u > 0.3;
};

const bottle: Shape = (variation) => (u, v) =>
  (abs(u) < 0.38 && v > -0.15 && v < 0.9) ||
  (abs(u) < 0.12 + 0.06 * variation && v > -0.9 && v < 0) ||
  distance(u, (v + 0.15) / 0.8) < 0.38;

const house: Shape = (variation) => (u, v) =>
  (abs(u) < 0.58 && v > -0.1 && v < 0.78) || (v <= -0.1 && v > -0.85 && abs(u) < (v + 0.85) * (0.9 + 0.15 * variation));

const tree: Shape = (variation) => (u, v) => {
  if (abs(u) < 0.11 && v > 0.4 && v < 0.92) return true;
  if (v >= 0.5 || v <= -0.9) return false;
  const tier = fraction((v + 0.9) * (2.1 + 0.4 * variation));
  return abs(u) < 0.16 + 0.62 * tier * 0.8 * (0.5 + (v + 0.9) / 2);
};

const fish: Shape = (variation) => (u, v) =>
  (u + 0.15) ** 2 / 0.42 + (v * v) / (0.16 + 0.06 * variation) < 1 || (u > 0.35 && u < 0.88 && abs(v) < (u - 0.3) * 0.75);

const heart: Shape = () => (u, v) => {
  const x = u * 1.25;
  const y = -v * 1.2 + 0.1;
  return (x * x + y * y - 0.62) ** 3 - x * x * y * y * y * 1.6 < 0;
};

const arrow: Shape = (variation) => (u, v) =>
  (abs(v) < 0.14 + 0.08 * variation && u > -0.85 && u < 0.25) || (u >= 0.15 && u < 0.88 && abs(v) < (0.88 - u) * 0.8);

const flower: Shape = (variation, kind) => {
  const petals = 5 + (kind % 4);
  return (u, v) => distance(u, v) < 0.52 + (0.2 + 0.1 * variation) * cos(petals * atan2(v, u));
};

const umbrella: Shape = () => (u, v) => {
  if (u * u + (v + 0.05) ** 2 < 0.75 && v < -0.05) return true;
  if (abs(u) < 0.06 && v >= -0.05 && v < 0.7) return true;
  const hook = distance(u - 0.16, v - 0.68);
  return hook < 0.22 && hook > 0.1 && v > 0.68;
};

const ladder: Shape = (variation) => (u, v) =>
  (abs(abs(u) - 0.42) < 0.1 && abs(v) < 0.9) || (abs(u) < 0.42 && abs(v) < 0.85 && fraction((v + 0.85) * (2.4 + 0.6 * variation)) < 0.3);

const hourglass: Shape = (variation) => (u, v) => abs(u) < abs(v) * (0.6 + 0.2 * variation) + 0.08 && abs(v) < 0.85;

const blob: Shape = (variation, kind) => {
  const waves = [2, 3, 4, 5].map((lobes) => ({
    lobes,
    amplitude: (0.14 / (lobes - 0.6)) * (2 * (((kind * 7919 + lobes * 104729) % 97) / 97) - 1),
    phase: ((kind * 31 + lobes * 17) % 63) / 10 + 0.4 * variation,
  }));
  return (u, v) => {
    const angle = atan2(v, u);
    let limit = 0.58;
    for (const wave of waves) limit += wave.amplitude * cos(wave.lobes * angle + wave.phase);
    return distance(u, v) < limit;
  };
};

const elbow: Shape = (variation) => {
  const width = (0.34 + 0.1 * variation) * 1.1;
  return (u, v) => abs(v) < 0.8 && abs(u) < 0.8 && ((u < -0.75 + width && u > -0.8) || (v > 0.8 - width && v < 0.8));
};

const comb: Shape = (variation) => (u, v) =>
  abs(u) < 0.85 && ((v > -0.5 && v < -0.15) || (v >= -0.2 && v < 0.6 && fraction((u + 0.85) * (3 + variation)) < 0.5));

const key: Shape = (variation) => (u, v) => {
  const bow = distance(u + 0.5, v);
  if (bow < 0.38 && bow > 0.18) return true;
  if (abs(v) < 0.09 && u > -0.2 && u < 0.9) return true;
  return u > 0.45 && u < 0.88 && v > 0 && v < 0.32 + 0.1 * variation && fraction((u - 0.45) * 4.6) < 0.55;
};

const hexagon: Shape = () => (u, v) => max(abs(u) * 0.866 + abs(v) * 0.5, abs(v)) < 0.74;

export interface NamedShape {
  /** The short name that concept names are made of. */
  readonly name: string;
  readonly shape: Shape;
}

/** The order is part of the definition of every concept. */
export const SHAPES: readonly NamedShape[] = [
  { name: 'disc', shape: disc },
  { name: 'ring', shape: ring },
  { name: 'square', shape: square },
  { name: 'frame', shape: frame },
  { name: 'tri', shape: triangle },
  { name: 'cross', shape: cross },
  { name: 'star', shape: star },
  { name: 'gear', shape: gear },
  { name: 'crescent', shape: crescent },
  { name: 'capsule', shape: capsule },
  { name: 'dumb', shape: dumbbell },
  { name: 'lolli', shape: lollipop },
  { name: 'mug', shape: mug },
  { name: 'bottle', shape: bottle },
  { name: 'house', shape: house },
  { name: 'tree', shape: tree },
  { name: 'fish', shape: fish },
  { name: 'heart', shape: heart },
  { name: 'arrow', shape: arrow },
  { name: 'flower', shape: flower },
  { name: 'umb', shape: umbrella },
  { name: 'ladder', shape: ladder },
  { name: 'glass', shape: hourglass },
  { name: 'blob', shape: blob },
  { name: 'ell', shape: elbow },
  { name: 'comb', shape: comb },
  { name: 'key', shape: key },
  { name: 'hex', shape: hexagon },
];

/** Index of the shape that half of the unlabelled clutter has. */
export const BLOB = 23;
