import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsFingerprint } from '../../../src/training/loop/fingerprint.ts';
import { trainSettings, type TrainOptions } from '../../../src/training/train-options.ts';
import type { Dataset, Episode } from '../../../src/training/types.ts';
import { expectCode } from '../core/expect-error.ts';

const dataset = { name: 'photos' } as Dataset;
const engine = { name: 'wasm', about: 'none' } as const;
const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({ dataset, engine, out: 'runs/x', ...more });

describe('settings of a run', () => {
  it('are the paper’s by default', () => {
    expect(trainSettings(options())).toMatchObject({
      ...{ fold: 0, annotation: 'mask', distribution: 'student_t', nu: 5, samples: 10, batch: 2, epochs: 100, lr: 1e-4 },
      ...{ schedule: 'warm_restarts', restartEpochs: 15, weightDecay: 1e-6, seed: 321, out: resolve('runs/x') },
    });
    const { clipNorm, averageDecay, augmentation, patience } = trainSettings(options());
    expect([clipNorm, averageDecay, augmentation, patience]).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('take undefined as not given', () => {
    expect(trainSettings(options({ lr: undefined as unknown as number })).lr).toBe(1e-4);
  });

  it('draw one sample where all would be the same', () => {
    expect(trainSettings(options({ distribution: 'deterministic', samples: 10 })).samples).toBe(1);
  });

  it.each([
    [{ samples: 0 }, 'samples', '0'],
    [{ samples: 2.5 }, 'samples', '2.5'],
    [{ batch: 257 }, 'batch', '257'],
    [{ lr: 1e30 }, 'lr', '1e\\+30'],
    [{ lr: NaN }, 'lr', 'null|NaN'],
    [{ lr: '1e-3' as unknown as number }, 'lr', '"1e-3"'],
    [{ dropout: 1 }, 'dropout', '1'],
    [{ averageDecay: 1 }, 'averageDecay', '1'],
    [{ seed: -1 }, 'seed', '-1'],
    [{ maxSteps: 2 ** 23 }, 'maxSteps', String(2 ** 23)],
    [{ augmentation: { jitter: 17 } }, 'jitter', '17'],
    [{ labelReduction: { kind: 'area', threshold: 2 } }, 'threshold', '2'],
    [{ annotation: 'circle' as 'mask' }, 'annotation', 'mixed'],
    [{ distribution: 'cauchy' as 'gaussian' }, 'distribution', 'student_t'],
    [{ schedule: 'linear' as 'cosine' }, 'schedule', 'warm_restarts'],
    [{ device: 'tpu' as 'cpu' }, 'device', 'webgpu'],
  ] as const)('refuse %j', (more, name, part) => {
    expectCode('OPTION_INVALID', () => trainSettings(options(more)), name, new RegExp(part));
  });
});

describe('what must stay the same', () => {
  const image = (key: string) => ({ key, file: key });
  const episodes: Episode[] = [{ classId: 1, reference: image('a'), target: image('b') }];
  const fingerprint = (more: Partial<TrainOptions> = {}, list = episodes) =>
    settingsFingerprint(trainSettings(options(more)), 'tiny@1', list);

  it.each([
    { seed: 1 },
    { lr: 2e-4 },
    { samples: 4 },
    { batch: 4 },
    { annotation: 'point' },
    { labelReduction: { kind: 'any' } },
    { clipNorm: 1 },
    { averageDecay: 0.9 },
    { augmentation: { flip: true } },
    { validationPairs: 5 },
    { fold: 'all' },
    { start: 'scratch' },
    { schedule: 'cosine' },
    { distribution: 'gaussian' },
  ] as const)('%j makes another run', (more) => {
    expect(fingerprint(more)).not.toEqual(fingerprint());
  });

  it.each([
    { maxSteps: 7 },
    { epochs: 200 },
    { patience: 3 },
    { checkpointEvery: 1 },
    { threads: 1 },
    { out: 'elsewhere' },
    { resume: true },
  ])('%j does not', (more) => {
    expect(fingerprint(more)).toEqual(fingerprint());
  });

  it('notices that images have come or gone', () => {
    expect(fingerprint({}, [...episodes, ...episodes])).not.toEqual(fingerprint());
    expect(fingerprint({}, [{ classId: 1, reference: image('a'), target: image('c') }])).not.toEqual(fingerprint());
    expect(fingerprint({ schedule: 'cosine', epochs: 5 })).not.toEqual(fingerprint({ schedule: 'cosine', epochs: 6 }));
  });
});
