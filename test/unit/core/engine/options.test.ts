import { describe, expect, test } from 'vitest';
import { DISTRIBUTIONS } from '../../../../src/core/networks/prompt-distribution.ts';
import { checkPredictOptions, checkReferences } from '../../../../src/core/engine/options.ts';
import { STRATEGIES } from '../../../../src/core/engine/strategy.ts';
import { METHODS, type PredictOptions, type Reference } from '../../../../src/core/engine/types.ts';
import { expectCode } from '../expect-error.ts';

describe('checkPredictOptions', () => {
  const accepted: PredictOptions[] = [
    {},
    ...[...METHODS, 'auto' as const].map((method) => ({ method })),
    ...STRATEGIES.map((strategy) => ({ strategy })),
    ...DISTRIBUTIONS.map((distribution) => ({ distribution })),
    { samples: 0 },
    { samples: 100 },
    { seed: 0 },
    { seed: -7 },
    { seed: Number.MAX_SAFE_INTEGER },
    { nu: 0.5 },
    { nu: 1e6 },
    { maxPoints: 1 },
    { maxPoints: 128 },
    { minInstanceShare: 0 },
    { minInstanceShare: 1 },
    ...[0, 0.001, 1, 5000, 2 ** 30].flatMap((area) => [{ minArea: area }, { fillHoles: area }]),
    ...[true, false].flatMap((value) => [{ fillHoles: value }, { largestOnly: value }]),
    { labelReduction: { kind: 'nearest' } },
    { labelReduction: { kind: 'any' } },
    { labelReduction: { kind: 'area', threshold: 0 } },
    { labelReduction: { kind: 'area', threshold: 1 } },
  ];
  test.each(accepted)('accepts %j', (options) => {
    checkPredictOptions(options);
  });

  const refused: [options: Record<string, unknown>, ...parts: (string | RegExp)[]][] = [
    [{ method: 'sam' }, 'method', [...METHODS, 'auto'].join(', '), '"sam"'],
    [{ method: '' }, 'method', '""'],
    [{ method: 'toString' }, 'method'],
    [{ strategy: 'mean' }, 'strategy', 'mean_prompt', 'majority_vote', '"mean"'],
    [{ distribution: 'cauchy' }, 'distribution', 'student_t_printed', '"cauchy"'],
    [{ labelReduction: { kind: 'max' } }, 'labelReduction.kind', 'nearest, any, area', '"max"'],
    [{ labelReduction: { kind: 'area', threshold: 1.1 } }, 'labelReduction.threshold', 'from 0 to 1', '1.1'],
    [{ labelReduction: { kind: 'area', threshold: NaN } }, 'labelReduction.threshold', 'NaN'],
    [{ samples: -1 }, 'samples', 'whole number from 0 to 100', '-1'],
    [{ samples: 101 }, 'samples', '101'],
    [{ samples: 2.5 }, 'samples', '2.5'],
    [{ samples: NaN }, 'samples', 'NaN'],
    [{ samples: Infinity }, 'samples', 'Infinity'],
    [{ seed: 0.5 }, 'seed', 'whole number', '0.5'],
    [{ seed: 2 ** 53 }, 'seed', '9007199254740992'],
    [{ seed: NaN }, 'seed', 'NaN'],
    [{ nu: 0 }, 'nu', 'got 0'],
    [{ nu: -5 }, 'nu', '-5'],
    [{ nu: NaN }, 'nu', 'NaN'],
    [{ nu: Infinity }, 'nu', 'Infinity'],
    [{ maxPoints: 0 }, 'maxPoints', 'whole number from 1 to 128', '0'],
    [{ maxPoints: 129 }, 'maxPoints', '129'],
    [{ maxPoints: 2.5 }, 'maxPoints', '2.5'],
    [{ minInstanceShare: -0.1 }, 'minInstanceShare', 'from 0 to 1', '-0.1'],
    [{ minInstanceShare: 1.01 }, 'minInstanceShare', '1.01'],
    [{ minArea: -1 }, 'minArea', '-1'],
    [{ minArea: NaN }, 'minArea', 'NaN'],
    [{ minArea: Infinity }, 'minArea', 'Infinity'],
    [{ minArea: '5' }, 'minArea', 'got "5"'],
    [{ fillHoles: -0.5 }, 'fillHoles', '-0.5'],
    [{ fillHoles: 'all' }, 'fillHoles', 'true'],
    [{ largestOnly: 1 }, 'largestOnly', 'true or false', '1'],
  ];
  test.each(refused)('OPTION_INVALID for %j, naming the option, what is expected and what came', (options, ...parts) => {
    expectCode('OPTION_INVALID', () => checkPredictOptions(options), 'expected', ...parts);
  });
});

describe('checkReferences', () => {
  const references = (count: number) => Array.from({ length: count }, (): Reference => ({ image: 'a.png', box: [0, 0, 1, 1] }));

  test('none: REFERENCE_MISSING', () => {
    expectCode('REFERENCE_MISSING', () => checkReferences([]), 'at least one reference');
  });

  test('from 1 to 200 are accepted, more are not', () => {
    for (const count of [1, 200]) checkReferences(references(count));
    const { message } = expectCode('OPTION_INVALID', () => checkReferences(references(201)), 'at most 200');
    expect(message).toContain('got 201');
  });
});
