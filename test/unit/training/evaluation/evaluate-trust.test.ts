/** Evaluation with targets that do not show the class. */
import { expect, it } from 'vitest';
import type { Engine, PredictOptions } from '../../../../src/core/engine/types.ts';
import { BASELINES, contestantsOf } from '../../../../src/training/evaluation/entries.ts';
import { evaluate, type EvaluateOptions } from '../../../../src/training/evaluation/evaluate.ts';
import type { ContestantResult } from '../../../../src/training/evaluation/result.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { sceneBench } from './scene-data.ts';

const bench = sceneBench();

const PROSAM = contestantsOf({ models: ['tiny'], methods: ['prosam'] });
async function run(given: Partial<EvaluateOptions>) {
  const asked: PredictOptions[] = [];
  const open = (): Promise<Engine> =>
    Promise.resolve({
      ...bench.engine,
      predict(target, references, options = {}) {
        asked.push(options);
        return bench.engine.predict(target, references, options);
      },
      close: () => Promise.resolve(),
    });
  const evaluation = await evaluate({
    dataset: bench.dataset,
    folds: [0],
    pairs: 10,
    contestants: [...PROSAM, ...BASELINES],
    open,
    ...given,
  });
  return { evaluation, asked };
}

it('looks for every reference where its class is not, too, beside images without it, and counts that apart', async () => {
  const { evaluation, asked } = await run({ trust: true, others: 2 });
  const [prosam, copied] = evaluation.contestants as [ContestantResult, ContestantResult];
  expect(evaluation.settings).toMatchObject({ trust: true, others: 2 });
  expect([prosam.episodes.length, prosam.absentEpisodes?.length]).toEqual([10, 10]);
  expect(prosam.trust).toMatchObject({ shown: 10, absent: 10 });
  expect(copied).not.toHaveProperty('trust');
  // No mask is left out while it is measured.
  expect(new Set(asked.map(({ threshold }) => threshold))).toEqual(new Set([0]));
  expect(asked.map(({ others }) => others?.length)).toEqual(Array.from({ length: 20 }, () => 2));

  const { evaluation: bare, asked: barely } = await run({});
  expect(bare.contestants[0]).not.toHaveProperty('trust');
  expect(bare.contestants[0]?.miou).toEqual(prosam.miou);
  expect(barely.every((options) => !('others' in options))).toBe(true);
});

it('refuses more images than are used', async () => {
  await expectRejection('OPTION_INVALID', run({ others: 7 }), /others: expected a whole number from 0 to 6, got 7/);
});
