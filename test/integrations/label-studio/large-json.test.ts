import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLargeJson } from '../../../src/adapters/label-studio/protocol/large-json.ts';
import { onThisMachine, watchBusy } from '../../support/busy-watch.ts';

const read = (text: string) => parseLargeJson(Buffer.from(text));

/** As JSON.parse has it: bytes as lists again. */
function asLists(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(asLists);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asLists(one)]));
}

describe('large JSON', () => {
  it('says the same as the parser says', async () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 0, maxLength: 80 });
    const values = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        bytes,
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any'), { maxLength: 5 }),
      object: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        tie('any'),
        { maxKeys: 5 },
      ),
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          values.any,
          { maxKeys: 5 },
        ),
        fc.constantFrom(undefined, 1),
        async (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(asLists(await read(text))).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('hands masks out as bytes, wherever they are', async () => {
    const rle = Array.from({ length: 1000 }, (_, i) => i % 256);
    const body = (await read(
      JSON.stringify({
        tasks: [
          { id: 1, rle },
          { id: 2, rle },
        ],
        annotation: { rle },
        a: 1,
      }),
    )) as {
      tasks: { id: number; rle: Uint8Array }[];
      annotation: { rle: Uint8Array };
    };
    for (const holder of [...body.tasks, body.annotation]) expect(holder.rle).toEqual(Uint8Array.from(rle));
    expect(body.tasks.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('leaves lists alone that are no bytes', async () => {
    const lists = [
      Array.from({ length: 50 }, () => 256),
      Array.from({ length: 50 }, () => -1),
      Array.from({ length: 50 }, () => 1.5),
      Array.from({ length: 50 }, () => '1'),
    ];
    expect(await read(JSON.stringify({ a: { lists } }))).toEqual({ a: { lists } });
  });

  it.each([
    ['{"tasks":[{},]}'],
    ['{"tasks":[,{}]}'],
    ['{"tasks":[{} {}]}'],
    ['{"tasks":[1}'],
    ['{"a":[01,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}'],
    ['{"a":{"b":[1 2,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}}'],
    ['{"a"'],
    ['{"a":"'],
    ['nothing'],
  ])('refuses %s', async (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    await expect(read(text)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('refuses endless depth, endless lists and bytes that are no text', async () => {
    await expect(read('['.repeat(1000))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await expect(read(`{"tasks":[${'1,'.repeat(100_000)}1]}`)).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await expect(parseLargeJson(Buffer.from([0x22, 0xff, 0x22]))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('of a thousand tasks with masks, 40 MB of numbers, holds up nobody for long', async () => {
    const rle = Array.from({ length: 12_000 }, (_, i) => (i * 7) % 256);
    const task = { id: 1, data: { image: '/data/upload/1/a.png' }, annotations: [{ id: 1, result: [{ value: { format: 'rle', rle } }] }] };
    const text = Buffer.from(`{"tasks":[${Array.from({ length: 1000 }, () => JSON.stringify(task)).join(',')}],"project":"1.2"}`);
    expect(text.byteLength).toBeGreaterThan(40e6);
    const busy = watchBusy();
    const body = (await parseLargeJson(text)) as { tasks: unknown[] };
    const longest = busy.longestMs();
    busy.stop();
    expect(body.tasks.length).toBe(1000);
    // 50 ms and the noise of a busy machine; the parser alone takes a second.
    expect(longest).toBeLessThan(onThisMachine(200));
  });
});
