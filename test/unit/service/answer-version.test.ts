import { describe, expect, it } from 'vitest';
import { answerVersion, isAnswerVersion } from '../../../src/service/answer-version.ts';

const parts = {
  model: 'tiny@9a897d329434',
  method: 'auto' as const,
  encoderVersion: 'base',
  sets: [
    { label: 'car', hash: '1' },
    { label: 'tree', hash: '2' },
  ],
};

describe('the version of an answer', () => {
  it('changes with what changes masks', () => {
    const version = answerVersion(parts);
    const others = [
      answerVersion({ ...parts, model: 'tiny@000000000000' }),
      answerVersion({ ...parts, encoderVersion: 'v-aa587c6782e0' }),
      answerVersion({ ...parts, sets: [{ label: 'car', hash: '1' }] }),
      answerVersion({ ...parts, method: 'prosam' }),
      answerVersion({ ...parts, method: 'nearest' }),
      answerVersion({ ...parts, options: { threshold: 0.6 } }),
      answerVersion({ ...parts, options: { minArea: 5 } }),
      answerVersion({ ...parts, options: { valueRange: [0, 10_000] } }),
      answerVersion({ ...parts, form: { instances: true } }),
    ];
    expect(new Set([version, ...others]).size).toBe(others.length + 1);
    for (const one of [version, ...others]) expect(isAnswerVersion(one), one).toBe(true);
  });

  it('stays where a promotion changes no mask, and whatever the order or an option left open', () => {
    for (const method of ['nearest', 'persam', 'external'] as const)
      expect(answerVersion({ ...parts, method, encoderVersion: 'v-aa587c6782e0' })).toBe(answerVersion({ ...parts, method }));
    expect(answerVersion({ ...parts, sets: [...parts.sets].reverse() })).toBe(answerVersion(parts));
    expect(answerVersion({ ...parts, options: {}, form: { instances: undefined } })).toBe(answerVersion(parts));
    expect(answerVersion({ ...parts, options: { seed: 1, samples: 2 } })).toBe(
      answerVersion({ ...parts, options: { samples: 2, seed: 1 } }),
    );
  });

  it('changes with numbers fitted to a label that are used, and with no others', () => {
    const values = { format: 'prosam-learned/1' as const, features: 'x', label: 'car', examples: 2, held: [] };
    const numbers = { probe: [1, 2], bias: 0, maps: { probe: 1 } };
    const used = answerVersion({ ...parts, options: { learned: [{ ...values, numbers }] } });
    expect(used).not.toBe(answerVersion(parts));
    expect(answerVersion({ ...parts, options: { learned: [{ ...values, numbers: { ...numbers, bias: 1 } }] } })).not.toBe(used);
    expect(isAnswerVersion(used)).toBe(true);
    for (const learned of [[], [values], [{ ...values, label: 'cup', numbers }]])
      expect(answerVersion({ ...parts, options: { learned } })).toBe(answerVersion(parts));
    const nearest = { ...parts, method: 'nearest' as const };
    expect(answerVersion({ ...nearest, options: { learned: [{ ...values, numbers }] } })).toBe(answerVersion(nearest));
  });

  it('is told from versions of other models', () => {
    // As 0.1.0 wrote them.
    expect(isAnswerVersion('tiny@9a897d329434.v-aa587c6782e0.r-387cc446b653')).toBe(true);
    expect(isAnswerVersion('tiny@9a897d329434.base.r-387cc446b653')).toBe(true);
    for (const other of ['', 'ProSAM', 'undefined', 'v1', 'yolo.base.r-387cc446b653', 'a@9a897d329434.other.r-387cc446b653'])
      expect(isAnswerVersion(other), other).toBe(false);
  });
});
