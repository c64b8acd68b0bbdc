/** Learners that watch a store: what they wait for, and who of several runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { LearnerEvent } from '../../../src/learner/types.ts';
import { startLearner } from '../../../src/learner/learner.ts';
import { PROJECT } from './small-project.ts';
import { learnerBench } from './learner-bench.ts';

const bench = learnerBench();
const { options, runsOf, ofType } = bench;

describe('learners that watch', () => {
  /** Resolves once the events hold one that fits. */
  const seen = async (fits: (event: LearnerEvent) => boolean): Promise<void> => {
    while (!bench.events.some(fits)) await wait(20);
  };

  it('run once what messages of both may start twice', async () => {
    const other = await openStorage({ database: join(bench.world.folder, 'prosam.db'), objects: join(bench.world.folder, 'blobs') });
    const settings = bench.world.settings({ minNewMasks: 8, minImages: 6 });
    const learners = [
      await startLearner(bench.world.storage, settings, options()),
      await startLearner(other, { ...settings, workDir: join(bench.world.folder, 'other') }, options()),
    ];
    await bench.world.annotate(9);
    await seen(({ type }) => type === 'end');
    await Promise.all(learners.map((learner) => learner.stop()));
    await other.close();
    expect(await runsOf()).toMatchObject([{ state: 'promoted', attempts: 1 }]);
    expect(ofType('start')).toHaveLength(1);
    expect(readFileSync(join(bench.world.folder, 'prosam.db')).byteLength).toBeGreaterThan(0);
  });

  it('tell what they wait for, and run at once when somebody asks', async () => {
    const learner = await startLearner(bench.world.storage, bench.world.settings({ minImages: 6 }), options({ lookEveryMs: 50 }));
    await bench.world.annotate(5);
    await seen((event) => event.type === 'waiting' && /^5 of 6 annotated images/.test(event.waitingFor));
    expect(await runsOf()).toEqual([]);
    await bench.world.storage.queue.send({ name: 'train', key: `${PROJECT} manual`, data: { project: PROJECT, manual: true } });
    await seen(({ type }) => type === 'end');
    await learner.stop();
    expect(await runsOf()).toMatchObject([{ state: 'promoted' }]);
    expect(await bench.world.storage.queue.depth()).toEqual({});
  });

  it('train one project after the other, only those they are for, and forget no request', async () => {
    for (const project of ['a', 'b', 'c']) await bench.world.annotate(4, { project, concepts: [5] });
    const learner = await startLearner(bench.world.storage, bench.world.settings(), options({ projects: ['a', 'b'], lookEveryMs: 300 }));
    for (const project of ['a', 'b', 'c'])
      await bench.world.storage.queue.send({ name: 'train', key: `${project} manual`, data: { project, manual: true } });
    for (const project of ['a', 'b']) await seen((event) => event.type === 'end' && event.project === project);
    await learner.stop();
    const lines = bench.events.filter(({ type }) => type === 'start' || type === 'end').map(({ type, project }) => `${type} ${project}`);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe(lines[0]?.replace('start', 'end'));
    expect(lines[3]).toBe(lines[2]?.replace('start', 'end'));
    expect(await bench.world.storage.store.runs.list({ project: 'c', limit: 1 })).toEqual([]);
  });

  it('take up what a learner that died left, once its lease is over', async () => {
    await bench.world.annotate(8);
    const nowMs = Date.now();
    await bench.world.storage.store.runs.claim(PROJECT, 'dead', { id: 'r-dead', upTo: 99, leaseMs: 1500, nowMs });
    const learner = await startLearner(bench.world.storage, bench.world.settings(), options());
    await seen(({ type }) => type === 'start');
    // By the clock that the lease was given by: a slow machine starts later, never earlier.
    expect(Date.now()).toBeGreaterThanOrEqual(nowMs + 1500);
    await seen(({ type }) => type === 'end');
    await learner.stop();
    expect(await runsOf()).toMatchObject([{ id: 'r-dead', state: 'promoted', attempts: 2 }]);
  });

  it('end when the memory is full', async () => {
    await bench.world.annotate(8);
    const learner = await startLearner(
      bench.world.storage,
      bench.world.settings({ maxMemoryBytes: 2 ** 30 }),
      options({ memoryUsed: () => 2 ** 31 }),
    );
    expect(await learner.ended).toBe('memory');
    expect((await runsOf())[0]).toMatchObject({ state: 'running' });
    expect((await runsOf())[0]?.holder).toBeUndefined();
  });
});
