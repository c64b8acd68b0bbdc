/** Colour of the object in a mask file. */
import { PAUSE_AFTER_PLAIN, type Steps } from '../mask/cooperative.ts';
import type { MaskChoice } from '../mask/mask-choice.ts';
import { DRAWN_SHARE, severalValues, type MaskPixels } from './mask-values.ts';

/** Colours that are told apart one by one; more are counted in cells of eight levels a channel. */
const MAX_COLOURS = 1024;
const CELL = 0xf8f8f8;
/** Largest difference of a channel of colours that are one, blurred. */
const NEAR = 64;
/** Borders of objects in VOC's palette: neither object nor background. */
const VOID = 0xe0e0c0;
const BLACK = 0;

/** r << 16 | g << 8 | b, of 8 bits each. */
export function packed(data: Uint8Array | Uint16Array, at: number): number {
  const shift = data instanceof Uint16Array ? 8 : 0;
  return (((data[at] as number) >> shift) << 16) | (((data[at + 1] as number) >> shift) << 8) | ((data[at + 2] as number) >> shift);
}

/** -> whether a colour is marked. @throws ANNOTATION_INVALID with the colours that are there */
export function* colourRule(pixels: MaskPixels, choice: MaskChoice | undefined, label: string): Steps<(colour: number) => boolean> {
  const { palette } = pixels;
  const exact = yield* count(pixels, 0xffffff);
  const few = !exact.overfull;
  const { counts, inner } = few ? exact : yield* count(pixels, CELL);
  const named = (colour: number): string => {
    const index = palette?.indexOf(colour) ?? -1;
    return index >= 0 ? `${index} (${hex(colour)})` : hex(colour);
  };
  const refuse = (instead?: string): Error => {
    const values = [...counts].map(([colour, pixelCount]) => ({ name: named(colour), count: pixelCount }));
    return severalValues(values, label, palette === undefined ? 'color' : 'value', instead);
  };
  if (choice?.value !== undefined || choice?.color !== undefined) {
    const { value, color } = choice;
    const wanted = color === undefined ? palette?.[value as number] : Number.parseInt(color, 16);
    if (wanted === undefined) throw refuse(palette === undefined ? `colors, to which maskColor belongs` : `no index ${value}`);
    if (counts.has(wanted)) return (colour) => colour === wanted;
    if (!few && [...counts.keys()].some((colour) => distance(colour, wanted) <= NEAR)) return (colour) => distance(colour, wanted) <= NEAR;
    throw refuse(`no pixel of ${hex(wanted)}`);
  }
  const used = [...counts.keys()];
  if (few) {
    const objects = used.filter((colour) => colour !== BLACK && !(colour === VOID && used.length > 2));
    if (used.length === 1) return () => used[0] !== BLACK;
    if (objects.length === 1 && counts.has(BLACK)) return (colour) => colour === objects[0];
    const ground = palette?.[0];
    if (used.length === 2 && ground !== undefined && counts.has(ground)) return (colour) => colour !== ground;
  }
  const total = pixels.width * pixels.height;
  const drawn = [...inner].filter(([, pixelCount]) => pixelCount >= Math.max(4, DRAWN_SHARE * total)).sort(([, a], [, b]) => b - a);
  const groups: number[] = [];
  for (const [colour] of drawn) if (!groups.some((one) => distance(one, colour) <= NEAR)) groups.push(colour);
  const ground = groups.find((colour) => distance(colour, BLACK) <= NEAR);
  const object = groups.find((colour) => colour !== ground);
  if (groups.length !== 2 || ground === undefined || object === undefined) throw refuse();
  return (colour) => squared(colour, object) < squared(colour, ground);
}

interface Counted {
  counts: Map<number, number>;
  /** With the same colour on all four sides. */
  inner: Map<number, number>;
  /** More colours than are told apart: the rest of the pixels was not counted. */
  overfull: boolean;
}

/** bits: those of a colour that count. */
function* count({ data, width, height }: MaskPixels, bits: number): Steps<Counted> {
  const counts = new Map<number, number>();
  const inner = new Map<number, number>();
  const at = (x: number, y: number): number => packed(data, 3 * (y * width + x)) & bits;
  for (let y = 0, unpaused = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = at(x, y);
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
      if (y === 0 || x === 0 || y === height - 1 || x === width - 1) continue;
      if (at(x - 1, y) === colour && at(x + 1, y) === colour && at(x, y - 1) === colour && at(x, y + 1) === colour)
        inner.set(colour, (inner.get(colour) ?? 0) + 1);
    }
    if (bits === 0xffffff && counts.size > MAX_COLOURS) return { counts, inner, overfull: true };
    unpaused += width;
    if (unpaused < PAUSE_AFTER_PLAIN / 8) continue;
    unpaused = 0;
    yield;
  }
  return { counts, inner, overfull: false };
}

function channels(colour: number): [number, number, number] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function distance(a: number, b: number): number {
  const other = channels(b);
  return Math.max(...channels(a).map((level, c) => Math.abs(level - (other[c] as number))));
}

function squared(a: number, b: number): number {
  const other = channels(b);
  return channels(a).reduce((sum, level, c) => sum + (level - (other[c] as number)) ** 2, 0);
}

function hex(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}
