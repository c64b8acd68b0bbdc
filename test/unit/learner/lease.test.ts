/** A run is this learner's only as long as the store says so. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/service/ports/log.ts';
import { holdLease, type Lease } from '../../../src/learner/lease.ts';

type Renew = (id: string, holder: string, options: { leaseMs: number; nowMs: number; progress?: unknown }) => Promise<boolean>;
function leaseWith(renew: Renew, now = Date.now): Lease {
  return holdLease({ runs: { renew }, run: 'r', holder: 'me', leaseMs: 80, now, log: silentLog });
}

/** No clock but this one: timers are due when it is moved. */
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('holdLease', () => {
  it('renews long before the end and tells how far it is', async () => {
    const told: unknown[] = [];
    const lease = leaseWith((id, holder, { progress, leaseMs }) => {
      told.push([id, holder, leaseMs, progress]);
      return Promise.resolve(true);
    });
    lease.progress = { step: 7 };
    await pass(130);
    await lease.stop();
    const count = told.length;
    expect(count).toBe(6);
    expect(told[0]).toEqual(['r', 'me', 80, { step: 7 }]);
    expect(lease.lost.aborted).toBe(false);
    await pass(60);
    expect(told).toHaveLength(count);
  });

  it('is lost when the store says so', async () => {
    const lease = leaseWith(() => Promise.resolve(false));
    await pass(60);
    expect(lease.lost.aborted).toBe(true);
    await lease.stop();
  });

  it('outlives a store that does not answer, but not longer than its time', async () => {
    let nowMs = 1000;
    const lease = leaseWith(
      () => Promise.reject(new Error('away')),
      () => nowMs,
    );
    nowMs += 79;
    await pass(60);
    expect(lease.lost.aborted).toBe(false);
    nowMs += 1;
    await pass(60);
    expect(lease.lost.aborted).toBe(true);
    await lease.stop();
  });

  it('waits for a renewal that is on its way before it stops', async () => {
    let renewed = false;
    const lease = leaseWith(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return (renewed = true);
    });
    await pass(30);
    let stopped = false;
    const stopping = lease.stop().then(() => (stopped = true));
    await pass(40);
    expect({ renewed, stopped }).toEqual({ renewed: false, stopped: false });
    await pass(20);
    await stopping;
    expect(renewed).toBe(true);
  });
});
