import { fraction } from './fraction.ts';
import { fractalNoise, valueNoise } from './noise.ts';

/** Share of the second color at a point, in [0, 1]; u to the right, v down, in the object's own frame. */
export type Weight = (u: number, v: number) => number;

/** Makes the texture of one object: `frequency` in periods per unit of u or v, roughly, and an integer seed. */
type Texture = (frequency: number, seed: number) => Weight;

/** The order is part of the definition of every concept. */
export const TEXTURE_NAMES = [
  'solid',
  'grad',
  'stripes',
  'checker',
  'dots',
  'noise',
  'rings',
  'marble',
  'brick',
  'hatch',
  'speckle',
  'rim',
] as const;

export type TextureName = (typeof TEXTURE_NAMES)[number];

/** The weight function of a named texture. */
export function makeTexture(name: TextureName, frequency: number, seed: number): Weight {
  return TEXTURES[name](frequency, seed);
}

const TEXTURES: Readonly<Record<TextureName, Texture>> = {
  solid: (_frequency, seed) => (u, v) => 0.08 * fractalNoise(u * 3, v * 3, seed, 2),

  grad: () => (_u, v) => clampToUnit(0.5 + 0.5 * v),

  stripes: (frequency, seed) => {
    const offset = 0.37 * (seed % 7);
    return (u) => toWeight(fraction(u * frequency + offset) < 0.5);
  },

  checker: (frequency) => (u, v) => toWeight(isOdd(Math.floor(u * frequency) + Math.floor(v * frequency))),

  dots: (frequency) => (u, v) => toWeight(distance(fraction(u * frequency) - 0.5, fraction(v * frequency) - 0.5) < 0.3),

  noise: (frequency, seed) => (u, v) => clampToUnit((fractalNoise(u * frequency * 1.5 + 31, v * frequency * 1.5, seed, 3) - 0.3) * 2.2),

  rings: (frequency, seed) => (u, v) => {
    const wobble = 2 * fractalNoise(u * 2, v * 2, seed, 2);
    return toWeight(Math.sin(distance(u - 0.3, v + 0.2) * frequency * 6 + wobble) > 0);
  },

  marble: (frequency, seed) => (u, v) => {
    const wobble = 6 * fractalNoise(u * 2 + 9, v * 2, seed, 3);
    return 0.5 + 0.5 * Math.sin((u + v) * frequency * 2 + wobble);
  },

  brick: (frequency) => (u, v) => {
    const height = v * frequency * 1.4;
    const shift = isOdd(Math.floor(height)) ? 0.5 : 0;
    return toWeight(fraction(height) < 0.16 || fraction(u * frequency * 0.7 + shift) < 0.1);
  },

  hatch: (frequency) => (u, v) => toWeight(fraction((u + v) * frequency) < 0.22 || fraction((u - v) * frequency) < 0.22),

  speckle: (frequency, seed) => (u, v) => toWeight(valueNoise(u * frequency * 5 + 50, v * frequency * 5 + 50, seed) > 0.68),

  rim: () => (u, v) => clampToUnit(distance(u, v) * 1.5 - 0.35),
};

function toWeight(second: boolean): number {
  return second ? 1 : 0;
}

function isOdd(integer: number): boolean {
  return (integer & 1) === 1;
}

function clampToUnit(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}

function distance(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}
