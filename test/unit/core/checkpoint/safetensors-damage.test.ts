/** Everything that can be wrong with a safetensors file, and files that are something else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginsLikePickle,
  parseSafetensors,
  safetensorsBytes,
  safetensorsHeaderLength,
} from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import { expectCode } from '../expect-error.ts';
import { fileWithHeader, floatBytes } from './safetensors-file.ts';

const GOOD = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const TWO = floatBytes(1, 2);
const one = (change: Record<string, unknown>): Uint8Array => fileWithHeader({ w: { ...GOOD, ...change } }, TWO);
const lengthOf = (length: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(length);
  return bytes;
};
const text = (json: string): Uint8Array => fileWithHeader(json, TWO);
const second = (begin: number, end: number, shape = [1]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

test('the file that the damage below is done to is sound', () => {
  expect(parseSafetensors(one({}), 'file').tensors.size).toBe(1);
});

describe('CHECKPOINT_INVALID', () => {
  const damaged: [problem: string, bytes: Uint8Array, message: RegExp][] = [
    ['no bytes', new Uint8Array(0), /at least 8 bytes, got 0/],
    ['seven bytes', new Uint8Array(7), /got 7/],
    ['a header longer than the file', Buffer.concat([lengthOf(100n), Buffer.from('{}')]), /claims 100 bytes in a file of 10/],
    ['a header one byte too long', Buffer.concat([lengthOf(3n), Buffer.from('{}')]), /claims 3 bytes/],
    ['a header beyond the bound of the format', lengthOf(100_000_001n), /claims 100000001/],
    ['a header of 2^64 - 1 bytes', lengthOf(2n ** 64n - 1n), /claims 18446744073709551615/],
    ['a header one byte too short', Buffer.concat([lengthOf(1n), Buffer.from('{}')]), /not JSON/],
    ['a header of no bytes', Buffer.concat([lengthOf(0n), TWO]), /not JSON/],
    ['no JSON', text('{"w": '), /not JSON/],
    ['no UTF-8', Buffer.concat([lengthOf(9n), Buffer.from('{"\xff": {}}', 'latin1')]), /not JSON/],
    ['a list', text('[]'), /not a JSON object/],
    ['null', text('null'), /not a JSON object/],
    ['a number', text('7'), /not a JSON object/],
    ['a name twice', text(`{"w": ${JSON.stringify(GOOD)}, "w": ${JSON.stringify(GOOD)}}`), /"w" appears twice/],
    ['a name twice, once escaped', text(`{"w": ${JSON.stringify(GOOD)}, "\\u0077": ${JSON.stringify(GOOD)}}`), /"w" appears twice/],
    ['metadata twice', text(`{"__metadata__": {}, "w": ${JSON.stringify(GOOD)}, "__metadata__": {}}`), /twice/],
    ['metadata of numbers', fileWithHeader({ __metadata__: { a: 1 }, w: GOOD }, TWO), /__metadata__/],
    ['metadata as a list', fileWithHeader({ __metadata__: ['a'], w: GOOD }, TWO), /__metadata__/],
    ['metadata as text', fileWithHeader({ __metadata__: 'a', w: GOOD }, TWO), /__metadata__/],
    ['metadata null', fileWithHeader({ __metadata__: null, w: GOOD }, TWO), /__metadata__/],
    ['a tensor null', fileWithHeader({ w: null }, TWO), /"w" has no description/],
    ['a tensor as a list', fileWithHeader({ w: [] }, TWO), /"w" has no description/],
    ['an unknown type', one({ dtype: 'F8' }), /"w" has the unknown dtype "F8"/],
    ['a type in lower case', one({ dtype: 'f32' }), /unknown dtype/],
    ['a type every object has', one({ dtype: 'toString' }), /unknown dtype/],
    ['a type that is no text', one({ dtype: { toString: 1, valueOf: 1 } }), /unknown dtype/],
    ['no type', one({ dtype: undefined }), /unknown dtype/],
    ['another type of other width', one({ dtype: 'F64' }), /takes 16 bytes/],
    ['no shape', one({ shape: undefined }), /shape/],
    ['a shape that is a number', one({ shape: 2 }), /shape/],
    ['a negative size', one({ shape: [-2] }), /shape/],
    ['two negative sizes', one({ shape: [-1, -2] }), /shape/],
    ['a fractional size', one({ shape: [0.5, 4] }), /shape/],
    ['a size as text', one({ shape: ['2'] }), /shape/],
    ['sizes whose product is past counting', one({ shape: [2 ** 53 - 1, 2 ** 53 - 1] }), /takes/],
    ['sizes whose product overflows to what would fit', one({ shape: [2 ** 32, 2 ** 32] }), /takes/],
    ['sizes whose product is endless', one({ shape: Array(40).fill(2 ** 53 - 1) }), /takes/],
    ['a size past counting', text('{"w":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}}'), /shape/],
    ['no offsets', one({ data_offsets: undefined }), /data_offsets/],
    ['one offset', one({ data_offsets: [8] }), /data_offsets/],
    ['three offsets', one({ data_offsets: [0, 8, 8] }), /data_offsets/],
    ['negative offsets', one({ data_offsets: [-8, 0] }), /data_offsets/],
    ['fractional offsets', one({ data_offsets: [0.5, 8.5] }), /data_offsets/],
    ['offsets in reverse', one({ data_offsets: [8, 0] }), /its offsets give -8/],
    ['offsets of another length', one({ data_offsets: [0, 4] }), /takes 8 bytes, its offsets give 4/],
    ['offsets past the end', one({ data_offsets: [4, 12] }), /ends at byte/],
    ['offsets far past the end', one({ data_offsets: [2 ** 52, 2 ** 52 + 8] }), /ends at byte/],
    ['tensors that overlap', fileWithHeader({ w: GOOD, v: second(4, 8) }, TWO), /overlaps/],
    ['tensors on the same bytes', fileWithHeader({ w: GOOD, v: GOOD }, TWO), /overlaps/],
    ['an empty tensor inside another', fileWithHeader({ w: GOOD, v: second(4, 4, [0]) }, TWO), /overlaps/],
    ['a gap in front', fileWithHeader({ v: second(4, 8) }, TWO), /leaves a gap/],
    ['a gap between', fileWithHeader({ v: second(0, 4), w: second(8, 12) }, floatBytes(1, 2, 3)), /leaves a gap/],
    ['bytes behind the last tensor', Buffer.concat([one({}), Buffer.of(0)]), /1 bytes after the last tensor/],
    ['bytes and no tensor', fileWithHeader({}, TWO), /8 bytes after/],
    ['bytes missing at the end', one({}).subarray(0, -1), /ends at byte/],
  ];
  test.each(damaged)('%s', (_, bytes, message) => {
    const error = expectCode('CHECKPOINT_INVALID', () => parseSafetensors(bytes, 'some/file.safetensors'), message);
    expect(error.message).toContain('some/file.safetensors');
  });

  test('deep nesting does not overflow the stack', () => {
    expectCode('CHECKPOINT_INVALID', () => parseSafetensors(text('['.repeat(200_000) + ']'.repeat(200_000)), 'file'));
    expectCode('CHECKPOINT_INVALID', () => parseSafetensors(text('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)), 'file'));
  });
});

describe('CHECKPOINT_PICKLE', () => {
  const pickles: [name: string, bytes: Buffer][] = [
    ['torch.save since 1.6 (a zip)', Buffer.from('504b0304000008080000', 'hex')],
    ['torch.save before 1.6', Buffer.from('80028a0a6cfc9c46f920', 'hex')],
    // pickle.dumps({'a': 1}, protocol)
    ['a bare pickle, protocol 2', Buffer.from('80027d710058010000006171014b01732e', 'hex')],
    ['a bare pickle, protocol 3', Buffer.from('80037d710058010000006171014b01732e', 'hex')],
    ['a bare pickle, protocol 4', Buffer.from('8004950a000000000000007d948c0161944b01732e', 'hex')],
    ['a bare pickle, protocol 5', Buffer.from('8005950a000000000000007d948c0161944b01732e', 'hex')],
    // pickle.dumps('', 4): its first eight bytes would be a header length just below the bound
    ['a small pickle, protocol 4', Buffer.from('80049504000000000000008c00942e', 'hex')],
    ['a pickle of fewer than eight bytes', Buffer.from('80024e2e', 'hex')],
  ];
  test.each(pickles)('%s', (_, bytes) => {
    expectCode('CHECKPOINT_PICKLE', () => parseSafetensors(bytes, 'model.pth'), 'model.pth', 'run code', 'safetensors');
  });

  test('a header whose length happens to start like a pickle is read as a header', () => {
    for (const start of [0x0280, 0x0480]) {
      const header = JSON.stringify({ w: GOOD }).padEnd(start);
      expect(parseSafetensors(fileWithHeader(header, TWO), 'file').tensors.size).toBe(1);
    }
    expect(safetensorsHeaderLength(lengthOf(0x0195_0480n), 2 ** 30, 'file')).toBe(0x0195_0480);
    // A zip's first bytes are a length that a file of a gigabyte can have: the ninth byte tells.
    const zip = lengthOf(0x0403_4b50n);
    expect(beginsLikePickle(Buffer.concat([zip, Buffer.of(0)]), 2 ** 30)).toBe(true);
    expect(beginsLikePickle(Buffer.concat([zip, Buffer.from('{')]), 2 ** 30)).toBe(false);
  });
});

describe('fuzz: a sound index whose every byte is spoken for, or one of two codes', () => {
  function check(bytes: Uint8Array): void {
    try {
      const { tensors } = parseSafetensors(bytes, 'file');
      const spoken = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      const start = Math.min(bytes.length, ...[...tensors.values()].map(({ offset }) => offset));
      expect(start + spoken).toBe(bytes.length);
    } catch (error) {
      if (!isProsamError(error)) throw error;
      expect(error.code).toMatch(/^CHECKPOINT_(INVALID|PICKLE)$/);
    }
  }

  test('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 500 });
  });

  test('headers of random text and random JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.uint8Array({ maxLength: 16 }), (header, data) =>
        check(fileWithHeader(header, data)),
      ),
      { numRuns: 500 },
    );
  });

  test('descriptions of random values', () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.double(), fc.maxSafeInteger());
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'U8', 'F16'), fc.anything()),
        shape: fc.oneof(fc.array(number, { maxLength: 3 }), fc.anything()),
        data_offsets: fc.oneof(fc.tuple(number, number), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(fc.constantFrom('a', 'b', '__metadata__', '__proto__', ''), fc.oneof(entry, fc.anything()), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 16 }), (drawn, data) => {
        // What JSON cannot hold (BigInt, cycles) cannot stand in a header.
        const json = JSON.stringify(drawn, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
        check(fileWithHeader(json, data));
      }),
      { numRuns: 1000 },
    );
  });

  test('a sound file with a few bytes changed, or cut', () => {
    const whole = safetensorsBytes(
      { a: { dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16) }, b: { dtype: 'U8', shape: [3], bytes: new Uint8Array(3) } },
      { format: 'pt' },
    );
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.nat(whole.length), (changes, cut) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        check(bytes);
        check(bytes.subarray(0, cut));
      }),
      { numRuns: 1000 },
    );
  });
});
