/** Damage done to files: the kinds that accidents do, and those that somebody would do on purpose. */
import { uniformInt, type Random } from '../../src/core/common/random.ts';

/** Numbers at which sizes and offsets go wrong. */
const EDGES = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 0x1fffffffffffffn, 0x7fffffffffffffffn, 0xffffffffffffffffn];
/** Pickle instructions that build, call, import or remember. */
const OPCODES = Buffer.from('cR(.}])tuesabQhqrj\x93\x94\x81\x80\x85\x86\x87Ki0Pob');
/** Bytes that hold descriptions: the head of a safetensors file, the pickle and the directory of an archive. */
const HEAD = 4096;

const INJECTED = [
  'cposix\nsystem\n',
  'c__builtin__\neval\n',
  'cos\npopen\n',
  '__proto__',
  '../../etc/passwd',
  '\x00',
  '"weight_map"',
  '-1',
  '1e999',
  'NaN',
];

type Damage = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const at = (bytes: Buffer, random: Random): number => {
  const last = Math.max(0, bytes.length - 1);
  const area = random();
  if (area < 0.5) return uniformInt(random, 0, Math.min(HEAD, last));
  if (area < 0.8) return uniformInt(random, Math.max(0, last - HEAD), last);
  return uniformInt(random, 0, last);
};

const spliced = (bytes: Buffer, from: number, to: number, put: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);

const DAMAGES: readonly Damage[] = [
  (bytes, random) => {
    const i = at(bytes, random);
    if (i < bytes.length) bytes[i] = (bytes[i] as number) ^ (1 << uniformInt(random, 0, 7));
    return bytes;
  },
  (bytes, random) => {
    const i = at(bytes, random);
    if (i < bytes.length) bytes[i] = uniformInt(random, 0, 255);
    return bytes;
  },
  (bytes, random) => {
    const i = at(bytes, random);
    const edge = EDGES[uniformInt(random, 0, EDGES.length - 1)] as bigint;
    if (i + 8 <= bytes.length && random() < 0.5) bytes.writeBigUInt64LE(edge, i);
    else if (i + 4 <= bytes.length) bytes.writeUInt32LE(Number(edge & 0xffffffffn), i);
    return bytes;
  },
  (bytes, random) => {
    const i = at(bytes, random);
    if (i < bytes.length) bytes[i] = OPCODES[uniformInt(random, 0, OPCODES.length - 1)] as number;
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, uniformInt(random, 0, bytes.length)),
  (bytes, random) => {
    const from = at(bytes, random);
    return spliced(bytes, from, Math.min(bytes.length, from + uniformInt(random, 1, 64)), new Uint8Array(0));
  },
  (bytes, random) => {
    const from = at(bytes, random);
    return spliced(bytes, from, from, bytes.subarray(from, from + uniformInt(random, 1, 64)));
  },
  (bytes, random) => {
    const text = INJECTED[uniformInt(random, 0, INJECTED.length - 1)] as string;
    const from = at(bytes, random);
    return spliced(bytes, from, random() < 0.5 ? from : Math.min(bytes.length, from + text.length), Buffer.from(text, 'latin1'));
  },
  (bytes, random, other) => {
    const from = at(bytes, random);
    const start = at(other, random);
    const length = uniformInt(random, 1, 256);
    return spliced(bytes, from, Math.min(bytes.length, from + length), other.subarray(start, start + length));
  },
  // Digits of a description: shapes, offsets, counts.
  (bytes, random) => {
    const start = at(bytes, random);
    for (let i = start; i < Math.min(bytes.length, start + 256); i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x30 && byte <= 0x39) {
        bytes[i] = uniformInt(random, 0x30, 0x39);
        break;
      }
    }
    return bytes;
  },
];

/** One to `most` of them. other: a file to take pieces from. Neither is changed. */
export function damaged(bytes: Uint8Array, other: Buffer, random: Random, most = 8): Buffer {
  let out: Buffer = Buffer.from(bytes);
  const count = uniformInt(random, 1, most);
  for (let i = 0; i < count; i++) out = Buffer.from((DAMAGES[uniformInt(random, 0, DAMAGES.length - 1)] as Damage)(out, random, other));
  return out;
}
