import type { Canvas } from './canvas.ts';
import { hsvToRgb } from './colour.ts';
import { fractalNoise } from './noise.ts';
import type { SceneRandom } from './scene-random.ts';
import { makeTexture, TEXTURE_NAMES } from './textures.ts';

/** Fills the canvas with a turned two-colour texture under uneven brightness. */
export function paintBackground(canvas: Canvas, random: SceneRandom): void {
  const { size, colours } = canvas;
  const first = hsvToRgb(random.uniform(), random.range(0, 0.55), random.range(0.15, 0.95));
  const second = hsvToRgb(random.uniform(), random.range(0, 0.55), random.range(0.15, 0.95));
  const angle = random.range(0, Math.PI);
  const weightAt = makeTexture(random.pick(TEXTURE_NAMES), random.range(1, 6), random.integer(1, 9999));
  const strength = random.range(0.25, 1);
  const brightnessSeed = random.integer(1, 9999);
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const [red, green, blue] = first;
  const redStep = second[0] - red;
  const greenStep = second[1] - green;
  const blueStep = second[2] - blue;

  for (let row = 0, at = 0; row < size; row++) {
    const y = (row + 0.5) / size;
    for (let column = 0; column < size; column++, at += 3) {
      const x = (column + 0.5) / size;
      const weight = weightAt((x * cosine + y * sine) * 2 - 1, (y * cosine - x * sine) * 2 - 1) * strength;
      const brightness = 0.75 + 0.5 * fractalNoise(x * 4, y * 4, brightnessSeed, 3);
      colours[at] = (red + redStep * weight) * brightness;
      colours[at + 1] = (green + greenStep * weight) * brightness;
      colours[at + 2] = (blue + blueStep * weight) * brightness;
    }
  }
}
