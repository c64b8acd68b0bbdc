/** Full-size weights and inputs from an integer hash of a tensor's name: the same values on every machine, nothing to download. */
import { writeSafetensors, type TensorSource } from './checkpoint-writers.ts';

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** u(name, i) in [-1, 1), scaled and shifted. */
function hashed(name: string, length: number, centre: number, scale: number): Float32Array {
  const seed = fnv1a(name);
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let x = (seed + Math.imul(i, 0x9e3779b1)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    x = (x ^ (x >>> 16)) >>> 0;
    out[i] = centre + scale * (x / 2147483648 - 1);
  }
  return out;
}

const EMBEDDINGS = ['iou_token', 'mask_tokens', 'no_mask_embed', 'point_embeddings', 'not_a_point_embed'];

/** Centre and spread that keep a random network's activations in range. */
function rangeOf(name: string, shape: readonly number[]): [centre: number, scale: number] {
  const leaf = name.slice(name.lastIndexOf('.') + 1);
  if (leaf === 'running_mean') return [0, 0.1];
  if (leaf === 'running_var') return [1, 0.2];
  if (leaf === 'positional_encoding_gaussian_matrix' || leaf === 'queries' || EMBEDDINGS.some((part) => name.includes(part)))
    return [0, Math.sqrt(3)];
  if (['pos_embed', 'rel_pos_h', 'rel_pos_w', 'cls_token', 'mask_token'].includes(leaf)) return [0, 0.1];
  if (leaf === 'gamma') return [1, 0.1];
  if (shape.length === 1) {
    if (leaf.includes('bias')) return [0, 0.05];
    return name.startsWith('layer') && name.includes('.bn3.') ? [0.25, 0.05] : [1, 0.1];
  }
  const fanIn = name.includes('output_upscaling') ? (shape[0] as number) : shape.slice(1).reduce((a, b) => a * b, 1);
  const gain = /^(layer|conv|features)/.test(name) ? Math.SQRT2 : 1;
  return [0, gain * Math.sqrt(3 / fanIn)];
}

/** sqrt(3) * u(name, i): zero mean, unit variance. */
export function hashedNoise(name: string, length: number): Float32Array {
  return hashed(name, length, 0, Math.sqrt(3));
}

/** A model's weights in name order, each made when it is asked for. */
export function hashedWeights(tensors: Readonly<Record<string, readonly number[]>>): TensorSource[] {
  return Object.entries(tensors)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => ({
      name,
      shape,
      values: () =>
        hashed(
          name,
          shape.reduce((a, b) => a * b, 1),
          ...rangeOf(name, shape),
        ),
    }));
}

/** Writes a model's weights as safetensors. */
export function writeHashedWeights(path: string, tensors: Readonly<Record<string, readonly number[]>>): void {
  writeSafetensors(path, hashedWeights(tensors));
}

/** The test image: a pattern of bytes. [side, side, 3] */
export function hashedPixels(side: number): Uint8Array {
  const out = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let c = 0; c < 3; c++)
        out[(y * side + x) * 3 + c] = (((x * (3 + c)) >> 2) + ((y * (5 - c)) >> 3) + (((x >> 5) ^ (y >> 5)) & 1) * 64) & 255;
    }
  }
  return out;
}

/** The same, normalised with ImageNet's constants. [1, 3, side, side] */
export function hashedImage(side: number): Float32Array {
  const mean = [0.485, 0.456, 0.406] as const;
  const std = [0.229, 0.224, 0.225] as const;
  const pixels = hashedPixels(side);
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const c = Math.floor(i / side ** 2);
    return ((pixels[(i % side ** 2) * 3 + c] as number) / 255 - (mean[c] as number)) / (std[c] as number);
  });
}

/** The last two axes of square planes exchanged. */
export function transposed(planes: Float32Array, side: number): Float32Array {
  return planes.map((_, i) => {
    const x = i % side;
    const y = Math.floor(i / side) % side;
    return planes[i - y * side - x + x * side + y] as number;
  });
}
