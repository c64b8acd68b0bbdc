/** Runs that are put aside, taken up, taken away. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from './small-project.ts';
import { learnerBench, textWith } from './learner-bench.ts';

const bench = learnerBench();
const { learn, runsOf, versionsOf, ofType } = bench;

describe('a run that is put aside', () => {
  it('goes on where it was with the data it began with', async () => {
    await bench.world.annotate(8);
    const stop = new AbortController();
    const first = await learn(
      { steps: 5 },
      {
        signal: stop.signal,
        onEvent(event) {
          bench.events.push(event);
          if (event.type === 'step' && event.step === 2) stop.abort();
        },
      },
    );
    expect(first).toMatchObject({ state: 'interrupted' });
    const [waiting] = await runsOf();
    expect(waiting).toMatchObject({ state: 'running', attempts: 1 });
    expect(waiting?.holder).toBeUndefined();
    await bench.world.annotate(4);
    bench.events = [];
    // Other settings are for the next run: this one keeps what it began with.
    const second = await learn({ steps: 50 });
    expect(second).toMatchObject({ state: 'promoted', run: waiting?.id });
    expect(ofType('start')[0]).toMatchObject({ attempt: 2, masks: 8 });
    expect(ofType('step').map(({ step, steps }) => `${step}/${steps}`)).toEqual(['2/5', '3/5', '4/5', '5/5']);
    expect((await runsOf())[0]).toMatchObject({ attempts: 2, state: 'promoted' });
    expect(await versionsOf()).toHaveLength(1);
  });

  it('goes on where an earlier version of prosam left it, which cut no crops', async () => {
    await bench.world.annotate(8);
    const stop = new AbortController();
    await learn({ crops: 0 }, { signal: stop.signal, onEvent: (event) => event.type === 'step' && event.step === 2 && stop.abort() });
    const [run] = await runsOf();
    const file = join(bench.world.folder, 'learner', 'runs', run?.id ?? '', 'snapshot.json');
    const snapshot = JSON.parse(await readFile(file, 'utf8')) as { training: Record<string, unknown> };
    delete snapshot.training['crops'];
    await writeFile(file, JSON.stringify(snapshot));
    expect(await learn({ crops: 4 })).toMatchObject({ state: 'promoted', run: run?.id });
    expect(ofType('step').map(({ step }) => step)).toEqual([2, 3, 4]);
  });

  it('begins anew with the same data where its files are damaged', async () => {
    await bench.world.annotate(8);
    const stop = new AbortController();
    await learn({}, { signal: stop.signal, onEvent: (event) => event.type === 'step' && event.step === 2 && stop.abort() });
    const [run] = await runsOf();
    await writeFile(join(bench.world.folder, 'learner', 'runs', run?.id ?? '', 'training', 'checkpoint.safetensors'), 'half a che');
    expect(await learn()).toMatchObject({ state: 'promoted', run: run?.id });
    expect(ofType('step').map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('is put aside when the process holds too much, and was not for nothing', async () => {
    await bench.world.annotate(8);
    const steps: number[] = [];
    for (let i = 0; i < 10; i++) {
      const outcome = await learn({ maxMemoryBytes: 2 ** 30, steps: 3 }, { memoryUsed: () => 2 ** 31 });
      steps.push(Math.max(...ofType('step').map(({ step }) => step)));
      if (outcome.state !== 'memory') break;
    }
    expect(steps).toEqual([1, 2, 3]);
    expect(await versionsOf()).toHaveLength(1);
  });

  it('counts as failed after too many attempts', async () => {
    await bench.world.annotate(8);
    const { runs } = bench.world.storage.store;
    for (const nowMs of [1, 1000, 2000]) await runs.claim(PROJECT, `holder ${nowMs}`, { id: 'r-1', upTo: 99, leaseMs: 10, nowMs });
    expect(await learn({ maxAttempts: 3 })).toMatchObject({ state: 'failed', run: 'r-1', reason: textWith('3 times') });
  });

  it('writes nothing once another learner has it', async () => {
    await bench.world.annotate(8);
    const { runs } = bench.world.storage.store;
    const outcome = await learn(
      { steps: 60, leaseMs: 800 },
      {
        onEvent(event) {
          if (event.type === 'step' && event.step === 2)
            void runs.claim(PROJECT, 'thief', { id: 'r-2', upTo: 0, leaseMs: 1e6, nowMs: Date.now() + 1e6 });
        },
      },
    );
    expect(outcome).toMatchObject({ state: 'lost' });
    expect(await versionsOf()).toEqual([]);
    const [run, ...others] = await runsOf();
    expect(others).toEqual([]);
    expect(run).toMatchObject({ state: 'running', holder: 'thief' });
    expect(existsSync(join(bench.world.folder, 'learner', 'runs', run?.id ?? '', 'training', 'checkpoint.safetensors'))).toBe(true);
    expect(await learn()).toMatchObject({ state: 'held' });
  });

  it('becomes a rejected version when somebody else put another in service meanwhile', async () => {
    await bench.world.annotate(8);
    await learn();
    const [first] = await versionsOf();
    await learn(
      {},
      {
        onEvent(event) {
          if (event.type === 'step' && event.step === 1)
            void bench.world.storage.store.versions.promote(PROJECT, undefined, 'rollback', Date.now());
        },
      },
    );
    const [second] = await versionsOf();
    expect(second).toMatchObject({ parent: first?.id, outcome: 'rejected' });
    expect((await runsOf())[0]).toMatchObject({ state: 'rejected' });
    expect((await bench.world.storage.store.versions.state(PROJECT)).current).toBeUndefined();
  });
});
