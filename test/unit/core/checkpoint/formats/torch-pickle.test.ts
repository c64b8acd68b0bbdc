import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTorchIndex } from '../../../../../src/core/checkpoint/formats/torch-pickle.ts';
import { tensorsOfFile } from '../../../../../src/core/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../../../../src/core/checkpoint/read-tensors.ts';
import { expectRejection } from '../../expect-error.ts';
import { floatBytes } from '../safetensors-file.ts';
import { dict, op, pickle, tensor, torchFile, tuple, zip } from '../torch-file.ts';

/*
 * The fixtures were written by PyTorch 2:
 *
 *   def content():
 *       table = torch.arange(8.)
 *       return {'epoch': 3, 'lr': 1e-4, 'note': 'x', 'done': None, 'state_dict': OrderedDict(
 *           **{'linear.weight': torch.arange(6.).reshape(2, 3), 'linear.bias': torch.tensor([0.5, -1])},
 *           half=torch.tensor([1.5, -2], dtype=torch.float16), brain=torch.tensor([1.5, -2], dtype=torch.bfloat16),
 *           double=torch.tensor([0.1], dtype=torch.float64), count=torch.tensor(7),
 *           tail=table[5:], head=table[:2].reshape(1, 2), parameter=torch.nn.Parameter(torch.tensor([9.])), empty=torch.zeros(0, 4))}
 *   torch.save(content(), 'zip.pth')
 *   torch.save(content(), 'legacy.pth', _use_new_zipfile_serialization=False)
 *   torch.save(linear.state_dict(), 'module.pth', pickle_protocol=4)   # Linear(2, 1) with weight [3, 4] and bias 5
 */
const FIXTURES = 'test/unit/core/checkpoint/fixtures';

let folder = '';
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'prosam-torch-')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function opened(bytes: Uint8Array): ReturnType<typeof openCheckpoint> {
  const path = join(folder, 'some.pth');
  await writeFile(path, bytes);
  return openCheckpoint(path);
}

describe.each(['zip.pth', 'legacy.pth'])('a checkpoint written by PyTorch, %s', (name) => {
  test('gives the weights of its state_dict alone, each where it lies in the file', async () => {
    const weights = await openCheckpoint(`${FIXTURES}/${name}`);
    expect([...weights.tensors].map(([tensorName, { dtype, shape }]) => [tensorName, dtype, shape])).toEqual([
      ['linear.weight', 'F32', [2, 3]],
      ['linear.bias', 'F32', [2]],
      ['half', 'F16', [2]],
      ['brain', 'BF16', [2]],
      ['double', 'F64', [1]],
      ['count', 'I64', []],
      ['tail', 'F32', [3]],
      ['head', 'F32', [1, 2]],
      ['parameter', 'F32', [1]],
      ['empty', 'F32', [0, 4]],
    ]);
    const { offset, byteLength } = weights.tensors.get('linear.weight')?.parts[0] as { offset: number; byteLength: number };
    const bytes = readFileSync(`${FIXTURES}/${name}`).subarray(offset, offset + byteLength);
    expect(Buffer.from(floatBytes(0, 1, 2, 3, 4, 5)).equals(bytes)).toBe(true);
    expect(structuredClone(weights)).toEqual(weights);
  });

  test('its values as float32, whatever floating point they are of', async () => {
    const weights = await openCheckpoint(`${FIXTURES}/${name}`);
    const names = [...weights.tensors.keys()].filter((one) => one !== 'count');
    const values = await readFloatTensors(weights, names);
    expect([...values].map(([one, { data }]) => [one, [...data]])).toEqual([
      ['linear.weight', [0, 1, 2, 3, 4, 5]],
      ['linear.bias', [0.5, -1]],
      ['half', [1.5, -2]],
      ['brain', [1.5, -2]],
      ['double', [Math.fround(0.1)]],
      ['tail', [5, 6, 7]],
      ['head', [0, 1]],
      ['parameter', [9]],
      ['empty', []],
    ]);
    await expectRejection('CHECKPOINT_INVALID', readFloatTensors(weights, ['count']), 'count', 'I64');
  });

  test('cut short anywhere it is refused', async () => {
    const bytes = readFileSync(`${FIXTURES}/${name}`);
    for (let length = 0; length < bytes.length; length += 7) {
      const part = bytes.subarray(0, length);
      await expectRejection('CHECKPOINT_INVALID', opened(part), 'some.pth');
    }
  });
});

describe('readTorchIndex', () => {
  test('reads the attributes of a module state as well as its tensors (protocol 4)', async () => {
    const values = await readFloatTensors(await openCheckpoint(`${FIXTURES}/module.pth`));
    expect(values).toEqual(
      new Map([
        ['weight', { data: Float32Array.of(3, 4), shape: [1, 2] }],
        ['bias', { data: Float32Array.of(5), shape: [1] }],
      ]),
    );
  });

  test('joins nested names, also of lists, and leaves out what is no tensor', async () => {
    const one = tensor({ shape: [1] });
    const inner = dict({ b: one, c: op.list(), d: op.text('words') });
    const list = Buffer.concat([op.list(), one, op.append(), op.none(), op.append()]);
    const weights = await opened(torchFile(pickle(dict({ a: inner, epoch: op.int(4), list })), { 0: floatBytes(1) }));
    expect([...weights.tensors.keys()]).toEqual(['a.b', 'list.0']);
  });

  test('unwraps wrappers in wrappers, and no wrapper that is a tensor', async () => {
    const one = tensor({ shape: [1] });
    const data = { 0: floatBytes(1) };
    const twice = await opened(
      torchFile(pickle(dict({ model: dict({ state_dict: dict({ w: one }) }), optimizer: dict({ x: one }) })), data),
    );
    expect([...twice.tensors.keys()]).toEqual(['w']);
    const plain = await opened(torchFile(pickle(dict({ model: one, x: one })), data));
    expect([...plain.tensors.keys()]).toEqual(['model', 'x']);
  });

  test('takes pairs for an OrderedDict and plain strings, as Python 2 wrote them', async () => {
    const name = Buffer.concat([Buffer.of(0x55, 1), Buffer.from('w')]); // SHORT_BINSTRING
    const pair = Buffer.concat([op.list(), name, op.append(), tensor({ shape: [1] }), op.append()]);
    const pairs = Buffer.concat([op.list(), pair, op.append()]);
    const ordered = Buffer.concat([op.global('collections', 'OrderedDict'), tuple(pairs), op.reduce()]);
    expect([...(await opened(torchFile(pickle(ordered), { 0: floatBytes(1) }))).tensors.keys()]).toEqual(['w']);
  });

  test('steps along axes of one value do not matter', async () => {
    const data = { 0: floatBytes(1, 2, 3) };
    const weights = await opened(torchFile(pickle(dict({ w: tensor({ shape: [3, 1, 1], strides: [1, 7, 0] }) })), data));
    expect(weights.tensors.get('w')).toMatchObject({ shape: [3, 1, 1], byteLength: 12 });
  });

  test.each([
    ['a transposed view', { shape: [2, 3], strides: [1, 2] }, 'contiguous'],
    ['one value repeated', { shape: [6], strides: [0] }, 'contiguous'],
    ['more values than stored', { shape: [7], count: 6 }, 'larger than its storage'],
    ['values past the end', { shape: [6], first: 1, count: 6 }, 'larger than its storage'],
    ['another size than stored', { shape: [5] }, '20 bytes, takes 24'],
    ['no such storage', { shape: [6], key: '1' }, 'lacks the storage'],
    ['a path for a key', { shape: [6], key: '../0' }, 'lacks the storage'],
    ['negative sizes', { shape: [-2, -3], count: 6 }, 'unknown way'],
    ['other strides than sizes', { shape: [2, 3], strides: [1] }, 'unknown way'],
    ['a negative start', { shape: [6], first: -1 }, 'unknown way'],
    ['17 axes', { shape: [6, ...Array.from({ length: 16 }, () => 1)] }, 'unknown way'],
  ])('CHECKPOINT_INVALID: %s', async (_, hand, words) => {
    const file = torchFile(pickle(dict({ 'some.weight': tensor(hand) })), { 0: floatBytes(1, 2, 3, 4, 5, 6) });
    await expectRejection('CHECKPOINT_INVALID', opened(file), 'some.pth', words);
  });

  test('CHECKPOINT_INVALID: nothing in it, a tensor without a name, one name twice, a name without end', async () => {
    const one = tensor({ shape: [1] });
    const data = { 0: floatBytes(1) };
    for (const [contents, words] of [
      [op.dict(), 'no tensors'],
      [one, 'without a name'],
      [dict({ 'a.b': one, a: dict({ b: one }) }), 'appears twice'],
      [dict({ ['x'.repeat(1001)]: one }), 'longer than'],
    ] as const)
      await expectRejection('CHECKPOINT_INVALID', opened(torchFile(pickle(contents), data)), words);
  });

  test('CHECKPOINT_INVALID: a big-endian machine, no pickle, two pickles', async () => {
    const data = pickle(dict({}));
    const big = zip([
      { name: 'a/data.pkl', bytes: data },
      { name: 'a/byteorder', bytes: Buffer.from('big') },
    ]);
    await expectRejection('CHECKPOINT_INVALID', opened(big), 'little-endian');
    await expectRejection('CHECKPOINT_INVALID', opened(zip([{ name: 'a/other.pkl', bytes: data }])), 'a zip archive');
    const two = ['a', 'b'].map((name) => ({ name: `${name}/data.pkl`, bytes: data }));
    await expectRejection('CHECKPOINT_INVALID', opened(zip(two)), '2 pickles');
  });

  test('CHECKPOINT_INVALID: a small file whose tensors would fill all memory', async () => {
    const shared = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`w${i}`, tensor({ shape: [4000] })]));
    const bytes = torchFile(pickle(dict(shared)), { 0: new Uint8Array(16_000) });
    await expectRejection('CHECKPOINT_INVALID', opened(bytes), 'more tensors than');
  });

  test('reads the same from anything that gives bytes', async () => {
    const bytes = readFileSync(`${FIXTURES}/zip.pth`);
    const index = await readTorchIndex((offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)), bytes.length, 'x');
    expect(tensorsOfFile(index, 'zip.pth')).toEqual((await openCheckpoint(`${FIXTURES}/zip.pth`)).tensors);
  });
});
