import fc from 'fast-check';
import { ENOUGH_EXAMPLES } from '../../../src/core/checkpoint/learned-values.ts';
import { describe, expect, it } from 'vitest';
import type { FitRecord } from '../../../src/service/ports/fits.ts';
import type { MaskRow } from '../../../src/service/ports/storage.ts';
import { chooseReferences, FITTED_REFERENCES } from '../../../src/service/ports/choose-references.ts';
import { createReferenceSets } from '../../../src/service/references.ts';

function mask(id: number, feature?: readonly number[], flagged = false): MaskRow {
  const row: MaskRow = {
    ...{ id, project: 'p', label: 'cup', sha256: String(id).padStart(64, '0'), area: 1, provenance: 'drawn', flagged },
    ...{ rle: { size: [1, 1], counts: `${id}` }, createdMs: id, sequence: id },
  };
  return feature ? { ...row, feature: Float32Array.from(feature) } : row;
}
const ids = (masks: readonly MaskRow[]) => masks.map(({ id }) => id);

describe('chooseReferences', () => {
  it('takes the best and then what differs most from everything taken', () => {
    const pool = [mask(1, [1, 0]), mask(2, [0.99, 0.1]), mask(3, [0, 1]), mask(4, [-1, 0])];
    expect(ids(chooseReferences(pool, 2))).toEqual([1, 4]);
    expect(ids(chooseReferences(pool, 3))).toEqual([1, 4, 3]);
  });

  it('takes the flagged ones alone where there are any', () => {
    expect(ids(chooseReferences([mask(1, [1, 0], true), mask(2, [0, 1], true), mask(3, [-1, 0])], 5))).toEqual([1, 2]);
  });

  it('takes those without a vector in their order, after those with one', () => {
    expect(ids(chooseReferences([mask(1), mask(2), mask(3, [1, 0])], 2))).toEqual([1, 3]);
    expect(ids(chooseReferences([mask(1), mask(2), mask(3)], 2))).toEqual([1, 2]);
  });

  it('gives as many as there are, none twice, the best first', () => {
    const vector = fc.option(fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: 3, maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(vector, fc.boolean()), { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (given, count) => {
        const pool = given.map(([feature, flagged], i) => mask(i, feature ?? undefined, flagged));
        const chosen = chooseReferences(pool, count);
        const eligible = pool.some(({ flagged }) => flagged) ? pool.filter(({ flagged }) => flagged) : pool;
        expect(chosen).toHaveLength(Math.min(count, eligible.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen[0]).toBe(eligible[0]);
        expect(chosen.every((one) => eligible.includes(one))).toBe(true);
      }),
    );
  });
});

describe('reference sets', () => {
  it('are read once a revision, and their hash changes with the masks', async () => {
    let reads = 0;
    let rows = [mask(1), mask(2)];
    const sets = createReferenceSets({
      candidates: () => {
        reads++;
        return Promise.resolve(rows);
      },
    } as unknown as Parameters<typeof createReferenceSets>[0]);
    const [first] = await Promise.all([sets.of('p', 'cup', 1), sets.of('p', 'cup', 1)]);
    expect(reads).toBe(1);
    rows = [mask(2)];
    expect(await sets.of('p', 'cup', 1)).toBe(first);
    const second = await sets.of('p', 'cup', 2);
    expect(second.hash).not.toBe(first.hash);
    expect(reads).toBe(2);
    sets.forget('p', 'cup');
    await sets.of('p', 'cup', 2);
    expect(reads).toBe(3);
  });

  it('are as many as numbers were fitted to, from eight on, unless a number is set', async () => {
    expect(FITTED_REFERENCES).toBe(ENOUGH_EXAMPLES);
    const rows = Array.from({ length: 30 }, (_, i) => mask(i + 1));
    const asked: number[] = [];
    const annotations = {
      candidates: (_project: string, _label: string, limit: number) => {
        asked.push(limit);
        return Promise.resolve(rows.slice(0, limit));
      },
    } as unknown as Parameters<typeof createReferenceSets>[0];
    const sizeWith = async (examples: number | undefined, settings = {}) => {
      const fit = examples === undefined ? undefined : ({ values: { examples } } as FitRecord);
      const sets = createReferenceSets(annotations, settings, undefined, undefined, { get: () => Promise.resolve(fit) });
      return [(await sets.of('p', 'cup', 1)).masks.length, (await sets.of('p', 'cup', 1, 100)).masks.length];
    };
    // A hundred labels in one call have two each.
    expect(await sizeWith(undefined)).toEqual([5, 2]);
    expect(await sizeWith(7)).toEqual([5, 2]);
    expect(await sizeWith(8)).toEqual([8, 2]);
    expect(await sizeWith(12)).toEqual([12, 2]);
    expect(await sizeWith(12, { count: 3 })).toEqual([3, 2]);
    expect(asked).toEqual([20, 20, 32, 48, 12]);
  });

  it('are bounded by the bytes of their masks', async () => {
    const reads: string[] = [];
    const annotations = {
      candidates: (_project: string, label: string) => {
        reads.push(label);
        return Promise.resolve([{ ...mask(1), rle: { size: [1, 1], counts: 'x'.repeat(2_000_000) } }]);
      },
    } as unknown as Parameters<typeof createReferenceSets>[0];
    const sets = createReferenceSets(annotations);
    const labels = Array.from({ length: 40 }, (_, i) => `label ${i}`);
    for (const label of labels) await sets.of('p', label, 1);
    await sets.of('p', 'label 39', 1);
    expect(reads).toEqual(labels);
    await sets.of('p', 'label 0', 1);
    expect(reads).toEqual([...labels, 'label 0']);
  });

  it('have a hash of those alone that are given', async () => {
    let rows = [mask(9), mask(8), mask(7), mask(6), mask(5), mask(4)];
    const annotations = { candidates: () => Promise.resolve(rows) } as unknown as Parameters<typeof createReferenceSets>[0];
    const [five, six] = [createReferenceSets(annotations, { count: 5 }), createReferenceSets(annotations, { count: 6 })];
    const before = [await five.of('p', 'cup', 1), await six.of('p', 'cup', 1), await six.of('p', 'cup', 1, 40)] as const;
    expect(before.map(({ masks }) => masks.length)).toEqual([5, 6, 5]);
    expect(before[2].hash).toBe(before[0].hash);
    rows = [...rows.slice(0, 5), mask(3)];
    expect((await five.of('p', 'cup', 2)).hash).toBe(before[0].hash);
    expect((await six.of('p', 'cup', 2)).hash).not.toBe(before[1].hash);
    expect((await six.of('p', 'cup', 2, 40)).hash).toBe(before[2].hash);
  });
});
