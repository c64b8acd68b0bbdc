/** Several marks in one image are one reference. */
import { expect, it } from 'vitest';
import { onePerImage, type ShownReference } from '../../../../src/core/engine/one-per-image.ts';

const unused = () => Promise.reject(new Error('nobody asks'));
const shown = (image: string, key: string, mask: readonly number[], cells: readonly number[] = mask): ShownReference => ({
  ...{
    image,
    reading: {},
    key,
    shows: [],
    sam: unused,
    cells: Float32Array.from(cells),
    mask: { data: Uint8Array.from(mask), width: mask.length, height: 1 },
  },
  features: {
    key: image,
    width: mask.length,
    height: 1,
    mid: { data: new Float32Array(), shape: [] },
    high: { data: new Float32Array(), shape: [] },
  },
});

it('unites the objects of one image and keeps images apart, in the order in which they come', async () => {
  const found = await onePerImage([shown('a', '1', [1, 0, 0]), shown('b', '2', [0, 0, 1]), shown('a', '3', [0, 1, 0])]);
  expect(found.map(({ image, mask, cells }) => [image, [...mask.data], [...cells]])).toEqual([
    ['a', [1, 1, 0], [1, 1, 0]],
    ['b', [0, 0, 1], [0, 0, 1]],
  ]);
});

it('takes the same mark twice as one, without another key', async () => {
  const [only, ...others] = await onePerImage([shown('a', '1', [1, 0]), shown('a', '1', [1, 0])]);
  expect([only?.key, others]).toEqual(['1', []]);
});

it('gives united marks one key, whatever their order, and leaves the single ones as they were', async () => {
  const [first, second] = [shown('a', '1', [1, 0]), shown('a', '2', [0, 1])];
  const [there] = await onePerImage([first, second]);
  const [back] = await onePerImage([second, first]);
  expect(there?.key).toBe(back?.key);
  expect(there?.key).not.toBe('1');
  expect([[...first.mask.data], [...second.mask.data]]).toEqual([
    [1, 0],
    [0, 1],
  ]);
});
