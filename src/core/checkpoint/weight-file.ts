/** Reads weight files on disk: safetensors, and the tensors of PyTorch checkpoints. */
import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, ProsamError } from '../errors.ts';
import { readerOf, type ReadAt } from './read-at.ts';
import {
  beginsLikePickle,
  floatsFromTensor,
  parseSafetensorsHeader,
  safetensorsHeaderLength,
  type SafetensorsIndex,
} from './safetensors.ts';
import { readTorchIndex } from './torch-pickle.ts';

/** Where a checkpoint lies and what is in it. Plain data: it may cross to a worker. */
export interface WeightFile extends SafetensorsIndex {
  /** Real folder (links resolved: ONNX Runtime refuses weights behind a link). */
  folder: string;
  file: string;
}

/** Reads only what says where the tensors lie. @throws MODEL_NOT_FOUND, CHECKPOINT_INVALID, CHECKPOINT_PICKLE */
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
    return { folder: dirname(real), file: basename(real), ...(await readIndex(readerOf(handle, size, path), size, path)) };
  } finally {
    await handle.close();
  }
}

async function readIndex(read: ReadAt, size: number, label: string): Promise<SafetensorsIndex> {
  const first = await read(0, Math.min(8, size));
  if (beginsLikePickle(first, size)) return readTorchIndex(read, size, label);
  return parseSafetensorsHeader(await read(8, safetensorsHeaderLength(first, size, label)), size, label);
}

export interface FloatTensor {
  data: Float32Array;
  shape: readonly number[];
}

/** Tensors of a checkpoint as float32: all, or those named. @throws CHECKPOINT_INVALID for one that is not of floating point */
export async function readFloatTensors(
  weights: WeightFile,
  names: Iterable<string> = weights.tensors.keys(),
): Promise<Map<string, FloatTensor>> {
  const path = `${weights.folder}/${weights.file}`;
  const handle = await open(path, 'r');
  try {
    const read = readerOf(handle, (await handle.stat()).size, path);
    const out = new Map<string, FloatTensor>();
    for (const name of names) {
      const entry = weights.tensors.get(name);
      if (entry === undefined) throw new Error(`${path} has no ${name}`);
      const bytes = await read(entry.offset, entry.byteLength);
      out.set(name, { data: floatsFromTensor(entry, bytes, `${path}: ${name}`), shape: entry.shape });
    }
    return out;
  } finally {
    await handle.close();
  }
}
