import type { Canvas } from './canvas.ts';
import { lattice } from './noise.ts';
import type { SceneRandom } from './scene-random.ts';

/** Takes the image: light falling off to one side, sometimes a soft focus, sensor noise. RGB bytes, row-major, interleaved. */
export function takeImage(canvas: Canvas, random: SceneRandom): Uint8Array {
  light(canvas, random);
  const colours = random.uniform() < 0.5 ? blur(canvas) : canvas.colours;
  const noiseSeed = random.integer(1, 99999);
  const noiseStrength = random.range(0, 0.12);
  return expose(colours, canvas.size, noiseSeed, noiseStrength);
}

function light({ size, colours }: Canvas, random: SceneRandom): void {
  const angle = random.range(0, 2 * Math.PI);
  const strength = random.range(0, 0.35);
  const brightness = random.range(0.8, 1.15);
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  for (let row = 0, at = 0; row < size; row++) {
    const fromCentreY = (row + 0.5) / size - 0.5;
    for (let column = 0; column < size; column++, at += 3) {
      const fromCentreX = (column + 0.5) / size - 0.5;
      const factor = (1 + strength * (fromCentreX * cosine + fromCentreY * sine) * 2) * brightness;
      colours[at] = (colours[at] as number) * factor;
      colours[at + 1] = (colours[at + 1] as number) * factor;
      colours[at + 2] = (colours[at + 2] as number) * factor;
    }
  }
}

/** Mean of every pixel, its left and upper neighbour and the one between; the edges wrap around. */
function blur({ size, colours }: Canvas): Float32Array {
  const blurred = new Float32Array(colours.length);
  for (let row = 0; row < size; row++) {
    const rowStart = row * size;
    const aboveStart = ((row + size - 1) % size) * size;
    for (let column = 0; column < size; column++) {
      const left = column === 0 ? size - 1 : column - 1;
      for (let channel = 0; channel < 3; channel++) {
        const here = colours[(rowStart + column) * 3 + channel] as number;
        const beside = colours[(rowStart + left) * 3 + channel] as number;
        const above = colours[(aboveStart + column) * 3 + channel] as number;
        const diagonal = colours[(aboveStart + left) * 3 + channel] as number;
        blurred[(rowStart + column) * 3 + channel] = (here + above + beside + diagonal) / 4;
      }
    }
  }
  return blurred;
}

/** Adds grey noise of the given strength and turns the colours into bytes, cutting off and not rounding. */
function expose(colours: Float32Array, size: number, noiseSeed: number, noiseStrength: number): Uint8Array {
  const bytes = new Uint8Array(colours.length);
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const noise = (lattice(column, row, noiseSeed) - 0.5) * noiseStrength;
      for (let channel = 0; channel < 3; channel++, at++) {
        bytes[at] = Math.min(Math.max((colours[at] as number) + noise, 0), 1) * 255;
      }
    }
  }
  return bytes;
}
