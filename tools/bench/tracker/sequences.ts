/**
 * Sequences with known motion, MADE of real cut-outs: one whole object of a COCO photo (`../instances/single-objects.ts`) moved over another photo,
 * with noise and a light that changes a little. Not real films: objects have clean borders, keep their shape (but for 'bending') and cast no shadow.
 * Nothing of them is part of the repository.
 */
import { seededRandom, normal, uniformInt, type Random } from '../../../src/core/common/random.ts';
import { pillowResize, type Raster } from '../../../src/core/image/pillow-resize.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { maskExtent } from '../../../src/core/mask/raster.ts';
import { resizeNearest } from '../../../src/core/mask/resize-map.ts';
import type { Box } from '../../../src/core/engine/tracking/box.ts';
import type { CutOut } from './objects.ts';

export const [WIDTH, HEIGHT, FRAMES] = [400, 320, 9];
const NOISE = 3;
/** Normal noise, a prime number of values long, so that it does not repeat from row to row. */
const GRAIN = grainOf(100_003);

export const MOTIONS = [
  'slow (1 px a frame)',
  '5 px a frame',
  'fast (25 px a frame)',
  'growing (7 % a frame)',
  'shrinking (7 % a frame)',
  'turning (6 degrees a frame)',
  'bending',
  'bending and narrowing',
  'moving camera',
  'half hidden for 3 frames',
  'wholly hidden for 2 frames',
  'leaving the picture',
  'a similar one beside it',
] as const;
export type MotionKind = (typeof MOTIONS)[number];

export interface Sequence {
  name: string;
  motion: MotionKind;
  frames: Raster[];
  /** Visible part of the object in each frame. */
  truth: BinaryMask[];
  /** Box of the object in each frame, parts that something hides included, cut to the frame; undefined where nothing of it shows. */
  boxes: (Box | undefined)[];
}

interface Placed {
  x: number;
  y: number;
  scale: number;
  angle: number;
  bend: number;
  /** Width relative to the height. */
  narrow: number;
}

export function makeSequence(object: CutOut, background: Raster, cover: Raster, motion: MotionKind, seed: number): Sequence {
  const random = seededRandom(seed);
  const own = sized(object, (0.05 + 0.06 * random()) * WIDTH * HEIGHT);
  // Wider than the frame, for a camera that moves.
  const ground = pillowResize(background, WIDTH + 100, HEIGHT + 60);
  const hiding = pillowResize(cover, 260, 260);
  const path = pathOf(motion, own, random);
  const frames: Raster[] = [];
  const truth: BinaryMask[] = [];
  const boxes: Sequence['boxes'] = [];
  for (let t = 0; t < FRAMES; t++) {
    const pan = motion === 'moving camera' ? { x: 6 * t, y: 3 * t } : { x: 50, y: 30 };
    const frame = cut(ground, pan);
    const visible: BinaryMask = { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT };
    const place = path[t] as Placed;
    if (motion === 'a similar one beside it') {
      const start = path[0] as Placed;
      const away = 1.25 * own.mask.width;
      const side = start.x < WIDTH / 2 ? 1 : -1;
      paste(frame, own, { ...start, x: start.x + side * away, angle: 0 }, undefined);
    }
    paste(frame, own, place, visible);
    const box = maskExtent(visible).boxXyxy;
    if (motion === 'half hidden for 3 frames' && t >= 3 && t <= 5) hide(frame, visible, hiding, place, own, 0.5);
    if (motion === 'wholly hidden for 2 frames' && t >= 3 && t <= 4) hide(frame, visible, hiding, place, own, 1.2);
    const light = 1 + 0.02 * normal(random);
    const from = uniformInt(random, 0, GRAIN.length - 1);
    for (let i = 0; i < frame.data.length; i++) {
      const grain = GRAIN[(from + i) % GRAIN.length] as number;
      frame.data[i] = Math.max(0, Math.min(255, Math.round(light * (frame.data[i] as number) + NOISE * grain)));
    }
    frames.push(frame);
    truth.push(visible);
    boxes.push(visible.data.includes(1) ? box : undefined);
  }
  return { name: `${object.name} ${motion} ${seed}`, motion, frames, truth, boxes };
}

function pathOf(motion: MotionKind, { mask }: CutOut, random: Random): Placed[] {
  const [w, h] = [mask.width, mask.height];
  const direction = uniformInt(random, 0, 3) * (Math.PI / 2) + 0.5 * random();
  const speed =
    { 'slow (1 px a frame)': 1, 'fast (25 px a frame)': 25, 'growing (7 % a frame)': 2, 'shrinking (7 % a frame)': 2 }[motion as string] ??
    5;
  const inside = (value: number, size: number, whole: number): number =>
    Math.max(Math.min(size / 2, whole / 2), Math.min(whole - Math.min(size / 2, whole / 2), value));
  const length = speed * (FRAMES - 1);
  const [mx, my] = [WIDTH / 2, HEIGHT / 2];
  let [vx, vy] = [speed * Math.cos(direction), speed * Math.sin(direction)];
  const leaving = motion === 'leaving the picture';
  if (leaving) [vx, vy] = [(random() < 0.5 ? -1 : 1) * (0.16 * w + 6), 0];
  const sx = leaving ? (vx > 0 ? WIDTH - 0.55 * w : 0.55 * w) : inside(mx - (vx * length) / speed / 2 + 30 * normal(random), w, WIDTH);
  const sy = leaving
    ? inside(my + 30 * normal(random), h, HEIGHT)
    : inside(my - (vy * length) / speed / 2 + 20 * normal(random), h, HEIGHT);
  let [x, y] = [sx, sy];
  const path: Placed[] = [];
  for (let t = 0; t < FRAMES; t++) {
    path.push({
      ...{ x, y },
      scale: motion === 'growing (7 % a frame)' ? 1.07 ** t : motion === 'shrinking (7 % a frame)' ? 0.93 ** t : 1,
      angle: motion === 'turning (6 degrees a frame)' ? (t * 6 * Math.PI) / 180 : 0,
      bend: (motion === 'bending' ? 0.16 : motion === 'bending and narrowing' ? 0.3 : 0) * Math.sin((t * 2 * Math.PI) / 12),
      narrow: motion === 'bending and narrowing' ? 0.95 ** t : 1,
    });
    if (!leaving) {
      // At a border it turns back, so that it stays in the picture.
      if (x + vx < Math.min(w, WIDTH) / 2 || x + vx > WIDTH - Math.min(w, WIDTH) / 2) vx = -vx;
      if (y + vy < Math.min(h, HEIGHT) / 2 || y + vy > HEIGHT - Math.min(h, HEIGHT) / 2) vy = -vy;
    }
    [x, y] = [x + vx, y + vy];
  }
  return path;
}

function sized({ name, image, mask }: CutOut, area: number): CutOut {
  const pixels = mask.data.reduce((sum, value) => sum + value, 0);
  const fits = Math.min((0.5 * WIDTH) / mask.width, (0.6 * HEIGHT) / mask.height);
  const scale = Math.min(Math.sqrt(area / pixels), 1.6, fits);
  const size = { width: Math.max(1, Math.round(scale * mask.width)), height: Math.max(1, Math.round(scale * mask.height)) };
  return { name, image: pillowResize(image, size.width, size.height), mask: { ...size, data: resizeNearest(mask.data, mask, size) } };
}

function cut({ data, width }: Raster, { x, y }: { x: number; y: number }): Raster {
  const out = new Uint8Array(3 * WIDTH * HEIGHT);
  for (let row = 0; row < HEIGHT; row++)
    out.set(data.subarray(3 * ((y + row) * width + x), 3 * ((y + row) * width + x + WIDTH)), 3 * row * WIDTH);
  return { data: out, width: WIDTH, height: HEIGHT, channels: 3 };
}

/** Blends the object in, its border softened by a pixel; where it covers more than half of a pixel, that is marked. */
function paste(
  frame: Raster,
  { image, mask }: CutOut,
  { x, y, scale, angle, bend, narrow }: Placed,
  visible: BinaryMask | undefined,
): void {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const [ox, oy] = [column + 0.5 - x, row + 0.5 - y];
      const v = -sin * ox + cos * oy;
      // A bend moves what is above the middle one way and what is below it the other, more so farther out.
      const u = (cos * ox + sin * oy) / narrow - bend * ((v * Math.abs(v)) / mask.height) * 2;
      const [px, py] = [u + mask.width / 2 - 0.5, v + mask.height / 2 - 0.5];
      if (px < -1 || py < -1 || px > mask.width || py > mask.height) continue;
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [fx, fy] = [px - left, py - top];
      let alpha = 0;
      const color = [0, 0, 0];
      for (const [cx, cy, weight] of [
        [left, top, (1 - fx) * (1 - fy)],
        [left + 1, top, fx * (1 - fy)],
        [left, top + 1, (1 - fx) * fy],
        [left + 1, top + 1, fx * fy],
      ] as const) {
        if (cx < 0 || cy < 0 || cx >= mask.width || cy >= mask.height || mask.data[cy * mask.width + cx] === 0) continue;
        alpha += weight;
        for (let c = 0; c < 3; c++) color[c] = (color[c] as number) + weight * (image.data[3 * (cy * mask.width + cx) + c] as number);
      }
      if (alpha === 0) continue;
      const at = row * WIDTH + column;
      for (let c = 0; c < 3; c++)
        frame.data[3 * at + c] = Math.round((color[c] as number) + (1 - alpha) * (frame.data[3 * at + c] as number));
      if (alpha > 0.5 && visible) visible.data[at] = 1;
    }
  }
}

/** Puts a piece of another photo over a share of the object, from its left. */
function hide(frame: Raster, visible: BinaryMask, cover: Raster, { x, y, scale }: Placed, { mask }: CutOut, share: number): void {
  const [w, h] = [scale * mask.width, scale * mask.height];
  const [x0, x1] = [Math.round(x - 0.6 * w), Math.round(x - 0.5 * w + share * w)];
  const [y0, y1] = [Math.round(y - 0.6 * h), Math.round(y + 0.6 * h)];
  for (let row = Math.max(0, y0); row < Math.min(HEIGHT, y1); row++) {
    for (let column = Math.max(0, x0); column < Math.min(WIDTH, x1); column++) {
      const at = row * WIDTH + column;
      const from = ((row - y0) % cover.height) * cover.width + ((column - x0) % cover.width);
      for (let c = 0; c < 3; c++) frame.data[3 * at + c] = cover.data[3 * from + c] as number;
      visible.data[at] = 0;
    }
  }
}

function grainOf(count: number): Float32Array {
  const random = seededRandom(1);
  return Float32Array.from({ length: count }, () => normal(random));
}
