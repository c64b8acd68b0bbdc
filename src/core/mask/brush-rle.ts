/**
 * Label Studio's run-length encoding of brush masks: a stream of bits, most significant first. Header: 32 bits number of values
 * (width x height x 4: R, G, B, A of every pixel, row by row), 5 bits size of a value - 1, four times 4 bits size of a count - 1.
 * Then, until all values are there: 1 bit whether one value repeats, 2 bits which size of count, the count - 1, and the value once
 * or count values. The mask is the alpha channel.
 */
import { ProsamError } from '../common/errors.ts';
import { runStepsSync, runSteps, PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

const VALUE_BITS = 8;
/** Bits of a count, by the two bits that choose among them. */
const COUNT_BITS = [3, 4, 8, 16] as const;
const HEADER_BITS = 32 + 5 + 4 * 4;
/** Values one run can repeat. */
const LONGEST_RUN = 2 ** 16;
/** Partly covered pixels at the border of a stroke belong to the mask from here on. */
const THRESHOLD = 128;

/** The bytes Label Studio's own converter writes for it. Masks of at most 2^30 - 1 pixels. */
export function encodeBrushRleSync(mask: BinaryMask): Uint8Array {
  return runStepsSync(encodeSteps(mask));
}

/** The part of an image that a mask covers; the rest is not marked. */
export interface MaskPlace {
  /** Upper left corner of the mask, in pixels of the image. */
  x0: number;
  y0: number;
  /** Size of the image. */
  width: number;
  height: number;
}

/**
 * The same, giving others on this thread their turns. place: for a mask cut to its box. box: [x0, y0, x1, y1) outside which the mask
 * is known to be empty, so that nothing is read there. Rejects with the signal's reason once it aborts.
 */
export function encodeBrushRle(mask: BinaryMask, signal?: AbortSignal, place?: MaskPlace, box?: MaskBox): Promise<Uint8Array> {
  return runSteps(encodeSteps(mask, place, box), signal);
}

type MaskBox = readonly [x0: number, y0: number, x1: number, y1: number];

function* encodeSteps(
  mask: BinaryMask,
  place: MaskPlace = { x0: 0, y0: 0, width: mask.width, height: mask.height },
  [left, top, right, bottom]: MaskBox = [0, 0, mask.width, mask.height],
): Steps<Uint8Array> {
  const { data } = mask;
  const bits = createBitWriter();
  bits.write(4 * place.width * place.height, 32);
  bits.write(VALUE_BITS - 1, 5);
  for (const size of COUNT_BITS) bits.write(size - 1, 4);
  const run = { marked: false, pixels: 0 };
  const add = (marked: boolean, pixels: number): void => {
    if (pixels === 0) return;
    if (marked !== run.marked && run.pixels > 0) {
      writeRun(bits, 4 * run.pixels, run.marked ? 255 : 0);
      run.pixels = 0;
    }
    run.marked = marked;
    run.pixels += pixels;
  };
  add(false, (place.y0 + top) * place.width + place.x0 + left);
  let unpaused = 0;
  for (let y = top; y < bottom; y++) {
    if (y > top) add(false, place.width - (right - left));
    for (let at = y * mask.width + left, rowEnd = y * mask.width + right; at < rowEnd;) {
      const value = data[at] !== 0;
      let end = at + 1;
      while (end < rowEnd && (data[end] !== 0) === value) end++;
      add(value, end - at);
      unpaused += 16 + ((end - at) >> 3);
      at = end;
    }
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  add(false, place.width * (place.height - place.y0 - bottom) + place.width - place.x0 - right);
  writeRun(bits, 4 * run.pixels, run.marked ? 255 : 0);
  return bits.end();
}

type BitWriter = ReturnType<typeof createBitWriter>;

function writeRun(bits: BitWriter, count: number, value: number): void {
  // What is left of a run cut into longest ones keeps their size of count, however short it is.
  const size = count <= 8 ? 0 : count <= 16 ? 1 : count <= 256 ? 2 : 3;
  for (let left = count; left > 0; left -= LONGEST_RUN) {
    bits.write(0b100 | size, 3);
    bits.write(Math.min(left, LONGEST_RUN) - 1, COUNT_BITS[size]);
    bits.write(value, VALUE_BITS);
  }
}

function createBitWriter() {
  let bytes = new Uint8Array(256);
  let length = 0;
  let held = 0;
  let heldBits = 0;
  const push = (byte: number): void => {
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
    bytes[length++] = byte;
  };
  return {
    write(value: number, size: number): void {
      for (let left = size; left > 0;) {
        const take = Math.min(left, 8 - heldBits);
        left -= take;
        held = (held << take) | (Math.floor(value / 2 ** left) & (2 ** take - 1));
        heldBits += take;
        if (heldBits < 8) continue;
        push(held);
        [held, heldBits] = [0, 0];
      }
    },
    /** Filled up with zeros: to a whole byte, or by one where it is whole already. */
    end(): Uint8Array {
      push(held << (8 - heldBits));
      return bytes.slice(0, length);
    },
  };
}

/**
 * Alpha of 128 and more is marked. Counts of any sizes are read, whatever follows the last value is not.
 * @throws ANNOTATION_INVALID for what is not bytes, not of this size, cut off or overfull; before anything of that size is allocated
 */
export function decodeBrushRleSync(rle: readonly unknown[] | Uint8Array, width: number, height: number): BinaryMask {
  return runStepsSync(decodeSteps(bytesOf(rle), width, height));
}

/** The same, giving others on this thread their turns. */
export function decodeBrushRle(
  rle: readonly unknown[] | Uint8Array,
  width: number,
  height: number,
  signal?: AbortSignal,
): Promise<BinaryMask> {
  return runSteps(decodeSteps(bytesOf(rle), width, height), signal);
}

function* decodeSteps(bytes: Uint8Array, width: number, height: number): Steps<BinaryMask> {
  const totalBits = 8 * bytes.length;
  let position = 0;
  const read = (size: number): number => {
    if (position + size > totalBits) throw invalid('it breaks off in the middle');
    let value = 0;
    for (let left = size; left > 0;) {
      const inByte = 8 - (position & 7);
      const take = Math.min(left, inByte);
      value = value * 2 ** take + (((bytes[position >> 3] as number) >> (inByte - take)) & (2 ** take - 1));
      position += take;
      left -= take;
    }
    return value;
  };
  if (totalBits < HEADER_BITS) throw invalid(`expected a header of 7 bytes, got ${bytes.length} bytes`);
  const values = read(32);
  if (values !== 4 * width * height) {
    throw invalid(`expected ${4 * width * height} values for ${width} x ${height} pixels, got ${values}`);
  }
  const valueBits = read(5) + 1;
  if (valueBits !== VALUE_BITS) throw invalid(`expected values of ${VALUE_BITS} bits, got ${valueBits}`);
  const countBits = [read(4) + 1, read(4) + 1, read(4) + 1, read(4) + 1];
  // The shortest stream that covers so many values: a mask far larger than its bytes can tell is not begun.
  if (totalBits - position < Math.ceil(values / LONGEST_RUN) * (3 + VALUE_BITS + Math.min(...countBits))) throw invalid('it breaks off');

  const data = new Uint8Array(width * height);
  let unpaused = 0;
  for (let at = 0; at < values;) {
    const repeats = read(1) === 1;
    const count = read(countBits[read(2)] as number) + 1;
    if (at + count > values) throw invalid(`a run of ${count} ends beyond the last of ${values} values`);
    if (repeats) {
      // The alpha values among [at, at + count) are those of the pixels [at >> 2, (at + count) >> 2), as alpha comes last.
      if (read(VALUE_BITS) >= THRESHOLD) data.fill(1, Math.floor(at / 4), Math.floor((at + count) / 4));
      at += count;
      unpaused += 16 + (count >> 4);
    } else {
      for (const end = at + count; at < end; at++) {
        const value = read(VALUE_BITS);
        if (at % 4 === 3 && value >= THRESHOLD) data[(at - 3) / 4] = 1;
      }
      unpaused += count;
    }
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
  }
  return { data, width, height };
}

function bytesOf(rle: readonly unknown[] | Uint8Array): Uint8Array {
  if (rle instanceof Uint8Array) return rle;
  const wrong = rle.findIndex((value) => !(Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255));
  if (wrong >= 0) throw invalid(`expected whole numbers from 0 to 255, got ${String(rle[wrong]).slice(0, 20)} at place ${wrong}`);
  return Uint8Array.from(rle as readonly number[]);
}

function invalid(problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `Brush RLE: ${problem}.`);
}
