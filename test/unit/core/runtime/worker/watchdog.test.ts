import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchSilence } from '../../../../../src/core/runtime/worker/watchdog.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('silence', () => {
  it('is noticed where there is work, and counted anew after every word', () => {
    let [busy, noticed] = [false, 0];
    const watch = watchSilence(1000, { busy: () => busy, onSilence: () => noticed++ });
    vi.advanceTimersByTime(5000);
    expect(noticed).toBe(0);
    busy = true;
    vi.advanceTimersByTime(900);
    watch.heard();
    vi.advanceTimersByTime(1000);
    expect(noticed).toBe(0);
    vi.advanceTimersByTime(100);
    expect(noticed).toBe(1);
    watch.stop();
    vi.advanceTimersByTime(5000);
    expect(noticed).toBe(1);
  });
});
