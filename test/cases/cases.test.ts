/** Every case, asked in a program, on the command line and over HTTP: the answers must be right and alike. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { iou, type BinaryMask } from 'prosam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Case, Same } from './support/case.ts';
import { plainQuestion } from './support/scene.ts';
import { openWays, WAYS, type Question, type Ways } from './support/ways.ts';

/** Files beside this one export CASES. */
const KINDS = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
const kinds = await Promise.all(
  KINDS.map(async (file) => ({
    kind: file.slice(0, -3),
    cases: ((await import(join(import.meta.dirname, file))) as { CASES: readonly Case[] }).CASES,
  })),
);

let ways: Ways;
let plain: Question;
beforeAll(async () => {
  ways = await openWays();
  plain = await plainQuestion();
});
afterAll(() => ways.close());

/** Masks of the questions that others must agree with, each asked once. */
const known = new Map<unknown, Promise<BinaryMask>>();
function right(same: Same): Promise<BinaryMask> {
  const ask = async (): Promise<BinaryMask> => {
    const { mask } = await ways.SDK(same === 'plain' ? plain : await same(plain));
    expect(mask?.data.some((value) => value === 1)).toBe(true);
    return mask as BinaryMask;
  };
  const mask = known.get(same) ?? ask();
  known.set(same, mask);
  return mask;
}

describe.each(kinds)('$kind', ({ cases }) => {
  describe.each(cases)('$name', ({ question, expected, said = [], codes }) => {
    it.each(WAYS)('%s', async (way) => {
      const answer = await ways[way](await question(plain));
      if ('code' in expected) {
        expect(answer.error, answer.said).toBeDefined();
        const { code, message } = answer.error as { code: string; message: string };
        expect(code).toBe((way === 'SDK' ? undefined : codes?.[way]) ?? expected.code);
        for (const words of expected.says) expect(message).toContain(words);
      } else {
        expect(answer.error).toBeUndefined();
        const [mask, wanted] = [answer.mask as BinaryMask, await right(expected.same)];
        expect([mask.width, mask.height]).toEqual([wanted.width, wanted.height]);
        expect(iou(mask.data, wanted.data)).toBeGreaterThanOrEqual(expected.iou ?? 1);
      }
      for (const words of said) expect(answer.said).toContain(words);
    });
  });
});
