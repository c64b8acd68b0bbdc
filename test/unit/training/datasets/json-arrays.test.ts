import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanJsonArrays, type JsonElement } from '../../../../src/training/datasets/json-arrays.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { put, tempFolder } from './make-data.ts';

async function scan(content: string, keys: readonly string[] = ['a', 'b']): Promise<JsonElement[]> {
  const root = await tempFolder();
  await put(root, 'file.json', content);
  const found: JsonElement[] = [];
  await scanJsonArrays(join(root, 'file.json'), new Set(keys), (element) => found.push(element));
  return found;
}

describe('scanning', () => {
  it('finds what JSON.parse finds, and its place', async () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(objects, objects, fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), async (a, b, other, indent) => {
        const content = JSON.stringify({ info: other, a, 'not "a"': [{ a: [{}] }], b }, undefined, indent);
        fc.pre(!content.includes('\\\\')); // after a key with a backslash JSON.parse may misread others (nodejs/node#63785)
        const found = await scan(content);
        expect(found.map(({ key, value }) => [key, value])).toEqual(
          JSON.parse(JSON.stringify([...a.map((value) => ['a', value]), ...b.map((value) => ['b', value])])),
        );
        for (const { value, offset, length } of found) {
          expect(JSON.parse(Buffer.from(content).toString('utf8', offset, offset + length))).toEqual(value);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('does not lose what lies across its chunks of 4 MiB', async () => {
    const a = Array.from({ length: 30_000 }, (_, id) => ({ id, text: 'é"\\{['.repeat(20 + (id % 50)) }));
    const content = JSON.stringify({ a });
    expect(Buffer.byteLength(content)).toBeGreaterThan(9 * 2 ** 20);
    const found = await scan(content);
    expect(found.map(({ value }) => value)).toEqual(a);
    const last = found.at(-1) as JsonElement;
    expect(last.offset + last.length).toBe(Buffer.byteLength(content) - 2);
  });

  it('knows names that lie across its chunks, and none that are too long', async () => {
    for (let before = 0; before < 12; before++) {
      const start = '{"x": "';
      const filler = '-'.repeat(4 * 2 ** 20 - start.length - before);
      const found = await scan(`${start}${filler}", "name": [{"id": 1}], "${'n'.repeat(300)}": [{"id": 2}]}`, ['name', 'n'.repeat(300)]);
      expect(found).toEqual([expect.objectContaining({ key: 'name', value: { id: 1 } })]);
    }
  });

  it.each([
    ['a cut file', '{"a": [{"id": 1}, {"id"', /ends too early/],
    ['an empty file', '', /ends too early/],
    ['an array', '[{"a": []}]', /no single object/],
    ['two objects', '{"a": []} {"a": []}', /no single object/],
    ['brackets that close nothing', '{"a": []}]', /closes nothing/],
    ['an object that is none', '{"a": [{"id": nothing}]}', /the object at byte 7 is none/],
  ])('refuses %s', async (_name, content, message) => {
    await expectRejection('DATASET_INVALID', scan(content), message);
  });
});
