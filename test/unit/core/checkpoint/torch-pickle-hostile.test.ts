/** Pickles that want more than weights. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTorchIndex } from '../../../../src/core/checkpoint/formats/torch-pickle.ts';
import type { SafetensorsIndex } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { isProsamError, ProsamError } from '../../../../src/core/common/errors.ts';
import { expectRejection } from '../expect-error.ts';
import { floatBytes } from './safetensors-file.ts';
import { dict, op, pickle, tensor, torchFile, tuple } from './torch-file.ts';

function indexOf(bytes: Uint8Array): Promise<SafetensorsIndex> {
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < 0 || offset + length > bytes.length)
      return Promise.reject(new ProsamError('CHECKPOINT_INVALID', 'some.pth: read past the end'));
    return Promise.resolve(bytes.subarray(offset, offset + length));
  };
  return readTorchIndex(read, bytes.length, 'some.pth');
}

/** Both formats: in an archive, and as a bare pickle where the older format would begin. */
function inBoth(...parts: Uint8Array[]): Promise<SafetensorsIndex>[] {
  return [indexOf(torchFile(pickle(...parts))), indexOf(pickle(...parts))];
}

const ORDERED = [op.global('collections', 'OrderedDict'), op.emptyTuple(), op.reduce()];

describe('CHECKPOINT_PICKLE: the message says what was found and what to do', () => {
  test.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['torch', 'load'],
    ['torch._utils', '_rebuild_tensor'],
    ['torch._utils', '_rebuild_tensor_v2.__globals__'],
    ['collections', 'OrderedDict.fromkeys'],
    ['torch', 'FloatStorage.from_file'],
    ['__proto__', 'constructor'],
    ['', 'toString'],
    ['models.resnet', 'ResNet'],
    ['torch', 'ComplexFloatStorage'],
  ])('a reference to %s.%s, before it could be called', async (module, name) => {
    const words = ['some.pth', `${module}.${name}`, 'state_dict', 'safetensors'];
    for (const run of inBoth(op.global(module, name))) await expectRejection('CHECKPOINT_PICKLE', run, ...words);
    const onStack = [op.text(module), op.text(name), Buffer.of(0x93)];
    for (const run of inBoth(...onStack)) await expectRejection('CHECKPOINT_PICKLE', run, ...words);
  });

  test.each<[string, Uint8Array[], string]>([
    ['a storage type is no function', [op.global('torch', 'FloatStorage'), op.emptyTuple(), op.reduce()], 'a call of torch.FloatStorage'],
    ['a tensor is no function', [op.dict(), op.emptyTuple(), op.reduce()], 'not a known function'],
    ['a dictionary that sets its state', [op.dict(), op.dict(), op.build()], 'its own state'],
    ['a function that gets state', [op.global('collections', 'OrderedDict'), op.dict(), op.build()], 'its own state'],
    ['slots', [...ORDERED, tuple(op.none(), op.dict()), op.build()], 'its own state'],
    ['a new object', [op.global('collections', 'OrderedDict'), op.emptyTuple(), Buffer.of(0x81)], '0x81'],
    ['an old-style instance', [op.mark(), Buffer.from('ios\nsystem\n')], '0x69'],
    ['an extension', [Buffer.of(0x82, 1)], '0x82'],
    ['a textual id', [Buffer.from('Pfile\n')], '0x50'],
    ['protocol 0', [Buffer.from('I1\n')], '0x49'],
    ['another protocol', [Buffer.of(0x80, 6)], 'protocol 6'],
    ['a tuple for a key', [op.dict(), op.emptyTuple(), op.none(), op.setItem()], 'for a key'],
  ])('%s', async (_, parts, words) => {
    for (const run of inBoth(...parts)) await expectRejection('CHECKPOINT_PICKLE', run, 'some.pth', words);
  });

  test('a pickle that torch.save did not write', async () => {
    await expectRejection('CHECKPOINT_PICKLE', indexOf(pickle(dict({ a: op.int(1) }))), 'did not write');
  });
});

describe('CHECKPOINT_INVALID', () => {
  const big = Buffer.from('X0000');
  big.writeUInt32LE(0xfffffff0, 1);
  const many = (count: number, part: Uint8Array): Uint8Array => Buffer.concat(Array.from({ length: count }, () => part));

  test.each<[string, Uint8Array[], string]>([
    ['nothing to take', [], 'not there'],
    ['a mark where a value should be', [op.mark()], 'not there'],
    ['a list never opened', [op.tuple()], 'never opened'],
    ['a value never remembered', [op.get(3)], 'never remembered'],
    ['nothing to remember', [op.put(0)], 'not there'],
    ['appending to a number', [op.int(1), op.int(2), op.append()], 'not a list'],
    ['items of a list', [op.list(), op.int(1), op.int(2), op.setItem()], 'not a dictionary'],
    ['a key without a value', [op.dict(), op.mark(), op.int(1), op.setItems()], 'not a dictionary'],
    ['text of four gigabytes', [big], 'ends too early'],
    ['text that is not UTF-8', [Buffer.from([0x8c, 2, 0xc3, 0x28])], 'UTF-8'],
    ['a name without end', [Buffer.from(`c${'x'.repeat(5000)}`)], 'without end'],
    ['a storage without a description', [op.int(1), op.persid()], 'without describing'],
    ['a storage of another kind', [tuple(op.text('file'), op.text('/etc/passwd')), op.persid()], 'unknown way'],
    ['a tensor of nothing', [op.global('torch._utils', '_rebuild_tensor_v2'), op.emptyTuple(), op.reduce()], 'unknown way'],
    ['a parameter of text', [op.global('torch._utils', '_rebuild_parameter'), tuple(op.text('x')), op.reduce()], 'no tensor'],
    ['an OrderedDict of a number', [op.global('collections', 'OrderedDict'), tuple(op.int(1)), op.reduce()], 'pairs'],
    ['a call without arguments', [op.global('collections', 'OrderedDict'), op.none(), op.reduce()], 'without arguments'],
    ['a deep pile', [many(30_000, op.mark())], '20000 values'],
  ])('%s', async (_, parts, words) => {
    for (const run of inBoth(...parts)) await expectRejection('CHECKPOINT_INVALID', run, 'some.pth', words);
  });

  test('a million steps and no end', async () => {
    const step = Buffer.concat([op.none(), op.append()]);
    await expectRejection('CHECKPOINT_INVALID', indexOf(torchFile(pickle(op.list(), many(500_001, step)))), '1000000 steps');
  });

  test('dictionaries that hold themselves, and few that unfold to many', async () => {
    const self = [op.dict(), op.put(0), op.text('a'), op.get(0), op.setItem()];
    await expectRejection('CHECKPOINT_INVALID', indexOf(torchFile(pickle(...self))), 'without end');
    // Fifteen lists, each holding the one before ten times.
    const nest: Uint8Array[] = [op.list(), op.put(0)];
    for (let depth = 1; depth < 15; depth++) nest.push(op.list(), many(10, Buffer.concat([op.get(depth - 1), op.append()])), op.put(depth));
    await expectRejection('CHECKPOINT_INVALID', indexOf(torchFile(pickle(...nest))), 'without end');
  });

  test('a pickle of 17 megabytes is refused before it is read', async () => {
    const bytes = torchFile(Buffer.alloc(17 << 20));
    await expectRejection('CHECKPOINT_INVALID', indexOf(bytes), 'more than the 16777216');
  });

  test('numbers beyond 2^53 are no sizes', async () => {
    const huge = op.long(0, 0, 0, 0, 0, 0, 0, 0, 1);
    const id = tuple(op.text('storage'), op.global('torch', 'FloatStorage'), op.text('0'), op.text('cpu'), huge);
    for (const run of inBoth(id, op.persid())) await expectRejection('CHECKPOINT_INVALID', run, 'unknown way');
  });

  test('the older format from a big-endian machine, with a wrong number, or with wrong storages', async () => {
    const magic = pickle(op.long(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19));
    const version = pickle(Buffer.of(0x4d, 0xe9, 3));
    const machine = pickle(dict({ little_endian: Buffer.of(0x88) }));
    const weights = pickle(dict({ w: tensor({ shape: [1] }) }));
    const keys = pickle(op.list(), op.text('0'), op.append());
    const count = Buffer.from(new BigInt64Array([1n]).buffer);
    const file = (...parts: Uint8Array[]): Promise<SafetensorsIndex> => indexOf(Buffer.concat(parts));
    expect((await file(magic, version, machine, weights, keys, count, floatBytes(1))).tensors.get('w')).toMatchObject({
      dtype: 'F32',
      shape: [1],
    });
    const cases: [Uint8Array[], string][] = [
      [[magic, pickle(op.int(1000))], '1001'],
      [[magic, version, pickle(dict({ little_endian: Buffer.of(0x89) }))], 'little-endian'],
      [[magic, version, machine, weights, pickle(op.none())], 'list its storages'],
      [[magic, version, machine, weights, pickle(op.list(), op.text('1'), op.append())], 'no tensor uses'],
      [[magic, version, machine, weights, pickle(op.list()), count], 'missing'],
      [[magic, version, machine, weights, keys, Buffer.from(new BigInt64Array([2n]).buffer), floatBytes(1, 2)], 'another length'],
      [[magic, version, machine, weights, keys, count, floatBytes(1).subarray(1)], 'after the file'],
    ];
    for (const [parts, words] of cases) await expectRejection('CHECKPOINT_INVALID', file(...parts), words);
  });
});

describe('whatever stands in the file, it is read or refused', () => {
  const settled = async (bytes: Uint8Array): Promise<void> => {
    try {
      for (const { offset, byteLength } of (await indexOf(bytes)).tensors.values())
        expect(offset + byteLength).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      if (!isProsamError(error)) throw error;
    }
  };

  test('random instructions', async () => {
    const part = fc.oneof(
      fc.constantFrom(
        ...[
          op.mark,
          op.none,
          op.persid,
          op.reduce,
          op.build,
          op.dict,
          op.list,
          op.emptyTuple,
          op.tuple,
          op.setItem,
          op.setItems,
          op.append,
        ].map((make) => make()),
        op.global('collections', 'OrderedDict'),
        op.global('torch._utils', '_rebuild_tensor_v2'),
        op.global('torch._utils', '_rebuild_parameter'),
        op.global('torch', 'FloatStorage'),
        op.text('storage'),
        op.text('0'),
        tensor({ shape: [1] }),
        Buffer.of(0x86),
      ),
      fc.nat(3).map(op.put),
      fc.nat(3).map(op.get),
      fc.integer({ min: -2, max: 9 }).map(op.int),
      fc.nat(255).map((byte) => Buffer.of(byte)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 40 }), (parts) => settled(torchFile(pickle(...parts), { 0: floatBytes(1) }))),
      { numRuns: 2000 },
    );
  });

  test.each(['zip.pth', 'legacy.pth', 'module.pth'])('changed bytes of %s', async (name) => {
    const sound = readFileSync(`test/unit/core/checkpoint/fixtures/${name}`);
    const changes = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(changes, (all) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of all) bytes[at] = value;
        return settled(bytes);
      }),
      { numRuns: 1500 },
    );
  });
});
