/** Opens a model to compare what it computes with what is known of it; nothing else of an engine is needed for that. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openModel, type Model } from '../checkpoint/model-folder.ts';
import type { FloatTensor } from '../checkpoint/read-tensors.ts';
import { floatsFromTensor, parseSafetensors, type TensorEntry } from '../checkpoint/formats/safetensors.ts';
import { ProsamError } from '../common/errors.ts';
import { openRuntime } from '../runtime/devices/choose-device.ts';
import type { Device } from '../runtime/devices/devices.ts';
import { checkModelWeights, createNetworks, type Networks } from '../onnx/networks.ts';
import type { Precision } from '../onnx/precision.ts';

export interface ProofOptions {
  /** @default 'cpu' */
  device?: Device | 'auto';
  /** Threads of one operator on the CPU; 0 = as many as there are cores. @default 0 */
  threads?: number;
  /** @default 'fp32' */
  precision?: Precision;
}

/** @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, and what `work` throws */
export async function withNetworks<T>(
  folder: string,
  { device = 'cpu', threads = 0, precision = 'fp32' }: ProofOptions,
  work: (model: Model, networks: Networks) => Promise<T>,
): Promise<T> {
  const model = await openModel(folder);
  checkModelWeights(model);
  // A device that was asked for is used or refused, never quietly another one.
  const networks = createNetworks(model, await openRuntime({ device, threads }), { precision });
  try {
    return await work(model, networks);
  } finally {
    await networks.close();
  }
}

/** No known answer is larger: images, and outputs of small models. */
const MAX_BYTES = 64 * 2 ** 20;

/** The known answer kept beside a model. @throws MODEL_NOT_FOUND, CHECKPOINT_INVALID */
export async function readKnownAnswer(folder: string, file: string): Promise<Map<string, FloatTensor>> {
  const path = join(folder, file);
  const size = await stat(path).then(
    (info) => (info.isFile() ? info.size : Infinity),
    () => undefined,
  );
  if (size === undefined)
    throw new ProsamError('MODEL_NOT_FOUND', `expected the known answer ${path}, but there is no such file. Add the model again.`);
  if (size > MAX_BYTES)
    throw new ProsamError('CHECKPOINT_INVALID', `${path}: expected a known answer of at most ${MAX_BYTES} bytes, got more.`);
  return parseKnownAnswer(new Uint8Array(await readFile(path)), path);
}

function numbersOf(entry: TensorEntry, part: Uint8Array, label: string): Float32Array {
  if (entry.dtype === 'U8') return Float32Array.from(part);
  if (entry.dtype === 'I32') return Float32Array.from(new Int32Array(new Uint8Array(part).buffer));
  return floatsFromTensor(entry, part, label);
}

/** Pixels and numbers of a known answer, all as floats. @throws CHECKPOINT_INVALID */
export function parseKnownAnswer(bytes: Uint8Array, label: string): Map<string, FloatTensor> {
  const out = new Map<string, FloatTensor>();
  for (const [name, entry] of parseSafetensors(bytes, label).tensors) {
    const part = bytes.subarray(entry.offset, entry.offset + entry.byteLength);
    out.set(name, { data: numbersOf(entry, part, `${label}: ${name}`), shape: entry.shape });
  }
  return out;
}
