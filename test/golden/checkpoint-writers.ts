/** Checkpoint files as other programs write them, one tensor in memory at a time. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { dict, pickle, tensor } from '../unit/core/checkpoint/torch-file.ts';
import { bytesAs, type FloatType } from './weight-values.ts';

export interface TensorSource {
  name: string;
  shape: readonly number[];
  values: () => Float32Array;
}

const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
const STORAGE = { F32: 'FloatStorage', F16: 'HalfStorage', BF16: 'BFloat16Storage' } as const;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Everything, also what the system takes in several pieces. */
function put(file: number, bytes: Uint8Array): number {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(file, bytes, done);
  return bytes.byteLength;
}

export function writeSafetensors(path: string, tensors: readonly TensorSource[], type: FloatType = 'F32'): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape } of tensors) header[name] = { dtype: type, shape, data_offsets: [end, (end += BYTES[type] * count(shape))] };
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(path, 'w');
  put(file, length);
  put(file, padded);
  for (const { values } of tensors) put(file, bytesAs(type, values()));
  closeSync(file);
}

/** model-0000N-of-0000M.safetensors and their list in `folder`. */
export function writeShards(folder: string, tensors: readonly TensorSource[], shards: number, type: FloatType = 'F32'): void {
  const digits = (n: number): string => String(n).padStart(5, '0');
  const map: Record<string, string> = {};
  for (let i = 0; i < shards; i++) {
    const name = `model-${digits(i + 1)}-of-${digits(shards)}.safetensors`;
    const mine = tensors.filter((_, at) => at % shards === i);
    writeSafetensors(join(folder, name), mine, type);
    for (const one of mine) map[one.name] = name;
  }
  const total = tensors.reduce((sum, { shape }) => sum + BYTES[type] * count(shape), 0);
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: { total_size: total }, weight_map: map }));
}

export interface TorchOptions {
  /** @default 'F32' */
  type?: FloatType;
  /** Key under which the state dict lies in another dictionary, as training scripts save it. @default none */
  inside?: string;
}

/** As torch.save writes a state dict: a stored zip archive with a pickle and one entry per storage. Up to 4 GB. */
export function writeTorch(path: string, tensors: readonly TensorSource[], { type = 'F32', inside }: TorchOptions = {}): void {
  const file = openSync(path, 'w');
  const directory: Buffer[] = [];
  let at = 0;
  const add = (name: string, content: Uint8Array): void => {
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt32LE(crc32(content), 14);
    head.writeUInt32LE(content.byteLength, 18);
    head.writeUInt32LE(content.byteLength, 22);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    head.copy(entry, 10, 8, 30); // method to name length stand in the same order in both
    entry.writeUInt32LE(at, 42);
    directory.push(Buffer.concat([entry, Buffer.from(name)]));
    at += put(file, head) + put(file, Buffer.from(name)) + put(file, content);
  };
  const items = Object.fromEntries(
    tensors.map(({ name, shape }, key) => [name, tensor({ shape, key: String(key), storage: STORAGE[type], count: count(shape) })]),
  );
  const weights = dict(items);
  add('archive/data.pkl', pickle(inside === undefined ? weights : dict({ [inside]: weights })));
  add('archive/byteorder', Buffer.from('little'));
  tensors.forEach(({ values }, key) => {
    add(`archive/data/${key}`, bytesAs(type, values()));
  });
  add('archive/version', Buffer.from('3\n'));
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(at, 16);
  put(file, listing);
  put(file, end);
  closeSync(file);
}
