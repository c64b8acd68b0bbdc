import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { floatFromHalf } from '../../../../../src/core/common/half.ts';
import {
  floatsFromTensor,
  parseSafetensors,
  safetensorsBytes,
  type Dtype,
  type TensorEntry,
  type TensorToWrite,
} from '../../../../../src/core/checkpoint/formats/safetensors.ts';
import { expectCode } from '../../expect-error.ts';
import { fileWithHeader, floatBytes } from '../safetensors-file.ts';

const SIZES: Record<Dtype, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

const anyTensor = fc
  .tuple(fc.constantFrom(...(Object.keys(SIZES) as Dtype[])), fc.array(fc.nat(4), { maxLength: 4 }))
  .chain(([dtype, shape]) => {
    const length = shape.reduce((product, size) => product * size, SIZES[dtype]);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes): TensorToWrite => ({ dtype, shape, bytes }));
  });
const anyName = fc
  .oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', 'constructor', 'toString', '7', '', 'a"b', 'x: {'),
  )
  .filter((name) => name !== '__metadata__' && !name.includes('\\')); // after a backslash JSON.parse may misread others: see below
const anyTensors = fc.dictionary(anyName, anyTensor, { maxKeys: 6 });
const anyMetadata = fc.dictionary(
  fc.string({ maxLength: 8 }).filter((name) => !name.includes('\\')),
  fc.string({ maxLength: 8 }),
  { maxKeys: 3 },
);

describe('safetensors', () => {
  test('what is written is read back: names, types, shapes, bytes and metadata', () => {
    fc.assert(
      fc.property(anyTensors, anyMetadata, (tensors, metadata) => {
        const file = safetensorsBytes(tensors, metadata);
        const { tensors: found, metadata: foundMetadata } = parseSafetensors(file, 'file');
        expect([...found.keys()].toSorted()).toEqual(Object.keys(tensors).toSorted());
        expect({ ...foundMetadata }).toEqual({ ...metadata });
        for (const [name, { dtype, shape, offset, byteLength }] of found) {
          const wanted = tensors[name] as TensorToWrite;
          expect({ dtype, shape }).toEqual({ dtype: wanted.dtype, shape: wanted.shape });
          expect(Buffer.from(file.subarray(offset, offset + byteLength)).equals(wanted.bytes)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a name is read as written or refused, whatever JSON.parse makes of it (nodejs/node#63785)', () => {
    const one: TensorToWrite = { dtype: 'U8', shape: [1], bytes: Uint8Array.of(7) };
    const namesIn = (names: readonly string[]): string[] | string => {
      const file = safetensorsBytes(Object.fromEntries(names.map((name) => [name, one])));
      try {
        return [...parseSafetensors(file, 'file').tensors.keys()];
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(namesIn(['a', 'b\\'])).toEqual(['a', 'b\\']);
    const escaped = namesIn(['a', 'b"']);
    if (typeof escaped === 'string') expect(escaped).toContain('misread by this JavaScript engine');
    else expect(escaped).toEqual(['a', 'b"']);
  });

  test('the data starts at a multiple of 8, tensors in the order of their names', () => {
    const file = safetensorsBytes({
      b: { dtype: 'U8', shape: [1], bytes: Uint8Array.of(2) },
      a: { dtype: 'U8', shape: [3], bytes: Uint8Array.of(1, 1, 1) },
    });
    const { tensors } = parseSafetensors(file, 'file');
    const offset = (tensors.get('a') as TensorEntry).offset;
    expect(offset % 8).toBe(0);
    expect(tensors.get('b')?.offset).toBe(offset + 3);
    expect([...file.subarray(offset)]).toEqual([1, 1, 1, 2]);
  });

  test('writing refuses bytes that do not fit the shape, and the one name that is taken', () => {
    const bytes = new Uint8Array(8);
    expectCode('CHECKPOINT_INVALID', () => safetensorsBytes({ w: { dtype: 'F32', shape: [3], bytes } }), 'w', '12 bytes', 'got 8');
    expectCode('CHECKPOINT_INVALID', () => safetensorsBytes({ __metadata__: { dtype: 'F32', shape: [2], bytes } }), '__metadata__');
  });

  test('a file by anyone else: any order, spaces, no metadata, no tensors', () => {
    const header = ' {"b":{"shape":[1],"data_offsets":[4,8],"dtype":"F32"} , "a" : {"dtype":"F32","shape":[],"data_offsets":[0,4]}}   ';
    const { tensors } = parseSafetensors(fileWithHeader(header, floatBytes(1, 2)), 'file');
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect(tensors.get('a')).toMatchObject({ shape: [], byteLength: 4, offset: 8 + header.length });
    expect(parseSafetensors(fileWithHeader({}), 'file')).toEqual({ tensors: new Map(), metadata: {} });
    expect(parseSafetensors(fileWithHeader({ __metadata__: { format: 'pt' } }), 'file').metadata).toEqual({ format: 'pt' });
  });

  test('a tensor may be called __proto__ and stays a tensor', () => {
    const header = '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const { tensors } = parseSafetensors(fileWithHeader(header, floatBytes(5)), 'file');
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(({} as { dtype?: unknown }).dtype).toBeUndefined();
  });

  test('tensors without values lie between others', () => {
    const header = {
      a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      none: { dtype: 'F32', shape: [0, 7], data_offsets: [4, 4] },
      b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
    };
    expect(parseSafetensors(fileWithHeader(header, floatBytes(1, 2)), 'file').tensors.get('none')?.byteLength).toBe(0);
  });

  test('text that looks like keys inside names is not taken for keys', () => {
    const entry = { dtype: 'F32', shape: [1] };
    const header = {
      'a": 1, "b': { ...entry, data_offsets: [0, 4] },
      b: { ...entry, data_offsets: [4, 8] },
      '\\"': { ...entry, data_offsets: [8, 12] },
    };
    expect(parseSafetensors(fileWithHeader(header, floatBytes(1, 2, 3)), 'file').tensors.size).toBe(3);
  });
});

describe('values', () => {
  const entry = (dtype: Dtype, ...shape: number[]): TensorEntry => ({ dtype, shape, offset: 0, byteLength: 0 });

  test('F32 as they are, from any view of memory', () => {
    const values = [1.5, -0, Infinity, 1e-45, -3e38];
    expect([...floatsFromTensor(entry('F32', 5), floatBytes(...values), 'w')]).toEqual([...Float32Array.from(values)]);
    // Views at odd offsets, and Buffers, whose slice() shares memory with others.
    const padded = Buffer.concat([Buffer.of(9), floatBytes(...values), Buffer.of(9)]);
    expect([...floatsFromTensor(entry('F32', 5), padded.subarray(1, -1), 'w')]).toEqual([...Float32Array.from(values)]);
    expect([...floatsFromTensor(entry('F32', 5), new Uint8Array(padded).subarray(1, -1), 'w')]).toEqual([...Float32Array.from(values)]);
  });

  test('the values are a copy', () => {
    const bytes = floatBytes(1);
    const values = floatsFromTensor(entry('F32', 1), bytes, 'w');
    bytes.fill(0);
    expect(values[0]).toBe(1);
  });

  test('F16 and BF16 widened, F64 rounded, all other types refused', () => {
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001).buffer);
    expect([...floatsFromTensor(entry('F16', 3), halves, 'w')]).toEqual([1, -2, 2 ** -24]);
    const brains = new Uint8Array(Uint16Array.of(0x3f80, 0xc040, 0x7f80, 0x0001).buffer);
    expect([...floatsFromTensor(entry('BF16', 4), brains, 'w')]).toEqual([1, -3, Infinity, 2 ** -133]);
    const doubles = new Uint8Array(Float64Array.of(0.1, -1e300).buffer);
    expect([...floatsFromTensor(entry('F64', 2), doubles, 'w')]).toEqual([Math.fround(0.1), -Infinity]);
    for (const dtype of (Object.keys(SIZES) as Dtype[]).filter((name) => !/^B?F/.test(name))) {
      expectCode('CHECKPOINT_INVALID', () => floatsFromTensor(entry(dtype, 1), new Uint8Array(8), 'some.weight'), 'some.weight', dtype);
    }
  });

  test('every one of the 65536 half-precision patterns', () => {
    const view = new DataView(new ArrayBuffer(4));
    /** The same number by its bits as float32; below the normal halves by counting steps of 2^-24. */
    const expected = (bits: number): number => {
      const [sign, exponent, fraction] = [bits >>> 15, (bits >>> 10) & 31, bits & 1023];
      if (exponent === 0) return (sign ? -1 : 1) * (fraction / 16_777_216);
      view.setUint32(0, ((sign << 31) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13)) >>> 0);
      return view.getFloat32(0);
    };
    for (let bits = 0; bits < 65_536; bits++) {
      if (!Object.is(floatFromHalf(bits), expected(bits)))
        throw new Error(`${bits.toString(16)} is ${floatFromHalf(bits)}, expected ${expected(bits)}`);
    }
    expect([0x0000, 0x8000, 0x7bff, 0x0400, 0x7c00, 0xfc00, 0x7e00].map(floatFromHalf)).toEqual([
      0,
      -0,
      65_504,
      2 ** -14,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });
});
