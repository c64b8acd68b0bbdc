/** Values of a checkpoint's tensors in memory, as float32. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { readerOf, type ReadAt } from './formats/read-at.ts';
import { floatsFromTensor } from './formats/safetensors.ts';

export interface FloatTensor {
  data: Float32Array;
  shape: readonly number[];
}

/** Tensors of a checkpoint as float32: all, or those named. @throws CHECKPOINT_INVALID for one that is not of floating point */
export async function readFloatTensors(
  checkpoint: Checkpoint,
  names: Iterable<string> = checkpoint.tensors.keys(),
): Promise<Map<string, FloatTensor>> {
  const handles = new Map<string, { handle: FileHandle; read: ReadAt }>();
  const readerFor = async (file: string): Promise<ReadAt> => {
    const known = handles.get(file);
    if (known) return known.read;
    const path = join(checkpoint.folder, file);
    const handle = await open(path, 'r');
    const read = readerOf(handle, (await handle.stat()).size, path);
    handles.set(file, { handle, read });
    return read;
  };
  const floatsOf = async (name: string, { dtype, shape, parts, byteLength }: CheckpointTensor): Promise<FloatTensor> => {
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    for (const part of parts) {
      bytes.set(await (await readerFor(part.file))(part.offset, part.byteLength), at);
      at += part.byteLength;
    }
    return {
      data: floatsFromTensor({ dtype, shape, offset: 0, byteLength }, bytes, `${checkpoint.folder}/${checkpoint.file}: ${name}`),
      shape,
    };
  };
  try {
    const out = new Map<string, FloatTensor>();
    for (const name of names) {
      const tensor = checkpoint.tensors.get(name);
      if (tensor === undefined) throw new Error(`${checkpoint.folder}/${checkpoint.file} has no ${name}`);
      out.set(name, await floatsOf(name, tensor));
    }
    return out;
  } finally {
    for (const { handle } of handles.values()) await handle.close();
  }
}
