import { fraction } from './fraction.ts';

/** Red, green and blue, nominally in [0, 1]. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Colour of a hue (in turns, any real number), saturation [0, 1] and value [0, 1]. */
export function hsvToRgb(hue: number, saturation: number, value: number): Rgb {
  const scaled = fraction(hue) * 6;
  const sector = Math.floor(scaled) % 6;
  const within = scaled - Math.floor(scaled);
  const low = value * (1 - saturation);
  const falling = value * (1 - saturation * within);
  const rising = value * (1 - saturation * (1 - within));
  if (sector === 0) return [value, rising, low];
  if (sector === 1) return [falling, value, low];
  if (sector === 2) return [low, value, rising];
  if (sector === 3) return [low, falling, value];
  if (sector === 4) return [rising, low, value];
  return [value, low, falling];
}
