/** Weights of double precision, which no network computes with, copied in single precision. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { readFloatTensors } from '../checkpoint/read-tensors.ts';

const FLOATS: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16']);

/** One tensor in memory at a time; counters and other whole numbers are left out. -> the copy, or undefined where nothing is of double precision */
export async function inSinglePrecision(checkpoint: Checkpoint, folder: string, role: string): Promise<string | undefined> {
  const floats = [...checkpoint.tensors].filter(([, { dtype }]) => FLOATS.has(dtype));
  if (!floats.some(([, { dtype }]) => dtype === 'F64')) return undefined;
  const path = join(folder, `${role}.safetensors`);
  const header: Record<string, unknown> = Object.keys(checkpoint.metadata).length > 0 ? { __metadata__: checkpoint.metadata } : {};
  let end = 0;
  for (const [name, { shape }] of floats) {
    const begin = end;
    end += 4 * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = await open(path, 'wx');
  try {
    await file.appendFile(length);
    await file.appendFile(padded);
    for (const [name] of floats) {
      const { data } = (await readFloatTensors(checkpoint, [name])).get(name) as { data: Float32Array };
      await file.appendFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}
