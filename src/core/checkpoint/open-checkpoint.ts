/** Opens checkpoints on disk: safetensors and PyTorch files, whole or in shards, wherever links lead. */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { messageOf, ProsamError } from '../common/errors.ts';
import { tensorsOfFile, type Checkpoint, type CheckpointTensor } from './checkpoint.ts';
import { HEAD_BYTES, refuseForeign } from './formats/foreign-file.ts';
import { readerOf, type ReadAt } from './formats/read-at.ts';
import {
  beginsLikePickle,
  beginsLikeSafetensors,
  parseSafetensorsHeader,
  safetensorsHeaderLength,
  type SafetensorsIndex,
} from './formats/safetensors.ts';
import { checkShard, parseShardList, SHARD_LIST, type ShardList } from './formats/shard-list.ts';
import { readTorchIndex } from './formats/torch-pickle.ts';

/** Files looked for in a folder, in this order: the names of published checkpoints. */
const FOLDER_FILES = ['model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'] as const;
/** Files of models in folders without those. */
const OTHER_MODELS = /\.(onnx|pb|h5|tflite|mlmodel|gguf|pth?|ckpt|bin|safetensors)$/i;
const MAX_SHARD_LIST_BYTES = 16 << 20;

export interface OpenCheckpointOptions {
  /** Paths of checkpoint files that are not beside the list of its shards: name -> path. @default beside it */
  locations?: Readonly<Record<string, string>>;
}

/**
 * Reads only what says where the tensors lie, never a value.
 *
 * path: a .safetensors file; a file of torch.save; the list of a sharded checkpoint (*.index.json); or a folder with one of these.
 * @throws MODEL_NOT_FOUND, CHECKPOINT_INVALID, CHECKPOINT_PICKLE
 */
export async function openCheckpoint(path: string, { locations = {} }: OpenCheckpointOptions = {}): Promise<Checkpoint> {
  const { asked, real } = await weightFileAt(path);
  if (SHARD_LIST.test(asked)) return openShards(real, asked, locations);
  const index = await readIndex(real, asked);
  const file = basename(real);
  return {
    folder: dirname(real),
    file,
    files: [file],
    sources: [{ name: file, path: real }],
    tensors: tensorsOfFile(index, file),
    metadata: index.metadata,
  };
}

/** A regular file, as asked for and where links lead; a folder stands for the checkpoint in it. @throws MODEL_NOT_FOUND */
export async function weightFileAt(path: string): Promise<{ asked: string; real: string }> {
  const real = await realFile(path);
  if (!(await stat(real)).isDirectory()) return { asked: path, real: await regularFile(real, path) };
  for (const name of FOLDER_FILES) {
    const inside = join(path, name);
    const found = await realpath(inside).catch(() => undefined);
    if (found !== undefined) return { asked: inside, real: await regularFile(found, inside) };
  }
  const others = (await readdir(path).catch((): string[] => [])).filter((name) => OTHER_MODELS.test(name)).slice(0, 3);
  throw new ProsamError(
    'MODEL_NOT_FOUND',
    `expected weights in the folder ${path} (${FOLDER_FILES.join(', ')}), found none` +
      `${others.length === 0 ? '' : ` but ${others.join(', ')}`}. Name the file itself; graphs (ONNX, Core ML) and weights of TensorFlow are not read.`,
  );
}

async function realFile(path: string): Promise<string> {
  return realpath(path).catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `expected the weights ${path}, but there is no such file: ${messageOf(cause)}.`, { cause });
  });
}

/** Anything else than a file (a pipe, a device) might never end. */
async function regularFile(real: string, path: string): Promise<string> {
  if ((await stat(real)).isFile()) return real;
  throw new ProsamError('MODEL_NOT_FOUND', `expected the weights ${path}, but that is a folder or something else.`);
}

async function readIndex(real: string, label: string): Promise<SafetensorsIndex> {
  const handle = await open(real, 'r').catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `expected the weights ${label}, but they cannot be read: ${messageOf(cause)}.`, { cause });
  });
  try {
    const { size } = await handle.stat();
    return await indexOf(readerOf(handle, size, label), size, label);
  } finally {
    await handle.close();
  }
}

async function indexOf(read: ReadAt, size: number, label: string): Promise<SafetensorsIndex> {
  const head = await read(0, Math.min(HEAD_BYTES, size));
  const first = head.subarray(0, 9);
  if (beginsLikePickle(first, size)) return readTorchIndex(read, size, label);
  if (!beginsLikeSafetensors(first, size)) refuseForeign(head, size, label);
  return parseSafetensorsHeader(await read(8, safetensorsHeaderLength(first, size, label)), size, label);
}

async function readShardList(real: string, label: string): Promise<ShardList> {
  const { size } = await stat(real);
  if (size > MAX_SHARD_LIST_BYTES)
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${label}: expected at most ${MAX_SHARD_LIST_BYTES} bytes, got ${size}. It is no list of shards.`,
    );
  const handle = await open(real, 'r');
  try {
    return parseShardList(await readerOf(handle, size, label)(0, size), label);
  } finally {
    await handle.close();
  }
}

/** path: as it was asked for; shards stand beside it, not beside the file that a link leads to. */
async function openShards(real: string, path: string, locations: Readonly<Record<string, string>>): Promise<Checkpoint> {
  const list = await readShardList(real, path);
  const shards: { name: string; real: string }[] = [];
  for (const name of list.files) {
    const place = Object.hasOwn(locations, name) ? (locations[name] as string) : join(dirname(path), name);
    shards.push({ name, real: await regularFile(await realFile(place), place) });
  }
  const folder = commonFolder(
    shards.map((shard) => dirname(shard.real)),
    path,
  );
  const tensors = new Map<string, CheckpointTensor>();
  const files: string[] = [];
  let metadata: Checkpoint['metadata'] = {};
  for (const shard of shards) {
    const index = await readIndex(shard.real, join(dirname(path), shard.name));
    checkShard(list, shard.name, index, path);
    const file = relative(folder, shard.real).split(sep).join('/');
    for (const [name, tensor] of tensorsOfFile(index, file)) tensors.set(name, tensor);
    files.push(file);
    metadata = { ...metadata, ...index.metadata };
  }
  return {
    folder,
    file: basename(path),
    files,
    sources: [{ name: basename(path), path: real }, ...shards.map((shard) => ({ name: shard.name, path: shard.real }))],
    tensors,
    metadata,
  };
}

/** ONNX Runtime reads weights below one folder. */
function commonFolder(folders: readonly string[], label: string): string {
  let common = folders[0] as string;
  while (!folders.every((folder) => folder === common || folder.startsWith(common.endsWith(sep) ? common : common + sep))) {
    const up = dirname(common);
    if (up === common)
      throw new ProsamError('CHECKPOINT_INVALID', `${label}: expected all shards on one drive, they lie on several. Move them together.`);
    common = up;
  }
  return common;
}
