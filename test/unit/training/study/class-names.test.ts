import { describe, expect, it } from 'vitest';
import type { Dataset, Episode } from '../../../../src/training/types.ts';
import { classesApart, commonName, testedOn } from '../../../../src/training/study/class-names.ts';
import { testDataOf } from '../../../../src/training/study/domain-shift.ts';
import { expectCode } from '../../core/expect-error.ts';

const dataOf = (name: string, classes: readonly string[], novel: readonly number[]): Dataset => {
  const all = classes.map((className, i) => ({ id: i + 1, name: className }));
  const base = all.map(({ id }) => id).filter((id) => !novel.includes(id));
  return {
    name,
    classes: all,
    folds: 1,
    fold: (index) => ({
      name: String(index),
      base: index === 'all' ? all.map(({ id }) => id) : base,
      novel: index === 'all' ? all.map(({ id }) => id) : novel,
      trainingEpisodes: () => [],
      testEpisodes: (count) =>
        Array.from({ length: count }, (_, i): Episode => {
          const image = { key: `${i}`, file: `${i}.png` };
          return { classId: 1 + (i % all.length), reference: image, target: image };
        }),
    }),
    labels: () => Promise.reject(new Error('not asked for')),
  };
};
const COCO = dataOf('coco', ['airplane', 'dining table', 'couch', 'tv', 'zebra'], [4]);
const PASCAL = dataOf('pascal', ['aeroplane', 'diningtable', 'sofa', 'tvmonitor', 'sheep'], []);

describe('domain-shift data', () => {
  it('knows PASCAL’s and COCO’s names for the same thing', () => {
    expect(['Dining table', 'diningtable', 'TV-monitor', 'Sofa'].map(commonName)).toEqual(['diningtable', 'diningtable', 'tv', 'couch']);
    expect(classesApart(PASCAL.classes, COCO.classes).map(({ name }) => name)).toEqual(['sheep']);
  });

  it('leaves out what the fold trains on, and only that', () => {
    expect(testDataOf(COCO, 0, PASCAL).classes.map(({ name }) => name)).toEqual(['tvmonitor', 'sheep']);
    expect(testDataOf(COCO, 'all', PASCAL).classes.map(({ name }) => name)).toEqual(['sheep']);
  });

  it('still draws as many pairs as were asked for', () => {
    const fold = testDataOf(COCO, 0, PASCAL).fold('all');
    const episodes = fold.testEpisodes(9, 1);
    expect(episodes).toHaveLength(9);
    expect(new Set(episodes.map(({ classId }) => classId))).toEqual(new Set([4, 5]));
    expect(fold).toMatchObject({ name: '0', novel: [4, 5] });
  });

  it('takes what a list holds where it is short', () => {
    const short = {
      ...PASCAL,
      fold: (index: number | 'all') => ({ ...PASCAL.fold(index), testEpisodes: () => PASCAL.fold(0).testEpisodes(7, 1) }),
    };
    expect(testDataOf(COCO, 0, short).fold('all').testEpisodes(100, 1)).toHaveLength(2);
  });

  it('says so where no class is left', () => {
    expectCode('DATASET_INVALID', () => testDataOf(COCO, 'all', dataOf('same', ['zebra'], [])), /other test data/);
    expect(() => testedOn(PASCAL, [], '0')).toThrow(/trained on/);
  });
});
