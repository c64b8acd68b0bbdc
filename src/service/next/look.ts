/** Vectors of images as bytes, and how far they are apart. */
import { MAX_LOOK_BYTES } from '../ports/next-images.ts';

/** Largest value of a signed byte that has its opposite. */
const LARGEST = 127;

/** Vector as signed bytes, its largest value 127 or -127: cosines stay within 0.01. undefined where it has no direction. */
export function lookOf(embedding: Float32Array): Uint8Array | undefined {
  const kept = embedding.subarray(0, MAX_LOOK_BYTES);
  const most = kept.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (!(most > 0 && most < Infinity)) return undefined;
  return new Uint8Array(Int8Array.from(kept, (value) => Math.round((LARGEST * value) / most)).buffer);
}

/** The same as numbers again, of length 1. */
export function directionOf(look: Uint8Array): Float32Array {
  const values = new Int8Array(look.buffer, look.byteOffset, look.byteLength);
  let squares = 0;
  for (const value of values) squares += value * value;
  const length = Math.sqrt(squares) || 1;
  return Float32Array.from(values, (value) => value / length);
}

/** Cosine of two directions, -1..1; undefined where models differ, whose vectors have not the same numbers. */
export function likeness(a: Float32Array, b: Float32Array): number | undefined {
  if (a.length !== b.length) return undefined;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
