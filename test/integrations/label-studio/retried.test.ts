import { describe, expect, it } from 'vitest';
import { retried } from '../../../src/adapters/label-studio/with-retry.ts';
import { ProsamError, type ErrorCode } from '../../../src/core/common/errors.ts';

describe('work that is tried again', () => {
  it.each([
    ['SERVICE_BUSY', 20],
    ['ENGINE_UNAVAILABLE', 20],
    ['ENGINE_CRASHED', 3],
    ['ENGINE_HUNG', 3],
    ['MASK_EMPTY', 1],
  ] as [ErrorCode, number][])('for %s is tried %i times', async (code, times) => {
    let tries = 0;
    const work = (): Promise<never> => {
      tries++;
      throw new ProsamError(code, 'not now. Later.', { retryAfterMs: 1 });
    };
    await expect(retried(work, new AbortController().signal)).rejects.toMatchObject({ code });
    expect(tries).toBe(times);
  });
});
