/** Weights of a second version of the built-in prompt encoder. */
import { readFileSync } from 'node:fs';
import {
  floatsFromTensor,
  parseSafetensors,
  safetensorsBytes,
  type TensorToWrite,
} from '../../../src/core/checkpoint/formats/safetensors.ts';

/** The built-in weights with the mean prompts scaled: another version that answers differently. */
export function otherWeights(factor: number): Uint8Array {
  const own = new Uint8Array(readFileSync('models/tiny/prompt-encoder.safetensors'));
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, entry] of parseSafetensors(own, 'own').tensors) {
    const values = floatsFromTensor(entry, own.subarray(entry.offset, entry.offset + entry.byteLength), name);
    const scaled = name.startsWith('mu_head') ? values.map((value) => value * factor) : values;
    tensors[name] = { dtype: 'F32', shape: entry.shape, bytes: new Uint8Array(scaled.buffer) };
  }
  return safetensorsBytes(tensors);
}
