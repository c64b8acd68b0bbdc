/**
 * Mask files: which pixels of an image file are marked.
 *
 * 1. A file that is transparent somewhere: where it is opaque (128 of 255 and more).
 * 2. A value or colour that is asked for: exactly those pixels.
 * 3. One value: black marks nothing, any other everything. Two values: the one that is not black; of two others the one from 128 on.
 * 4. Black, one class id and 255 (VOC's ignored border, also its colour #e0e0c0): the class.
 * 5. Two values with blurred edges, as JPEG and drawing programs leave them: those nearer to the one that is not black.
 * 6. Smooth greys: from 128 on. Everything else is refused with the values that are there.
 */
import { PAUSE_AFTER_PLAIN, type Steps } from '../mask/cooperative.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { MaskChoice } from '../mask/mask-choice.ts';
import { colourRule, packed } from './mask-colours.ts';
import { DRAWN_SHARE, severalValues, type MaskPixels } from './mask-values.ts';

/** Grey value, 0..255, from which a pixel of a smooth mask is marked: brighter than half. */
const MASK_FILE_LEVEL = 128;

/** Number of pixels of each value, and of those with the same value on all four sides. */
interface Tones {
  counts: Uint32Array;
  inner: Uint32Array;
}

/** Greys this near to each other are one, blurred. */
const NEAR = 24;
/** Largest class id of files with a border of 255. */
const LARGEST_ID = 64;
const FEW = 64;

/** label: name of the file for messages. -> 0 / 1. @throws ANNOTATION_INVALID with the values that are there */
export function* markedSteps(pixels: MaskPixels, choice: MaskChoice | undefined, label: string): Steps<BinaryMask> {
  const { width, height, palette } = pixels;
  if (pixels.isAlpha) return yield* marked(pixels, (value) => value >= MASK_FILE_LEVEL);
  const grey = palette === undefined ? yield* asGrey(pixels) : undefined;
  if (grey === undefined) {
    const rule = yield* colourRule(pixels, choice, label);
    const { data } = pixels;
    const out = new Uint8Array(width * height);
    for (let start = 0; start < out.length; start += PAUSE_AFTER_PLAIN) {
      for (let at = start, end = Math.min(out.length, start + PAUSE_AFTER_PLAIN); at < end; at++)
        if (rule(packed(data, 3 * at))) out[at] = 1;
      yield;
    }
    return { data: out, width, height };
  }
  const tones = yield* tonesOf(grey);
  const table = choice?.value === undefined && choice?.color === undefined ? greyTable(tones, label) : chosenGrey(tones, choice, label);
  return yield* marked(grey, (value) => table[value] === 1);
}

/** One channel, where the three are alike throughout. */
function* asGrey({ data, width, height, channels }: MaskPixels): Steps<MaskPixels | undefined> {
  if (channels === 1) return { data, width, height, channels };
  const out = data instanceof Uint16Array ? new Uint16Array(width * height) : new Uint8Array(width * height);
  for (let start = 0; start < out.length; start += PAUSE_AFTER_PLAIN) {
    for (let at = start, end = Math.min(out.length, start + PAUSE_AFTER_PLAIN); at < end; at++) {
      const value = data[3 * at] as number;
      if (value !== data[3 * at + 1] || value !== data[3 * at + 2]) return undefined;
      out[at] = value;
    }
    yield;
  }
  return { data: out, width, height, channels: 1 };
}

function* marked({ data, width, height }: MaskPixels, isMarked: (value: number) => boolean): Steps<BinaryMask> {
  const out = new Uint8Array(width * height);
  for (let start = 0; start < out.length; start += PAUSE_AFTER_PLAIN) {
    for (let at = start, end = Math.min(out.length, start + PAUSE_AFTER_PLAIN); at < end; at++)
      if (isMarked(data[at] as number)) out[at] = 1;
    yield;
  }
  return { data: out, width, height };
}

function* tonesOf({ data, width, height }: MaskPixels): Steps<Tones> {
  const size = data instanceof Uint16Array ? 2 ** 16 : 2 ** 8;
  const [counts, inner] = [new Uint32Array(size), new Uint32Array(size)];
  for (let y = 0, unpaused = 0; y < height; y++) {
    const innerRow = y > 0 && y < height - 1;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const value = data[at] as number;
      counts[value] = (counts[value] as number) + 1;
      if (!innerRow || x === 0 || x === width - 1) continue;
      if (data[at - 1] === value && data[at + 1] === value && data[at - width] === value && data[at + width] === value)
        inner[value] = (inner[value] as number) + 1;
    }
    unpaused += width;
    if (unpaused < PAUSE_AFTER_PLAIN) continue;
    unpaused = 0;
    yield;
  }
  return { counts, inner };
}

/** Value -> 1 where it is marked. */
function greyTable({ counts, inner }: Tones, label: string): Uint8Array {
  const used = indices(counts);
  const largest = used.at(-1) ?? 0;
  // Class ids in 16 bits are as small as in 8.
  const white = counts.length > 256 && largest > 255 ? 65_535 : 255;
  const scale = white === 255 ? 1 : 256;
  const from = (level: number): Uint8Array => Uint8Array.from(counts, (_, value) => (value >= level ? 1 : 0));
  const half = MASK_FILE_LEVEL * scale;
  const refuse = (): never => {
    throw severalValues(
      used.map((value) => ({ name: String(value), count: counts[value] as number })),
      label,
      'value',
    );
  };
  const [first = 0, second] = used;
  if (second === undefined) return from(1);
  if (used.length === 2) return first === 0 || (first < half && second >= half) ? from(second) : refuse();
  const total = counts.reduce((sum, count) => sum + count, 0);
  const drawn = indices(inner).filter((value) => (inner[value] as number) >= Math.max(4, DRAWN_SHARE * total));
  const ids = used.filter((value) => value > 0 && value <= LARGEST_ID);
  const isBordered = used.length <= LARGEST_ID + 2 && used.every((value) => value <= LARGEST_ID || value === 255) && largest === 255;
  if (isBordered && ids.some((value) => drawn.includes(value))) {
    const [id = 0, another] = ids;
    return first === 0 && another === undefined ? from(id).map((value, at) => (at === id ? value : 0)) : refuse();
  }
  const groups: number[][] = [];
  for (const value of drawn) {
    const last = groups.at(-1);
    if (last && value - (last.at(-1) as number) <= NEAR * scale) last.push(value);
    else groups.push([value]);
  }
  if (groups.length > 2 || (largest < half && (used.length <= FEW || groups.length !== 2))) return refuse();
  const [dark, bright] = groups;
  return from(dark && bright ? ((dark.at(-1) as number) + (bright[0] as number)) / 2 : half);
}

function chosenGrey({ counts }: Tones, { value, color }: MaskChoice, label: string): Uint8Array {
  const level = value ?? greyOfColor(color ?? '');
  if (level !== undefined && (counts[level] ?? 0) > 0) return Uint8Array.from(counts, (_, at) => (at === level ? 1 : 0));
  const there = indices(counts).map((at) => ({ name: String(at), count: counts[at] as number }));
  throw severalValues(there, label, 'value', `no pixel of ${value ?? `#${color}`}`);
}

function greyOfColor(color: string): number | undefined {
  const level = Number.parseInt(color.slice(0, 2), 16);
  return color.toLowerCase() === color.slice(0, 2).toLowerCase().repeat(3) ? level : undefined;
}

function indices(counts: Uint32Array): number[] {
  const found: number[] = [];
  counts.forEach((count, value) => count > 0 && found.push(value));
  return found;
}
