/** Trust: numbers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { absentEpisodes } from '../../../../src/training/evaluation/absent-episodes.ts';
import { trustOf, type JudgedRow } from '../../../../src/training/evaluation/trust.ts';
import type { DatasetImage, Episode } from '../../../../src/training/types.ts';

const row = (score: number, present: number, iou: number): JudgedRow => ({ score, present, iou });

describe('trust', () => {
  const shown = [row(0.9, 0.9, 0.8), row(0.6, 0.7, 0.7), row(0.2, 0.3, 0.1), row(0.3, 0.6, 0.2)];
  const absent = [row(0.5, 0.5, 1), row(0.1, 0.2, 1)];

  it('ranks the score, alone and with absent targets, whose masks are wrong whatever they cover', () => {
    const { rank, rankWithAbsent } = trustOf(shown, absent, 0.4);
    expect(rank).toBeCloseTo(1);
    // Score x present: 0.81 0.42 0.06 0.18 | 0.25 0.02, ranks 6 5 2 3 | 4 1; IoUs 6 5 3 4 | 1.5 1.5.
    expect(rankWithAbsent).toBeCloseTo(0.7537, 3);
  });

  it('counts how far scores are from what came of them', () => {
    expect(trustOf(shown, [], 0.4).calibrationError).toBeCloseTo((0.1 + 0.1 + 0.1 + 0.1) / 4);
    expect(trustOf(shown, absent, 0.4).calibrationErrorWithAbsent).toBeCloseTo((0.01 + 0.28 + 0.04 + 0.02 + 0.25 + 0.02) / 6);
  });

  it('says how well presence tells both kinds apart, and what the threshold does', () => {
    const found = trustOf(shown, absent, 0.55);
    // Of eight pairs the one of 0.3 and 0.5 stands the wrong way round.
    expect(found.auroc).toBeCloseTo(7 / 8);
    expect(found).toMatchObject({ threshold: 0.55, absentMasked: 0, goodKept: 1, shown: 4, absent: 2 });
    expect(trustOf(shown, absent, 0.4).absentMasked).toBe(0.5);
    expect(trustOf(shown, absent, 0.8).goodKept).toBe(0.5);
  });

  it('says nothing of absence where nothing is absent', () => {
    const found = trustOf(shown, [], 0.4);
    for (const key of ['auroc', 'absentMasked', 'rankWithAbsent']) expect(found).not.toHaveProperty(key);
  });
});

describe('absent episodes', () => {
  const image = (key: string): DatasetImage => ({ key, file: key });
  /** Classes that images show. */
  const SHOWN: Record<string, number[]> = { a: [1], b: [1, 2], c: [2], d: [2], e: [1] };
  const labels = ({ key }: DatasetImage) => Promise.resolve({ data: Uint8Array.from([0, ...(SHOWN[key] ?? [])]), width: 1, height: 1 });
  const episode = (classId: number, reference: string, target: string): Episode => ({
    ...{ classId, reference: image(reference), target: image(target) },
  });
  const episodes = [episode(1, 'a', 'b'), episode(2, 'b', 'c'), episode(2, 'c', 'd'), episode(1, 'b', 'e')];

  it('keep class and reference, and take images of others that do not show the class', async () => {
    const found = await absentEpisodes({ labels }, episodes, 1, 5);
    expect(found.map((own) => own.map(({ target }) => target.key).sort())).toEqual([
      ['c', 'd'],
      ['a', 'e'],
      ['a', 'e'],
      ['c', 'd'],
    ]);
    for (const [i, own] of found.entries())
      for (const one of own) expect(one).toMatchObject({ classId: episodes[i]?.classId, reference: episodes[i]?.reference });
  });

  it('are drawn from the seed, and as many as asked for', async () => {
    const first = async (seed: number) => (await absentEpisodes({ labels }, episodes, seed)).map(([one]) => one?.target.key);
    expect(await first(7)).toEqual(await first(7));
    const drawn = await Promise.all([1, 2, 3, 4, 5, 6].map(first));
    expect(new Set(drawn.map(([one]) => one))).toEqual(new Set(['c', 'd']));
    for (const own of await absentEpisodes({ labels }, episodes, 1)) expect(own.length).toBeLessThanOrEqual(1);
  });
});
