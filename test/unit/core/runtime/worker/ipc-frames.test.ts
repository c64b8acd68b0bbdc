/** Messages as bytes: whatever is sent arrives, however the pipe cuts it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader, frameOf } from '../../../../../src/core/runtime/worker/ipc-frames.ts';

/** What arrives when the bytes come in pieces of these lengths. */
function through(messages: readonly unknown[], pieces: readonly number[] = [Infinity]): unknown[] {
  const bytes = Buffer.concat(messages.flatMap((message) => frameOf(message)));
  const received: unknown[] = [];
  const read = createFrameReader((message) => received.push(message));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = pieces[i % pieces.length] as number;
    read(bytes.subarray(at, at + length));
    at += length;
  }
  return received;
}

const array = fc.oneof(
  fc.uint8Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.int32Array(),
  fc.uint16Array(),
  fc.uint8ClampedArray(),
  fc.bigInt64Array(),
);
const message = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 3 }, fc.string(), fc.double(), fc.boolean(), fc.constant(undefined), array, tie('list'), tie('record')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  record: fc.dictionary(fc.string({ maxLength: 5 }), tie('any'), { maxKeys: 4, noNullPrototype: true }),
})).any;

describe('frames', () => {
  it('carry any message, cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (sent, cuts) => {
          expect(through(sent, cuts)).toEqual(sent);
        },
      ),
    );
  });

  it('keep numbers that JSON loses, and parts of larger buffers', () => {
    const numbers = Float32Array.of(1, 2, 3, 4, 5).subarray(1, 4);
    const [{ odd, part, view }] = through([{ odd: [NaN, -0, Infinity, 2n ** 70n], part: numbers, view: Buffer.from('abc') }]) as [
      { odd: unknown[]; part: Float32Array; view: Uint8Array },
    ];
    expect(odd).toEqual([NaN, -0, Infinity, 2n ** 70n]);
    expect(part).toEqual(Float32Array.of(2, 3, 4));
    expect(part.buffer.byteLength).toBe(12);
    expect(view).toEqual(new Uint8Array([97, 98, 99]));
  });

  it('copy no array to send it', () => {
    const large = new Uint8Array(1e6);
    const parts = frameOf({ a: { b: [large] } });
    expect(parts.at(-1)?.buffer).toBe(large.buffer);
    expect(parts.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1e6 + 100);
  });

  it('refuse what means nothing in another process', () => {
    expect(() => frameOf({ call: () => 1 })).toThrow('could not be cloned');
    expect(() => frameOf({ key: Promise.resolve() })).toThrow('could not be cloned');
  });
});
