import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAdmission } from '../../../src/service/admission.ts';
import { expectRejection } from '../core/expect-error.ts';

/** Work that ends when told to. */
function held() {
  const ends: (() => void)[] = [];
  return { work: () => new Promise<void>((resolve) => ends.push(resolve)), ends };
}
const tick = () => new Promise((resolve) => setImmediate(resolve));
const request = { client: 'a', priority: 'interactive' } as const;

describe('the queue in front of the engine', () => {
  it('never runs more than it may, and runs everything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 40 }), async (concurrency, kinds) => {
        const admission = createAdmission({ concurrency, waiting: 100, clientShare: 1 });
        let running = 0;
        let most = 0;
        const done = await Promise.all(
          kinds.map((batch) =>
            admission.run({ client: 'a', priority: batch ? 'batch' : 'interactive' }, async () => {
              most = Math.max(most, ++running);
              await tick();
              running--;
              return 1;
            }),
          ),
        );
        expect(done).toHaveLength(kinds.length);
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(admission.state()).toMatchObject({ running: 0, waiting: 0 });
      }),
    );
  });

  it('refuses the one too many, and says when to come back', async () => {
    const admission = createAdmission({ concurrency: 1, waiting: 2, clientShare: 1 });
    const { work, ends } = held();
    const three = [1, 2, 3].map(() => admission.run(request, work));
    const error = await expectRejection('SERVICE_BUSY', admission.run(request, work), 'all 2 places');
    expect(error.retryAfterMs).toBeGreaterThanOrEqual(1000);
    for (const end of [0, 1, 2]) {
      ends[end]?.();
      await three[end];
    }
    await admission.run(request, () => Promise.resolve());
  });

  it('keeps one client from taking every place', async () => {
    const admission = createAdmission({ concurrency: 1, waiting: 4, clientShare: 0.5 });
    const { work, ends } = held();
    const greedy = [1, 2, 3].map(() => admission.run(request, work));
    await expectRejection('CLIENT_BUSY', admission.run(request, work), 'a has 2');
    const other = admission.run({ ...request, client: 'b' }, work);
    for (let i = 0; i < 4; i++) {
      ends[i]?.();
      await tick();
    }
    await Promise.all([...greedy, other]);
  });

  it('lets people go before batches', async () => {
    const admission = createAdmission({ concurrency: 1, waiting: 10 });
    const order: string[] = [];
    const { work, ends } = held();
    const first = admission.run(request, work);
    const batch = admission.run({ client: 'b', priority: 'batch' }, () => Promise.resolve(order.push('batch')));
    const person = admission.run({ client: 'c', priority: 'interactive' }, () => Promise.resolve(order.push('person')));
    await tick();
    ends[0]?.();
    await Promise.all([first, batch, person]);
    expect(order).toEqual(['person', 'batch']);
  });

  it('forgets who gives up while waiting, and ends with what runs', async () => {
    const admission = createAdmission({ concurrency: 1, waiting: 10 });
    const { work, ends } = held();
    const running = admission.run(request, work);
    const abort = new AbortController();
    const waiting = admission.run({ ...request, signal: abort.signal }, work);
    abort.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(admission.state().waiting).toBe(0);
    const refused = admission.run(request, work);
    const closing = admission.close();
    await expectRejection('SERVICE_CLOSING', refused);
    await expectRejection('SERVICE_CLOSING', admission.run(request, work));
    let closed = false;
    void closing.then(() => (closed = true));
    await tick();
    expect(closed).toBe(false);
    ends[0]?.();
    await Promise.all([running, closing]);
  });
});
