/** One rule for what is tried again, and when. */
import { describe, expect, it } from 'vitest';
import {
  backoffMs,
  isWorthRepeating,
  MAX_PAUSE_MS,
  NO_ANSWER,
  pauseMs,
  retryAfterMs,
  wait,
  withRetry,
} from '../../../../src/core/common/retry.ts';

describe('isWorthRepeating', () => {
  const statuses = [NO_ANSWER, 400, 401, 404, 408, 410, 422, 429, 500, 501, 502, 503, 504];
  it.each([
    ['a call that may be repeated', { repeatable: true }, [NO_ANSWER, 408, 429, 500, 502, 503, 504]],
    ['a call that may not', { repeatable: false }, [429]],
    ['a server that marks what may pass', { repeatable: true, exact: true }, [NO_ANSWER, 429, 503]],
  ])('for %s', (_, rule, expected) => {
    expect(statuses.filter((status) => isWorthRepeating({ status }, rule))).toEqual(expected);
  });

  it('takes a 503 that names a time for one that was not taken, and Retry-After of an exact server for permission', () => {
    expect(isWorthRepeating({ status: 503, retryAfterMs: 0 }, { repeatable: false })).toBe(true);
    expect(isWorthRepeating({ status: 502, retryAfterMs: 0 }, { repeatable: false })).toBe(false);
    expect(isWorthRepeating({ status: 500, retryAfterMs: 1000 }, { repeatable: true, exact: true })).toBe(true);
  });
});

describe('retryAfterMs', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ])('reads %j', (header, expected) => {
    expect(retryAfterMs(header, 1000)).toBe(expected);
  });
});

describe('pauses', () => {
  it('double up to a bound, and spread by a quarter', () => {
    const middle = { firstMs: 100, maxMs: 500, random: () => 0.5 };
    expect([1, 2, 3, 4, 5].map((tried) => backoffMs(tried, middle))).toEqual([100, 200, 400, 500, 500]);
    expect([0, 1].map((random) => backoffMs(1, { firstMs: 100, random: () => random }))).toEqual([75, 125]);
  });

  it('are as long as the server asks, and none where it asks for too long', () => {
    const backoff = { firstMs: 100, random: () => 0.5 };
    expect(pauseMs(1, { retryAfterMs: 3000 }, backoff)).toBe(3000);
    expect(pauseMs(1, { retryAfterMs: 3 }, backoff)).toBe(100);
    expect(pauseMs(1, { retryAfterMs: MAX_PAUSE_MS + 1 }, backoff)).toBeUndefined();
  });

  it('end with their signal', async () => {
    const stop = new AbortController();
    const waiting = wait(3_600_000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(wait(3_600_000, stop.signal)).rejects.toThrow('enough');
  });
});

describe('withRetry', () => {
  const failing = (tried: number): Promise<number> => (tried < 2 ? Promise.reject(new Error(`try ${tried}`)) : Promise.resolve(tried));

  it('goes on until work succeeds, and ends with the error that is final', async () => {
    expect(await withRetry(failing, { pauseAfter: () => 0 })).toBe(2);
    await expect(withRetry(failing, { pauseAfter: (_, tried) => (tried < 2 ? 0 : undefined) })).rejects.toThrow('try 1');
  });

  it('does nothing more once its signal has aborted', async () => {
    const stop = new AbortController();
    let tries = 0;
    const work = (): Promise<never> => {
      tries++;
      stop.abort(new Error('enough'));
      return Promise.reject(new Error('failed'));
    };
    await expect(withRetry(work, { pauseAfter: () => 0, signal: stop.signal })).rejects.toThrow('enough');
    expect(tries).toBe(1);
  });
});
