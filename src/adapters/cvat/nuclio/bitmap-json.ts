/** Masks as JSON lists of zeros and ones, which is how functions answer CVAT: written as bytes, for they get as large as the image. */
import { ProsamError } from '../../../core/common/errors.ts';
import { runSteps, type Steps } from '../../../core/mask/cooperative.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';

const [ZERO, COMMA, OPEN, CLOSE] = [0x30, 0x2c, 0x5b, 0x5d];

/** CVAT makes a list of Python numbers of it: some 8 bytes a pixel on its side. */
export const MAX_BITMAP_PIXELS = 64_000_000;

/** `[0,1,...]`, row by row; tail: numbers after the last pixel. @throws IMAGE_TOO_LARGE */
export function flatBitmap(mask: BinaryMask, tail: readonly number[], signal?: AbortSignal): Promise<Buffer> {
  checkPixels(mask);
  return runSteps(flatSteps(mask, tail), signal);
}

function* flatSteps({ data, width, height }: BinaryMask, tail: readonly number[]): Steps<Buffer> {
  const end = Buffer.from(`${tail.join(',')}]`);
  const bytes = Buffer.allocUnsafe(1 + 2 * data.length + end.length);
  bytes[0] = OPEN;
  for (let row = 0, at = 1; row < height; row++) {
    for (let i = row * width; i < (row + 1) * width; i++) {
      bytes[at++] = data[i] === 0 ? ZERO : ZERO + 1;
      bytes[at++] = COMMA;
    }
    yield;
  }
  end.copy(bytes, bytes.length - end.length);
  return bytes;
}

export interface RowsOptions {
  /** Text around the rows in the same bytes: a bitmap as large as the image is too large to be copied again. */
  before?: Uint8Array;
  after?: Uint8Array;
  signal?: AbortSignal;
}

const NO_BYTES = new Uint8Array(0);

/** `[[0,1,...],...]`. @throws IMAGE_TOO_LARGE */
export function rowsBitmap(mask: BinaryMask, { before = NO_BYTES, after = NO_BYTES, signal }: RowsOptions = {}): Promise<Buffer> {
  checkPixels(mask);
  return runSteps(rowSteps(mask, before, after), signal);
}

function* rowSteps({ data, width, height }: BinaryMask, before: Uint8Array, after: Uint8Array): Steps<Buffer> {
  // A row takes its digits, a comma after each (the last one's becomes its bracket), and an opening bracket and a comma.
  const bytes = Buffer.allocUnsafe(before.length + 1 + height * (2 * width + 2) + after.length);
  bytes.set(before);
  bytes.set(after, bytes.length - after.length);
  let at = before.length;
  bytes[at++] = OPEN;
  for (let row = 0; row < height; row++) {
    bytes[at++] = OPEN;
    for (let i = row * width; i < (row + 1) * width; i++) {
      bytes[at++] = data[i] === 0 ? ZERO : ZERO + 1;
      bytes[at++] = COMMA;
    }
    bytes[at - 1] = CLOSE;
    bytes[at++] = COMMA;
    yield;
  }
  bytes[at - 1] = CLOSE;
  return bytes;
}

function checkPixels({ width, height }: BinaryMask): void {
  if (width * height <= MAX_BITMAP_PIXELS) return;
  throw new ProsamError(
    'IMAGE_TOO_LARGE',
    `The mask covers ${width} x ${height} pixels, CVAT is sent at most ${MAX_BITMAP_PIXELS} as a bitmap. Use a smaller image or region.`,
  );
}
