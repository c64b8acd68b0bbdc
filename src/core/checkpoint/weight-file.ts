/** Reads safetensors files on disk. */
import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, ProsamError } from '../errors.ts';
import { floatsFromTensor, parseSafetensorsHeader, safetensorsHeaderLength, type SafetensorsIndex } from './safetensors.ts';

/** Where a checkpoint lies and what is in it. Plain data: it may cross to a worker. */
export interface WeightFile extends SafetensorsIndex {
  /** Real folder (links resolved: ONNX Runtime refuses weights behind a link). */
  folder: string;
  file: string;
}

/** Reads only the header. @throws MODEL_NOT_FOUND, CHECKPOINT_INVALID, CHECKPOINT_PICKLE */
export async function openWeightFile(path: string): Promise<WeightFile> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `wanted the weights ${path}, but there is no such file.`, { cause });
  });
  const info = await stat(real);
  if (!info.isFile()) throw new ProsamError('MODEL_NOT_FOUND', `wanted the weights ${path}, but that is a folder or something else.`);
  const { size } = info;
  const handle = await open(real, 'r').catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `wanted the weights ${path}, but they cannot be read: ${messageOf(cause)}.`, { cause });
  });
  try {
    const first = new Uint8Array(Math.min(8, size));
    await handle.read(first, 0, first.byteLength, 0);
    const header = new Uint8Array(safetensorsHeaderLength(first, size, path));
    await handle.read(header, 0, header.byteLength, 8);
    return { folder: dirname(real), file: basename(real), ...parseSafetensorsHeader(header, size, path) };
  } finally {
    await handle.close();
  }
}

export interface FloatTensor {
  data: Float32Array;
  shape: readonly number[];
}

/** All tensors of a small checkpoint as float32. */
export async function readFloatTensors(weights: WeightFile): Promise<Map<string, FloatTensor>> {
  const path = `${weights.folder}/${weights.file}`;
  const handle = await open(path, 'r');
  try {
    const out = new Map<string, FloatTensor>();
    for (const [name, entry] of weights.tensors) {
      const bytes = new Uint8Array(entry.byteLength);
      await handle.read(bytes, 0, bytes.byteLength, entry.offset);
      out.set(name, { data: floatsFromTensor(entry, bytes, `${path}: ${name}`), shape: entry.shape });
    }
    return out;
  } finally {
    await handle.close();
  }
}
