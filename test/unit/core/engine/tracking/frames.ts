/** Frames with a patterned object on a patterned ground, of which every pixel is known. */
import { seededRandom } from '../../../../../src/core/common/random.ts';
import type { Raster } from '../../../../../src/core/image/pillow-resize.ts';
import type { BinaryMask } from '../../../../../src/core/mask/label-reduction.ts';

const SIZE = { width: 160, height: 120 };

export interface Place {
  x: number;
  y: number;
  scale?: number;
  angle?: number;
}

/** Smooth noise, of no period. */
function pattern(seed: number): (x: number, y: number, c: number) => number {
  const random = seededRandom(seed);
  const waves = Array.from({ length: 18 }, () => [
    0.6 * (random() - 0.5),
    0.6 * (random() - 0.5),
    6.28 * random(),
    Math.floor(3 * random()),
  ]);
  return (x, y, c) =>
    waves.reduce((sum, [u = 0, v = 0, phase = 0, channel = 0]) => sum + (channel === c ? 32 : 14) * Math.sin(u * x + v * y + phase), 128);
}

const ground = pattern(1);
const skin = pattern(2);

/** An ellipse of 40 x 28 pixels at scale 1. hidden: left part of the frame that something plain covers, in pixels. */
export function frameOf(places: readonly Place[], hidden = 0): { frame: Raster & { channels: 3 }; mask: BinaryMask } {
  const { width, height } = SIZE;
  const frame = { ...SIZE, channels: 3 as const, data: new Uint8Array(3 * width * height) };
  const mask = { ...SIZE, data: new Uint8Array(width * height) };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      for (let c = 0; c < 3; c++) frame.data[3 * at + c] = ground(x, y, c);
      places.forEach((place, i) => {
        const { scale = 1, angle = 0 } = place;
        const [ox, oy] = [x + 0.5 - place.x, y + 0.5 - place.y];
        const u = (Math.cos(angle) * ox + Math.sin(angle) * oy) / scale;
        const v = (-Math.sin(angle) * ox + Math.cos(angle) * oy) / scale;
        if ((u / 20) ** 2 + (v / 14) ** 2 > 1) return;
        for (let c = 0; c < 3; c++) frame.data[3 * at + c] = skin(u, v, c);
        if (i === 0) mask.data[at] = 1;
      });
      if (x >= hidden) continue;
      mask.data[at] = 0;
      for (let c = 0; c < 3; c++) frame.data[3 * at + c] = 200;
    }
  }
  return { frame, mask };
}

export function overlap(a: BinaryMask, b: BinaryMask): number {
  let [both, either] = [0, 0];
  a.data.forEach((value, i) => {
    both += value & (b.data[i] as number);
    either += value | (b.data[i] as number);
  });
  return both / either;
}
