/** What the learner decides on, out of a real store. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { learnerFacts } from '../../../src/learner/facts.ts';
import { LEARNER_DEFAULTS } from '../../../src/learner/settings.ts';
import type { Provenance } from '../../../src/service/ports/storage.ts';
import { maskStore, type MaskStore } from './mask-store.ts';

let world: MaskStore;
beforeEach(async () => {
  world = await maskStore();
});
afterEach(() => world.close());

describe('learnerFacts', () => {
  const facts = () => learnerFacts(world.store, 'p', LEARNER_DEFAULTS);

  it('weighs what is new by how it came about', async () => {
    expect(await facts()).toEqual({ newWeight: 0, newMasks: 0, images: 0, largestLabel: 0, failures: 0 });
    for (const [i, provenance] of (['edited', 'accepted', 'accepted', 'drawn', 'rejected'] as Provenance[]).entries())
      await world.annotate(`a${i}`, provenance === 'rejected' ? [] : ['cup', 'jug'], { provenance });
    const { newWeight, ...rest } = await facts();
    expect(newWeight).toBeCloseTo(2 * (1 + 0.15 + 0.15 + 1));
    expect(rest).toEqual({ newMasks: 8, images: 5, largestLabel: 4, failures: 0 });
  });

  it('counts from the last run that learned something, and failures since', async () => {
    const { runs } = world.store;
    const run = async (id: string, nowMs: number, state: 'rejected' | 'failed'): Promise<void> => {
      await runs.claim('p', 'me', { id, upTo: await world.newest(), leaseMs: 1000, nowMs });
      await runs.finish(id, 'me', { state, reason: 'because', nowMs: nowMs + 5 });
    };
    await world.annotate('a', ['cup']);
    await run('r1', 1000, 'rejected');
    await world.annotate('b', ['cup']);
    await run('r2', 2000, 'failed');
    await run('r3', 3000, 'failed');
    expect(await facts()).toMatchObject({ newMasks: 1, newWeight: 1, failures: 2, lastEndMs: 3005 });
    await runs.claim('p', 'me', { id: 'r4', upTo: 9, leaseMs: 1000, nowMs: 4000 });
    expect(await facts()).toMatchObject({ running: { id: 'r4', leaseUntilMs: 5000 }, lastEndMs: 3005 });
  });

  it('looks at many annotations by the page, and no further than it must', async () => {
    for (let i = 0; i < 450; i++) await world.annotate(`a${i}`, ['cup'], { provenance: 'accepted' });
    const whole = await learnerFacts(world.store, 'p', { ...LEARNER_DEFAULTS, minNewMasks: 1e6 });
    expect(whole).toMatchObject({ newMasks: 450, images: 450 });
    expect(whole.newWeight).toBeCloseTo(67.5);
    expect((await facts()).newMasks).toBeLessThan(60);
  });
});
