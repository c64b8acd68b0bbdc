/** Annotations made from a true mask, as the benchmarks make them, so that every kind can be measured on one data set. */
import { normal, sampleWithout, uniformInt, type Random } from '../common/random.ts';
import type { BinaryMask } from './label-reduction.ts';
import { drawPixelStroke } from './pixel-stroke.ts';
import { boundingBox, emptyMask, fillBox, type Point } from './raster.ts';

/** Benchmarks mark up to this many points or strokes. */
export const MARKS_IN_EVALUATION = 20;

function setPixels(mask: BinaryMask): number[] {
  const pixels: number[] = [];
  mask.data.forEach((value, i) => value !== 0 && pixels.push(i));
  return pixels;
}

/** `count` random pixels of the mask (fewer if it is smaller), as centres. */
export function pointsFromMask(mask: BinaryMask, count: number, random: Random): Point[] {
  return sampleWithout(random, setPixels(mask), count).map((i): Point => [(i % mask.width) + 0.5, Math.floor(i / mask.width) + 0.5]);
}

/** The filled tight box; an empty mask stays empty. */
export function boxMaskFromMask(mask: BinaryMask): BinaryMask {
  const out = emptyMask(mask.width, mask.height);
  const box = boundingBox(mask);
  if (box) fillBox(out, box);
  return out;
}

interface ScribblePreset {
  vertices: readonly [number, number];
  maxSpeed: number;
  speedStep: number;
  headingStep: number;
  width: readonly [number, number];
  jitter: readonly [number, number];
  shift: number;
}

/** The two presets of the public code, drawn with equal chance in training; evaluation always uses the first. */
export const SCRIBBLE_PRESETS = {
  rand_curve: { vertices: [10, 29], maxSpeed: 20, speedStep: 15, headingStep: 0.5, width: [3, 9], jitter: [-3, 2], shift: 3 },
  rand_curve_small: { vertices: [6, 21], maxSpeed: 12, speedStep: 8, headingStep: 0.5, width: [2, 4], jitter: [-1, 0], shift: 1.5 },
} as const satisfies Record<string, ScribblePreset>;
export type ScribblePresetName = keyof typeof SCRIBBLE_PRESETS;

/**
 * Random curves that start inside the mask, cut to it. Each curve is walked vertex by vertex with a wandering speed and
 * heading, moved by one step, half of its vertices jittered, then drawn.
 */
export function scribbleFromMask(mask: BinaryMask, strokes: number, preset: ScribblePresetName, random: Random): BinaryMask {
  const settings: ScribblePreset = SCRIBBLE_PRESETS[preset];
  const drawn = emptyMask(mask.width, mask.height);
  for (const start of sampleWithout(random, setPixels(mask), strokes)) {
    const path = wander([start % mask.width, Math.floor(start / mask.width)], settings, random);
    drawPixelStroke(drawn, path, uniformInt(random, ...settings.width));
  }
  drawn.data.forEach((value, i) => (drawn.data[i] = value !== 0 && mask.data[i] !== 0 ? 1 : 0));
  // A curve that leaves at once may miss the mask; its starting pixels are what a person would have touched.
  if (drawn.data.every((value) => value === 0)) for (const pixel of sampleWithout(random, setPixels(mask), strokes)) drawn.data[pixel] = 1;
  return drawn;
}

function wander([startX, startY]: Point, preset: ScribblePreset, random: Random): Point[] {
  const between = (low: number, high: number): number => low + (high - low) * random();
  let [x, y] = [startX, startY];
  let speed = between(0, preset.maxSpeed);
  let heading = between(0, 2 * Math.PI);
  const path: [number, number][] = [[x, y]];
  const count = uniformInt(random, ...preset.vertices);
  for (let i = 1; i < count; i++) {
    speed = Math.min(preset.maxSpeed, Math.max(0, speed + between(-preset.speedStep, preset.speedStep)));
    heading += between(-preset.headingStep, preset.headingStep);
    x += speed * Math.sin(heading);
    y += speed * Math.cos(heading);
    path.push([x, y]);
  }
  const step = Math.abs(normal(random)) * preset.shift;
  const [moveX, moveY] = [step * Math.sin(heading), step * Math.cos(heading)];
  return path.map(([px, py]): Point => {
    const jittered = random() < 0.5;
    const jitter = (): number => (jittered ? uniformInt(random, ...preset.jitter) : 0);
    return [px + moveX + jitter(), py + moveY + jitter()];
  });
}
