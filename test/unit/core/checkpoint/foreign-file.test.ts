/** What people take for a checkpoint: each is named, with the way to weights. Beginnings of files as their formats define them. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { expectRejection } from '../expect-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (...parts: (string | readonly number[])[]): Buffer =>
  Buffer.concat([...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))), Buffer.alloc(700)]);

/** A zip archive as archivers write it: deflated entries. */
function zipped(names: readonly string[], packed = true): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const name of names) {
    const content = Buffer.from('x'.repeat(50));
    const data = packed ? deflateRawSync(content) : content;
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(packed ? 8 : 0, 8);
    head.writeUInt32LE(crc32(content), 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt32LE(content.length, 22);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(packed ? 8 : 0, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    local.push(head, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(names.length, 8);
  end.writeUInt16LE(names.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, ...directory, end]);
}

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 375042383\n`;
const FILES: [name: string, content: Uint8Array, ...words: string[]][] = [
  ['empty.pth', Buffer.alloc(0), 'an empty file', 'did not begin'],
  ['pointer.pth', Buffer.from(POINTER), 'a pointer of Git LFS', '375042383 bytes', 'git lfs pull'],
  ['annex.pth', Buffer.from('/annex/objects/SHA256E-s375042383--00.pth\n'), 'git-annex', 'git annex get'],
  ['page.safetensors', Buffer.from('<!DOCTYPE html>\n<html><head><title>Sign in</title>'), 'a web page', '/resolve/'],
  ['page2.pth', Buffer.from('\n\n<html lang="en">'), 'a web page'],
  ['error.pth', Buffer.from('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'), 'XML'],
  ['config.json', Buffer.from('{"model_type": "sam"}\n'), 'JSON', 'beside it'],
  ['notes.txt', Buffer.from('Not found\n'), 'text that begins with "Not found"'],
  ['sam.pth.gz', gzipSync('weights'), 'gzip', 'Unpack it'],
  ['sam.tar', (() => { const tar = Buffer.alloc(1024); tar.write('sam.pth', 0); tar.write('ustar', 257); return tar; })(), 'a tar archive', 'Unpack it'], // prettier-ignore
  ['sam.bz2', bytes('BZh91AY&SY'), 'bzip2'],
  ['sam.xz', bytes([0xfd], '7zXZ', [0]), 'xz'],
  ['sam.zst', bytes([0x28, 0xb5, 0x2f, 0xfd]), 'Zstandard'],
  ['sam.gguf', bytes('GGUF', [3, 0, 0, 0]), 'GGUF'],
  ['sam.h5', bytes([0x89], 'HDF\r\n', [0x1a, 0x0a]), 'HDF5', 'TensorFlow and Keras are not read'],
  ['sam.tflite', bytes([0x1c, 0, 0, 0], 'TFL3'), 'TensorFlow Lite'],
  // ModelProto: ir_version = 8, producer_name = "pytorch"; without one: ir_version = 9, graph.
  ['sam.onnx', bytes([8, 8, 0x12, 7], 'pytorch'), 'an ONNX graph', 'checkpoint it was made from'],
  ['own.onnx', bytes([8, 9, 0x3a, 0x90, 0x40]), 'an ONNX graph'],
  // SavedModel: saved_model_schema_version = 1, meta_graphs.
  ['saved_model.pb', bytes([8, 1, 0x12, 0xd0, 0xb7, 0x1f, 0x0a]), 'a SavedModel of TensorFlow'],
  ['array.npy', bytes([0x93], 'NUMPY'), 'NumPy'],
  ['photo.png', bytes([0x89], 'PNG\r\n', [0x1a, 0x0a]), 'a document or an image'],
  ['library.so', bytes([0x7f], 'ELF'), 'a program or a library'],
  [
    'scripted.pt',
    zipped(['sam/data.pkl', 'sam/code/__torch__/sam.py', 'sam/constants.pkl'], false),
    'a TorchScript program',
    'torch.jit.load',
  ],
  ['scripted2.pt', zipped(['sam/code/__torch__/sam.py', 'sam/data.pkl']), 'a TorchScript program'],
  ['arrays.npz', zipped(['weight.npy'], false), 'an archive of NumPy arrays'],
  ['model.keras', zipped(['metadata.json', 'model.weights.h5']), 'Keras'],
  ['sam.zip', zipped(['sam/readme.txt', 'sam/sam_vit_b.pth']), 'a zip archive with "sam/sam_vit_b.pth" in it', 'Unpack it'],
  ['other.zip', zipped(['a.txt']), 'a zip archive', 'Unpack it'],
];

describe('CHECKPOINT_INVALID names a file that is something else', () => {
  it.each(FILES)('%s', async (name, content, ...words) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(path), name, ...words);
  });

  it('says of a safetensors file that was cut short that it was', async () => {
    const whole = safetensorsBytes({ weight: { dtype: 'F32', shape: [4], bytes: new Uint8Array(16) } });
    writeFileSync(join(folder, 'cut.safetensors'), whole.subarray(0, whole.length - 5));
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(join(folder, 'cut.safetensors')), 'cut.safetensors', 'cut short');
  });

  it('says of a folder what else is in it', async () => {
    const inside = join(folder, 'exported');
    mkdirSync(inside);
    writeFileSync(join(inside, 'encoder.onnx'), '');
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(inside), 'encoder.onnx', 'Name the file itself');
  });

  it('takes a sound file for what it is, whatever its first bytes look like', async () => {
    // 8 bytes of length that begin as an ONNX graph does, before a header that is padded to it.
    const plain = safetensorsBytes({ weight: { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) } });
    const header = Buffer.from(plain.subarray(8, plain.length - 8));
    for (const length of [0x0808, 0x0a08, 0x0508]) {
      const file = Buffer.alloc(8 + length + 8, ' ');
      file.writeBigUInt64LE(BigInt(length), 0);
      header.copy(file, 8);
      file.fill(0, 8 + length);
      writeFileSync(join(folder, 'odd.safetensors'), file);
      expect((await openCheckpoint(join(folder, 'odd.safetensors'))).tensors.get('weight')?.shape).toEqual([2]);
    }
  });
});
