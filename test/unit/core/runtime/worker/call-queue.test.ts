/** Who is refused and who is sent again when a worker dies. */
import { describe, expect, it } from 'vitest';
import { createWaitingCalls, MAX_REPEATS, type WaitingCalls } from '../../../../../src/core/runtime/worker/call-queue.ts';

const refusal = ({ id, losses }: { id: number; losses: number }): Error => new Error(`call ${id} after ${losses}`);

/** Calls 1 to count, and what became of each. */
function waiting(count: number): { calls: WaitingCalls; ends: (string | undefined)[]; sendAll: () => number[] } {
  const calls = createWaitingCalls();
  const ends: (string | undefined)[] = [];
  for (let id = 1; id <= count; id++) {
    calls.add(id, { name: 'prepare', image: `${id}.png` }, { signal: undefined, onAbort: () => undefined }).then(
      (value) => (ends[id] = String(value)),
      (error: unknown) => (ends[id] = (error as Error).message),
    );
  }
  const sendAll = (): number[] =>
    calls.sendable().map((call) => {
      call.sent = true;
      return call.id;
    });
  return { calls, ends, sendAll };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls of a worker that died', () => {
  it('are refused where it computed for them, and else sent again, one at a time', async () => {
    const { calls, ends, sendAll } = waiting(3);
    expect(sendAll()).toEqual([1, 2, 3]);
    calls.lost(2, refusal);
    await settled();
    expect(ends).toEqual([undefined, undefined, 'call 2 after 1'].slice(0, ends.length));
    expect(sendAll()).toEqual([1]);
    expect(sendAll()).toEqual([]);
    calls.resolve(1, 'one');
    expect(sendAll()).toEqual([3]);
    calls.resolve(3, 'three');
    await settled();
    expect(ends.slice(1)).toEqual(['one', 'call 2 after 1', 'three']);
  });

  it('are refused after some workers died with them, whatever those computed', async () => {
    const { calls, ends, sendAll } = waiting(2);
    sendAll();
    calls.lost(undefined, refusal);
    for (let repeat = 0; repeat < MAX_REPEATS; repeat++) {
      expect(sendAll()).toEqual([1]);
      calls.lost(undefined, refusal);
    }
    await settled();
    expect(ends[1]).toBe(`call 1 after ${MAX_REPEATS + 1}`);
    // The other was with the first of them alone.
    expect(sendAll()).toEqual([2]);
    calls.resolve(2, 'two');
    await settled();
    expect(ends[2]).toBe('two');
  });

  it('count nothing where they had not been sent', () => {
    const { calls, sendAll } = waiting(2);
    calls.lost(undefined, refusal);
    calls.lost(1, refusal);
    expect(sendAll()).toEqual([1, 2]);
  });
});

describe('a call that is aborted', () => {
  it('is gone at once, and the worker is told only of what it has', async () => {
    const calls = createWaitingCalls();
    const told: number[] = [];
    const aborts = [1, 2].map((id) => {
      const abort = new AbortController();
      const response = calls.add(id, { name: 'prepare', image: 'x.png' }, { signal: abort.signal, onAbort: () => told.push(id) });
      return { abort, response };
    });
    (calls.sendable()[0] as { sent: boolean }).sent = true;
    for (const { abort } of aborts) abort.abort(new Error('enough'));
    for (const { response } of aborts) await expect(response).rejects.toThrow('enough');
    expect(told).toEqual([1]);
    expect(calls.sent).toBe(0);
    await calls.idle();
  });
});
