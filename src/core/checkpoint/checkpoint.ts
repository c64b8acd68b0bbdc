/** Index of a checkpoint: tensor names and the places of their values in files. */
import type { Dtype, SafetensorsIndex } from './formats/safetensors.ts';

/** Bytes of one tensor in one file. */
export interface TensorPlace {
  /** Path of the file below the checkpoint's folder, with `/` between its parts. */
  file: string;
  /** From the start of the file. */
  offset: number;
  byteLength: number;
  shape: readonly number[];
}

/** One tensor of a network: as it lies in a file, or put together from several along the first axis (a query, key and value kept apart, say). */
export interface CheckpointTensor {
  dtype: Dtype;
  shape: readonly number[];
  /** Bytes of all parts. */
  byteLength: number;
  parts: readonly [TensorPlace, ...TensorPlace[]];
}

export type CheckpointTensors = ReadonlyMap<string, CheckpointTensor>;

/** A checkpoint on disk, in one file or several. Plain data: it may cross to another process. */
export interface Checkpoint {
  /** Real folder all files lie in or below (links resolved: ONNX Runtime refuses weights behind a link). */
  folder: string;
  /** File it was opened as: the weight file, or the list of its shards. */
  file: string;
  /** Every file with weights, as paths below `folder`. */
  files: readonly string[];
  /** Files it was read from: one file; or the list of its shards, then every shard under the name the list gives it. */
  sources: readonly { name: string; path: string }[];
  tensors: CheckpointTensors;
  metadata: Readonly<Record<string, string>>;
}

/** The tensors of one file as tensors of a checkpoint. file: as in `TensorPlace`. */
export function tensorsOfFile(index: SafetensorsIndex, file: string): Map<string, CheckpointTensor> {
  const out = new Map<string, CheckpointTensor>();
  for (const [name, { dtype, shape, offset, byteLength }] of index.tensors)
    out.set(name, { dtype, shape, byteLength, parts: [{ file, offset, byteLength, shape }] });
  return out;
}

/** Sources of a checkpoint under the names a manifest gives: `file` for the checkpoint itself, a shard's own for a shard. */
export function namedSources({ sources }: Checkpoint, file: string): { name: string; path: string }[] {
  return sources.map(({ name, path }, i) => ({ name: i === 0 ? file : name, path }));
}

/** Bytes of all tensors; 0 for no checkpoint. */
export function bytesOfTensors(checkpoint: Checkpoint | undefined): number {
  return [...(checkpoint?.tensors.values() ?? [])].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
