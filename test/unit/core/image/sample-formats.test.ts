/** Images as people have them: sample formats, containers and pages, against numpy and Pillow (sample-formats.fixture.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import { decodeImage, imageSize, proveImage } from '../../../../src/core/image/node/decode.ts';

interface Case {
  name: string;
  file: string;
  width: number;
  height: number;
  sha256: string;
  first: number[];
  last: number[];
  notices: string[];
  valueRange?: number[];
  page?: number;
}

const cases = JSON.parse(readFileSync(new URL('sample-formats.fixture.json', import.meta.url), 'utf8')) as Case[];

describe('images of all formats', () => {
  test.each(cases)('$name', async ({ file, width, height, sha256, first, last, notices, valueRange, page }) => {
    const options = { ...(valueRange && { valueRange: valueRange as [number, number] }), ...(page !== undefined && { page }) };
    const bytes = Buffer.from(file, 'base64');
    const { data, notices: said = [], ...size } = await decodeImage(bytes, 'image', options);
    expect(bytes.equals(Buffer.from(file, 'base64')), 'the given bytes are left alone').toBe(true);
    expect(size).toEqual({ width, height, channels: 3 });
    expect([...data.subarray(0, 9)]).toEqual(first);
    expect([...data.subarray(-6)]).toEqual(last);
    expect(createHash('sha256').update(data).digest('hex')).toBe(sha256);
    expect(said.map(({ code }) => code)).toEqual(notices);
    expect(await imageSize(bytes, 'image', options)).toEqual({ width, height });
    const { notices: proven = [], ...provenSize } = await proveImage(bytes, 'image', options);
    expect(provenSize).toEqual({ width, height });
    // 8-bit samples are proved without looking at the range that was asked for.
    expect(proven).toEqual(said.filter(({ code }) => code !== 'VALUE_RANGE_UNUSED'));
  });
});

describe('damaged files', () => {
  test.each(cases)('$name: some bytes changed or cut off', async ({ file, name }) => {
    const bytes = Buffer.from(file, 'base64');
    // A generator of its own for each file: the same damage every time.
    let state = Buffer.from(name).reduce((sum, letter) => (31 * sum + letter) >>> 0, 7);
    const random = (below: number): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % below;
    for (let i = 0; i < 25; i++) {
      const damaged = Buffer.from(bytes.subarray(0, i % 5 === 0 ? random(bytes.length) : bytes.length));
      for (let k = 0; k < 1 + (i % 4) && damaged.length > 0; k++) damaged[random(Math.min(damaged.length, 400))] = random(256);
      const decoded = await decodeImage(damaged, 'damaged', { maxPixels: 100_000 }).catch((error: unknown) => error);
      if (isProsamError(decoded)) expect(decoded.code).toMatch(/^IMAGE_/);
      else expect(decoded).toMatchObject({ channels: 3 });
    }
  });
});

describe('a page that is not there', () => {
  const stack = cases.find(({ name }) => name === 'two pages, the second') as Case;
  test.each([3, 100])('page %i of two', async (page) => {
    await expect(decodeImage(Buffer.from(stack.file, 'base64'), 'stack', { page })).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });
  test.each([0, -1, 1.5, Number.NaN])('page %d is none', async (page) => {
    await expect(decodeImage(Buffer.from(stack.file, 'base64'), 'stack', { page })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
  test.each([[[5, 5]], [[9, 1]], [[0, Number.NaN]], [[1]], ['0,1']])('the range %j is none', async (valueRange) => {
    const options = { valueRange } as unknown as { valueRange: [number, number] };
    await expect(decodeImage(Buffer.from(stack.file, 'base64'), 'stack', options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});
