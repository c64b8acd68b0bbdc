/** What tuning changed, as few numbers and back. */
import { expect, it } from 'vitest';
import { isProsamError } from '../../../../../../src/core/common/errors.ts';
import { normal, seededRandom } from '../../../../../../src/core/common/random.ts';
import { changed, changeOf, type CoarseTensors } from '../../../../../../src/core/engine/learned/tuning/change.ts';
import type { CoarseWeight } from '../../../../../../src/core/networks/coarse-gradients.ts';

const SHAPES: [CoarseWeight, number[]][] = [
  ['reduce.weight', [40, 60, 1, 1]],
  ['fuse.weight', [40, 81, 1, 1]],
  ['coarse.weight', [1, 40, 1, 1]],
  ['coarse.bias', [1]],
];
const random = seededRandom(3);
const before: CoarseTensors = new Map(
  SHAPES.map(([name, shape]) => [
    name,
    { data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => normal(random)), shape },
  ]),
);
/** One direction of each matrix moved, and all of what is no matrix. */
const after: CoarseTensors = new Map(
  [...before].map(([name, { data, shape }]) => {
    const columns = data.length / (shape[0] as number);
    return [name, { shape, data: data.map((value, i) => value + 0.01 * Math.sin(1 + Math.floor(i / columns)) * Math.cos(i % columns)) }];
  }),
);
const valuesOf = (tensors: CoarseTensors): number[] => [...tensors.values()].flatMap(({ data }) => [...data]);

it('makes the same weights again', () => {
  const change = changeOf(before, after);
  expect(change.length).toBe(8 * (40 + 60) + 8 * (40 + 81) + 40 + 1);
  const made = valuesOf(changed(before, change));
  valuesOf(after).forEach((value, i) => {
    expect(made[i]).toBeCloseTo(value, 4);
  });
});

it('refuses a change of other weights', () => {
  const change = changeOf(before, after);
  for (const wrong of [[], change.slice(1), [...change, 0]])
    try {
      changed(before, wrong);
      expect.unreachable();
    } catch (error) {
      expect(isProsamError(error) && error.code).toBe('OPTION_INVALID');
    }
});
