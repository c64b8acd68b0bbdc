/** Number formats that checkpoints come in, made from float32 values. */
import type { Dtype } from '../../src/core/checkpoint/formats/safetensors.ts';

export type FloatType = Extract<Dtype, 'F32' | 'F16' | 'BF16'>;

/** Little-endian bytes, each value rounded to the nearest of the type. */
export function bytesAs(type: FloatType, values: Float32Array): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  if (type === 'BF16') {
    // The upper half, rounded to nearest, ties to even.
    for (let i = 0; i < out.length; i++) {
      const value = bits[i] as number;
      out[i] = (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
    }
  } else {
    const view = new DataView(out.buffer);
    for (let i = 0; i < out.length; i++) view.setFloat16(2 * i, values[i] as number, true);
  }
  return new Uint8Array(out.buffer);
}
