/** The limit on standing still ends what stands still, and nothing that moves. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchStillness } from './stillness.ts';

const MINUTE = 60_000;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('lets what moves take as long as it takes, ends it once it only repeats itself, and says what it saw last', async () => {
  const still = watchStillness();
  let ended: unknown;
  void still.during(new Promise(() => undefined)).catch((reason: unknown) => (ended = reason));
  for (let step = 0; step < 10; step++) {
    still.saw('run', `step ${step}`);
    await vi.advanceTimersByTimeAsync(14 * MINUTE);
  }
  expect(ended).toBeUndefined();
  still.saw('run', 'step 9');
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect(String(ended)).toContain('{"run":"step 9"}');
});

it('hands the end of the work on, and looks no longer', async () => {
  expect(await watchStillness().during(Promise.resolve('done'))).toBe('done');
  await expect(watchStillness().during(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  expect(vi.getTimerCount()).toBe(0);
});
