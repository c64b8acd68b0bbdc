import { describe, expect, it } from 'vitest';
import { contestantsOf } from '../../../../src/training/evaluation/entries.ts';
import { evaluate } from '../../../../src/training/evaluation/evaluate.ts';
import { moreReferences } from '../../../../src/training/evaluation/more-references.ts';
import type { DatasetImage, Episode } from '../../../../src/training/types.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { sceneBench } from './scene-data.ts';

const image = (key: string): DatasetImage => ({ key, file: `${key}.jpg` });
const episode = (classId: number, reference: string, target: string): Episode => ({
  classId,
  reference: image(reference),
  target: image(target),
});
const EPISODES = [episode(1, 'a', 'b'), episode(1, 'c', 'd'), episode(1, 'a', 'e'), episode(2, 'f', 'g'), episode(2, 'g', 'a')];
const keysOf = (lists: readonly (readonly DatasetImage[])[]): string[][] => lists.map((list) => list.map(({ key }) => key));

describe('moreReferences', () => {
  it('are other images of the class, each once, and neither of the pair', () => {
    const all = keysOf(moreReferences(EPISODES, 50, 1));
    expect(all.map((keys) => [...keys].sort())).toEqual([['c', 'd', 'e'], ['a', 'b', 'e'], ['b', 'c', 'd'], ['a'], ['f']]);
    expect(keysOf(moreReferences(EPISODES, 1, 1)).flat()).toEqual([]);
  });

  it('stay the same when there are more of them, and follow the seed', () => {
    const five = keysOf(moreReferences(EPISODES, 50, 1));
    expect(keysOf(moreReferences(EPISODES, 3, 1))).toEqual(five.map((keys) => keys.slice(0, 2)));
    const others = Array.from({ length: 20 }, (_, seed) => JSON.stringify(keysOf(moreReferences(EPISODES, 50, seed))));
    expect(new Set(others).size).toBeGreaterThan(10);
  });
});

describe('evaluate with several references', () => {
  const bench = sceneBench();
  const contestants = contestantsOf({ models: ['tiny'], methods: ['nearest'] });

  it('gives the engine all of them, and says where there were fewer', async () => {
    const asked: number[] = [];
    const images: Set<unknown>[] = [];
    const open = () =>
      Promise.resolve({
        ...bench.engine,
        predict(...[target, references, options]: Parameters<typeof bench.engine.predict>) {
          asked.push(references.length);
          images.push(new Set([target, ...references.map((reference) => reference.image)]));
          return bench.engine.predict(target, references, options);
        },
        close: () => Promise.resolve(),
      });
    const given = { dataset: bench.dataset, folds: [0], pairs: 4, contestants, open };
    const { settings } = await evaluate({ ...given, shots: 2 });
    expect([settings.shots, asked.length]).toEqual([2, 4]);
    expect(Math.max(...asked)).toBe(2);
    images.forEach((set, i) => expect(set.size).toBe(1 + (asked[i] as number)));
    const { notes, settings: many } = await evaluate({ ...given, shots: 50 });
    expect([many.shots, notes.join(' ')]).toEqual([50, expect.stringContaining('fewer than 50 references')]);
    const one = await evaluate({ ...given, shots: 1 });
    expect(one.settings).not.toHaveProperty('shots');
  });

  it('refuses numbers that are none', async () => {
    for (const shots of [0, 51, 1.5])
      await expectRejection('OPTION_INVALID', evaluate({ dataset: bench.dataset, folds: [0], contestants, shots }), 'shots');
  });
});
