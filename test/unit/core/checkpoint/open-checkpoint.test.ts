import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { safetensorsBytes } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../../../src/core/checkpoint/read-tensors.ts';
import { expectRejection } from '../expect-error.ts';
import { floatBytes } from './safetensors-file.ts';
import { dict, op, pickle, tensor, torchFile, tuple } from './torch-file.ts';

let folder = '';
const BYTES = safetensorsBytes(
  {
    'a.weight': { dtype: 'F32', shape: [2, 2], bytes: floatBytes(1, 2, 3, 4) },
    'b.bias': { dtype: 'F16', shape: [3], bytes: new Uint8Array(Uint16Array.of(0x3c00, 0xbc00, 0).buffer) },
    empty: { dtype: 'F32', shape: [0], bytes: new Uint8Array(0) },
  },
  { note: 'made by a test' },
);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'prosam-weights-')));
  await writeFile(join(folder, 'weights.safetensors'), BYTES);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function saved(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('openCheckpoint', () => {
  test('says where the file lies and what is in it', async () => {
    const weights = await openCheckpoint(join(folder, 'weights.safetensors'));
    expect({ folder: weights.folder, file: weights.file }).toEqual({ folder, file: 'weights.safetensors' });
    expect([...weights.tensors.keys()]).toEqual(['a.weight', 'b.bias', 'empty']);
    expect(weights.metadata).toEqual({ note: 'made by a test' });
    const entry = weights.tensors.get('a.weight')?.parts[0];
    expect([...BYTES.subarray(entry?.offset, (entry?.offset as number) + 16)]).toEqual([...floatBytes(1, 2, 3, 4)]);
  });

  test('is plain data that may cross to a worker', async () => {
    const weights = await openCheckpoint(join(folder, 'weights.safetensors'));
    expect(structuredClone(weights)).toEqual(weights);
  });

  test('follows links to the real folder and name', async () => {
    await mkdir(join(folder, 'links'), { recursive: true });
    await symlink(join(folder, 'weights.safetensors'), join(folder, 'links', 'other-name.safetensors'));
    await symlink(join(folder, 'links'), join(folder, 'linked-folder'));
    const weights = await openCheckpoint(join(folder, 'linked-folder', 'other-name.safetensors'));
    expect({ folder: weights.folder, file: weights.file }).toEqual({ folder, file: 'weights.safetensors' });
  });

  test('MODEL_NOT_FOUND: no file, a folder, a link to nothing', async () => {
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(join(folder, 'none.safetensors')), 'none.safetensors');
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(folder), 'folder');
    await symlink(join(folder, 'gone'), join(folder, 'dangling'));
    await expectRejection('MODEL_NOT_FOUND', openCheckpoint(join(folder, 'dangling')), 'dangling');
  });

  test('CHECKPOINT_INVALID: empty, shorter than a length, cut anywhere', async () => {
    for (const length of [0, 1, 7, 8, 20, BYTES.length - 1]) {
      const path = await saved('cut.safetensors', BYTES.subarray(0, length));
      await expectRejection('CHECKPOINT_INVALID', openCheckpoint(path), 'cut.safetensors');
    }
  });

  test('a header that claims gigabytes is refused before memory is asked for', async () => {
    const bytes = Buffer.alloc(64);
    bytes.writeBigUInt64LE(90_000_000n);
    const before = process.memoryUsage().arrayBuffers;
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(await saved('claims.safetensors', bytes)), '90000000');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
  });

  test('a PyTorch checkpoint is known by its bytes, whatever its name', async () => {
    const one = { shape: [1] };
    const path = await saved('model.safetensors', torchFile(pickle(dict({ w: tensor(one) })), { 0: floatBytes(2) }));
    expect(await readFloatTensors(await openCheckpoint(path))).toEqual(new Map([['w', { data: Float32Array.of(2), shape: [1] }]]));
  });

  test('CHECKPOINT_PICKLE: a pickle that would run code; CHECKPOINT_INVALID: the beginning of an archive', async () => {
    const harmful = pickle(op.global('os', 'system'), tuple(op.text('true')), op.reduce());
    await expectRejection('CHECKPOINT_PICKLE', openCheckpoint(await saved('model.bin', torchFile(harmful))), 'model.bin', 'os.system');
    const path = await saved('model.safetensors', Buffer.from('504b03040000080800000000', 'hex'));
    await expectRejection('CHECKPOINT_INVALID', openCheckpoint(path), 'model.safetensors');
  });
});

describe('readFloatTensors', () => {
  test('every tensor as float32, with its shape', async () => {
    const tensors = await readFloatTensors(await openCheckpoint(join(folder, 'weights.safetensors')));
    expect(tensors).toEqual(
      new Map([
        ['a.weight', { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }],
        ['b.bias', { data: Float32Array.of(1, -1, 0), shape: [3] }],
        ['empty', { data: new Float32Array(0), shape: [0] }],
      ]),
    );
  });

  test('only the named tensors where some are named', async () => {
    const weights = await openCheckpoint(join(folder, 'weights.safetensors'));
    expect([...(await readFloatTensors(weights, ['b.bias'])).keys()]).toEqual(['b.bias']);
  });

  test('CHECKPOINT_INVALID: a file that shrank since it was opened', async () => {
    const path = await saved('shrinks.safetensors', BYTES);
    const weights = await openCheckpoint(path);
    await writeFile(path, BYTES.subarray(0, BYTES.length - 3));
    await expectRejection('CHECKPOINT_INVALID', readFloatTensors(weights), 'shrinks.safetensors');
  });

  test('CHECKPOINT_INVALID: values of other types, naming the tensor', async () => {
    const path = await saved('ints.safetensors', safetensorsBytes({ count: { dtype: 'I64', shape: [], bytes: new Uint8Array(8) } }));
    await expectRejection('CHECKPOINT_INVALID', readFloatTensors(await openCheckpoint(path)), 'count', 'I64');
  });
});
