/** Whole runs on real data in a real store: promoted, rejected, put aside, taken up, taken away. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { sceneWith } from '../../../src/cli/demo/scenes.ts';
import { parseSafetensors } from '../../../src/core/checkpoint/formats/safetensors.ts';
import type { LearnerSettings } from '../../../src/learner/settings.ts';
import { openEngine } from '../../../src/core/runtime/node/open-engine.ts';
import type { Blobs } from '../../../src/service/ports/storage.ts';
import type { RunRecord, VersionRecord } from '../../../src/service/ports/versions.ts';
import type { LearnerEvent, RunOutcome } from '../../../src/learner/types.ts';
import { learnOnce } from '../../../src/learner/learn-once.ts';
import type { LearnerOptions } from '../../../src/learner/context.ts';
import { startLearner } from '../../../src/learner/learner.ts';
import type { TrainingEngine } from '../../../src/training/tfjs/engine.ts';
import { expectRejection } from '../core/expect-error.ts';
import { anEngine, ENGINE_NAME } from '../training/small-run.ts';
import { modelWithoutEncoder } from './model-without-encoder.ts';
import { PROJECT, smallProject, type SmallProject } from './small-project.ts';

let engine: TrainingEngine;
beforeAll(async () => {
  engine = await anEngine();
});
let world: SmallProject;
let events: LearnerEvent[];
beforeEach(async () => {
  world = await smallProject();
  events = [];
});
afterEach(() => world.close());

const options = (more: Partial<LearnerOptions> = {}): LearnerOptions => ({
  ...{ engine, codeVersion: '0.0.0-test', onEvent: (event) => events.push(event) },
  ...more,
});
/** A run now, whatever the policy says. */
async function learn(settings: Partial<LearnerSettings> = {}, more: Partial<LearnerOptions> = {}): Promise<RunOutcome> {
  const [outcome] = await learnOnce(world.storage, world.settings(settings), { ...options(more), manual: true, projects: [PROJECT] });
  return outcome as RunOutcome;
}
const runsOf = (): Promise<RunRecord[]> => world.storage.store.runs.list({ project: PROJECT, limit: 10 });
const versionsOf = (): Promise<VersionRecord[]> => world.storage.store.versions.list({ project: PROJECT, limit: 10 });
const ofType = <T extends LearnerEvent['type']>(type: T) =>
  events.filter((event): event is Extract<LearnerEvent, { type: T }> => event.type === type);

/** For `toMatchObject`: a text with this in it. */
const textWith = (part: string | RegExp): unknown =>
  typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part);

interface Metrics {
  gate: { pairs: number; current: number; candidate: number; labels: { label: string }[]; rows: { target: string }[] };
  training: { steps: number; curve: { step: number; loss: number }[]; masks: number; newMasks: number; seconds: number };
}

describe(`a run (${ENGINE_NAME})`, () => {
  it('promotes what is no worse, with everything one may ask about it later', async () => {
    await world.annotate(10);
    const outcome = await learn();
    expect(outcome).toMatchObject({ state: 'promoted', reason: textWith(/^mIoU 0\.\d+ -> 0\.\d+ on \d+ held-out pairs/) });
    const [version] = await versionsOf();
    const [run] = await runsOf();
    if (!version || !run) throw new Error('expected a version and a run');
    expect(run).toMatchObject({ state: 'promoted', version: version.id, attempts: 1 });
    expect(await world.storage.store.versions.state(PROJECT)).toMatchObject({ current: version.id });
    expect(version).toMatchObject({
      number: 1,
      runId: run.id,
      code: '0.0.0-test',
      outcome: 'promoted',
      id: textWith(/^v-[0-9a-f]{12}$/),
    });
    expect(version.parent).toBeUndefined();
    expect(version.model).toMatch(/^tiny@/);
    const { gate, training } = version.metrics as Metrics;
    expect(gate.labels.length).toBeGreaterThanOrEqual(1);
    expect(gate.rows).toHaveLength(gate.pairs);
    expect(training).toMatchObject({ steps: 4, masks: 10, newMasks: 10 });
    expect(training.curve.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(training.curve.every(({ loss }) => loss > 0)).toBe(true);

    // The file alone says what it is.
    const bytes = await world.storage.blobs.get(version.weights);
    const { metadata, tensors } = parseSafetensors(bytes as Uint8Array, 'weights');
    const section = JSON.parse(metadata['prompt_encoder'] as string) as Record<string, unknown>;
    expect(section).toMatchObject({ config: { mid_channels: 192, num_prompts: 50 }, distribution: 'student_t', nu: 5 });
    expect(section).toHaveProperty('trained_against.sam');
    expect(section).not.toHaveProperty('file');
    expect(tensors.has('queries')).toBe(true);

    // Held-out images were not trained on, and what is left behind is small.
    const gateImages = new Set(gate.rows.map(({ target }) => target));
    for (const sha256 of gateImages) expect((await world.storage.store.images.get(PROJECT, sha256))?.split).toBe('gate');
    expect(readdirSync(join(world.folder, 'learner', 'runs', run.id))).toEqual(['metrics.jsonl']);
  });

  it('goes on from the version in service, mixes in what it learned before, and tests on the same images', async () => {
    await world.annotate(8);
    await learn();
    await world.annotate(4);
    await learn();
    const [second, first] = await versionsOf();
    expect(second).toMatchObject({ number: 2, parent: first?.id });
    expect(second?.weights).not.toBe(first?.weights);
    expect(second?.data).not.toBe(first?.data);
    expect(second?.seed).not.toBe(first?.seed);
    expect(second?.metrics).toMatchObject({ training: { masks: 12, newMasks: 4 } });
    const gateOf = (version: VersionRecord | undefined): string[] => (version?.metrics as Metrics).gate.rows.map(({ target }) => target);
    expect(gateOf(second)).toEqual(expect.arrayContaining(gateOf(first)));
    expect(ofType('start').map(({ parent }) => parent)).toEqual([undefined, first?.id]);
  });

  it('rejects what does not pass the gate and leaves the version in service alone', async () => {
    await world.annotate(8);
    const outcome = await learn({ margin: -1 }); // nothing can be that much better
    expect(outcome).toMatchObject({ state: 'rejected', reason: textWith('worse than the current version by more than -1') });
    const [version] = await versionsOf();
    expect(version).toMatchObject({ outcome: 'rejected', number: 1 });
    expect((await world.storage.store.versions.state(PROJECT)).current).toBeUndefined();
    expect(await runsOf()).toMatchObject([{ state: 'rejected', version: version?.id }]);
    expect(await world.storage.blobs.has(version?.weights ?? '')).toBe(true);
  });

  it('fails with a reason where an image is none, and is not tried again at once', async () => {
    await world.annotate(9);
    const sha256 = await world.storage.blobs.put(Buffer.from('no image'));
    for (let i = 0; i < 3; i++) {
      const rle = { size: [2, 2] as const, counts: '04' };
      const image = { project: PROJECT, sha256, width: 2, height: 2 };
      const key = { project: PROJECT, source: 'test', externalId: `broken ${i}`, revision: 1, provenance: 'edited', createdMs: 1 } as const;
      await world.storage.store.annotations.accept({ ...key, image, masks: [{ label: `heart_grad_17`, rle, area: 4 }] }, []);
    }
    const outcome = await learn({ steps: 30 });
    expect(outcome).toMatchObject({ state: 'failed', reason: textWith('IMAGE_UNREADABLE') });
    expect(await runsOf()).toMatchObject([{ state: 'failed', reason: textWith('IMAGE_UNREADABLE') }]);
    expect(await versionsOf()).toEqual([]);
    const settings = world.settings({ minNewMasks: 1 });
    expect(await learnOnce(world.storage, settings, { ...options(), projects: [PROJECT] })).toEqual([
      { state: 'waiting', waitingFor: textWith('the pause after a failed run') },
    ]);
  });

  it('leaves out images whose files are gone', async () => {
    const hashes = await world.annotate(10);
    const gone = hashes[0] as string;
    const get = (name: string): Promise<Uint8Array | undefined> =>
      name === gone ? Promise.resolve(undefined) : world.storage.blobs.get(name);
    const blobs: Blobs = { ...world.storage.blobs, get };
    delete blobs.path; // as of a store elsewhere
    const storage = { ...world.storage, blobs };
    const outcomes = await learnOnce(storage, world.settings(), { ...options(), manual: true, projects: [PROJECT] });
    expect(outcomes).toMatchObject([{ state: 'promoted' }]);
    expect(ofType('start')[0]).toMatchObject({ images: 9, notes: ['1 image was left out: gone or damaged'] });
  });

  it('waits where there is too little to learn from, whoever asks', async () => {
    await world.annotate(2, { concepts: [5] });
    expect(await learn()).toMatchObject({ state: 'waiting', waitingFor: textWith('3 images') });
    expect(await runsOf()).toEqual([]);
  });

  it('keeps to the hours it may train in, unless somebody asks', async () => {
    await world.annotate(9);
    const hours = options({ nextAllowedMs: (ms) => ms + 3_600_000, projects: [PROJECT] });
    const waiting = { state: 'waiting', waitingFor: 'the hours in which training is allowed, in 60 minutes' };
    expect(await learnOnce(world.storage, world.settings(), hours)).toEqual([waiting]);
    expect(await learnOnce(world.storage, world.settings({ steps: 1 }), { ...hours, manual: true })).toMatchObject([{ state: 'promoted' }]);
  });

  it('begins a prompt encoder where the model has none, and measures it against what needs no training', async () => {
    const model = modelWithoutEncoder(join(world.folder, 'untrained'));
    await world.annotate(8);
    const against = (rest: string): unknown => textWith(new RegExp(`^mIoU 0\\.\\d+ -> 0\\.\\d+ on \\d+ held-out pairs: ${rest}`));
    expect(await learn({ model, margin: -1 })).toMatchObject({ state: 'rejected', reason: against('worse than what needs no training') });
    expect(ofType('start')[0]?.notes).toEqual(['the first prompt encoder of its model: it starts from random weights']);
    const [unfinished] = await versionsOf();
    expect(unfinished?.model).toMatch(/^untrained@/);

    // What was not good enough goes on, and what needs no training is still the measure.
    expect(await learn({ model })).toMatchObject({ state: 'promoted', reason: against('.*what needs no training') });
    expect(ofType('start')[1]?.notes).toEqual([`it goes on from ${unfinished?.id}, which is not in service`]);
    const [first] = await versionsOf();
    const gates = [unfinished, first].map((version) => (version?.metrics as Metrics).gate);
    expect(gates[1]?.current).toBe(gates[0]?.current);
    for (const gate of gates) expect(gate.current).toBeGreaterThan(gate.candidate); // four steps are few

    // An engine of that model answers with it, by the method that it lacks itself.
    const untrained = await openEngine({ model });
    try {
      const { image, truth } = sceneWith(5, () => 1);
      const asked = { method: 'prosam', promptEncoder: 'first' } as const;
      const reference = { image, mask: truth } as const;
      await untrained.loadPromptEncoder('first', (await world.storage.blobs.get(first?.weights ?? '')) as Uint8Array);
      expect((await untrained.predict(image, [reference], asked)).masks).toMatchObject([{ method: 'prosam' }]);
      await expectRejection('METHOD_UNAVAILABLE', untrained.predict(image, [reference], { method: 'prosam' }));
    } finally {
      await untrained.close();
    }

    // From here on it is as with any other model.
    await world.annotate(4);
    expect(await learn({ model })).toMatchObject({ state: 'promoted', reason: textWith('the current version') });
    expect((await versionsOf())[0]).toMatchObject({ number: 3, parent: first?.id });
  });

  it('refuses a model it cannot go on from', async () => {
    await world.annotate(8);
    const outcome = await learn({ model: join(world.folder, 'nothing') });
    expect(outcome).toMatchObject({ state: 'failed', reason: textWith('MODEL_NOT_FOUND') });
  });
});

describe('a run that is put aside', () => {
  it('goes on where it was with the data it began with', async () => {
    await world.annotate(8);
    const stop = new AbortController();
    const first = await learn(
      { steps: 5 },
      {
        signal: stop.signal,
        onEvent(event) {
          events.push(event);
          if (event.type === 'step' && event.step === 2) stop.abort();
        },
      },
    );
    expect(first).toMatchObject({ state: 'interrupted' });
    const [waiting] = await runsOf();
    expect(waiting).toMatchObject({ state: 'running', attempts: 1 });
    expect(waiting?.holder).toBeUndefined();
    await world.annotate(4);
    events = [];
    // Other settings are for the next run: this one keeps what it began with.
    const second = await learn({ steps: 50 });
    expect(second).toMatchObject({ state: 'promoted', run: waiting?.id });
    expect(ofType('start')[0]).toMatchObject({ attempt: 2, masks: 8 });
    expect(ofType('step').map(({ step, steps }) => `${step}/${steps}`)).toEqual(['2/5', '3/5', '4/5', '5/5']);
    expect((await runsOf())[0]).toMatchObject({ attempts: 2, state: 'promoted' });
    expect(await versionsOf()).toHaveLength(1);
  });

  it('begins anew with the same data where its files are damaged', async () => {
    await world.annotate(8);
    const stop = new AbortController();
    await learn({}, { signal: stop.signal, onEvent: (event) => event.type === 'step' && event.step === 2 && stop.abort() });
    const [run] = await runsOf();
    await writeFile(join(world.folder, 'learner', 'runs', run?.id ?? '', 'training', 'checkpoint.safetensors'), 'half a che');
    expect(await learn()).toMatchObject({ state: 'promoted', run: run?.id });
    expect(ofType('step').map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('is put aside when the process holds too much, and was not for nothing', async () => {
    await world.annotate(8);
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
    await world.annotate(8);
    const { runs } = world.storage.store;
    for (const nowMs of [1, 1000, 2000]) await runs.claim(PROJECT, `holder ${nowMs}`, { id: 'r-1', upTo: 99, leaseMs: 10, nowMs });
    expect(await learn({ maxAttempts: 3 })).toMatchObject({ state: 'failed', run: 'r-1', reason: textWith('3 times') });
  });

  it('writes nothing once another learner has it', async () => {
    await world.annotate(8);
    const { runs } = world.storage.store;
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
    expect(existsSync(join(world.folder, 'learner', 'runs', run?.id ?? '', 'training', 'checkpoint.safetensors'))).toBe(true);
    expect(await learn()).toMatchObject({ state: 'held' });
  });

  it('becomes a rejected version when somebody else put another in service meanwhile', async () => {
    await world.annotate(8);
    await learn();
    const [first] = await versionsOf();
    await learn(
      {},
      {
        onEvent(event) {
          if (event.type === 'step' && event.step === 1)
            void world.storage.store.versions.promote(PROJECT, undefined, 'rollback', Date.now());
        },
      },
    );
    const [second] = await versionsOf();
    expect(second).toMatchObject({ parent: first?.id, outcome: 'rejected' });
    expect((await runsOf())[0]).toMatchObject({ state: 'rejected' });
    expect((await world.storage.store.versions.state(PROJECT)).current).toBeUndefined();
  });
});

describe('learners that watch', () => {
  /** Resolves once the events hold one that fits. */
  const seen = async (fits: (event: LearnerEvent) => boolean): Promise<void> => {
    while (!events.some(fits)) await wait(20);
  };

  it('run once what messages of both may start twice', async () => {
    const other = await openStorage({ database: join(world.folder, 'prosam.db'), objects: join(world.folder, 'blobs') });
    const settings = world.settings({ minNewMasks: 8, minImages: 6 });
    const learners = [
      await startLearner(world.storage, settings, options()),
      await startLearner(other, { ...settings, workDir: join(world.folder, 'other') }, options()),
    ];
    await world.annotate(9);
    await seen(({ type }) => type === 'end');
    await Promise.all(learners.map((learner) => learner.stop()));
    await other.close();
    expect(await runsOf()).toMatchObject([{ state: 'promoted', attempts: 1 }]);
    expect(ofType('start')).toHaveLength(1);
    expect(readFileSync(join(world.folder, 'prosam.db')).byteLength).toBeGreaterThan(0);
  });

  it('tell what they wait for, and run at once when somebody asks', async () => {
    const learner = await startLearner(world.storage, world.settings(), options({ lookEveryMs: 50 }));
    await world.annotate(5);
    await seen((event) => event.type === 'waiting' && /^6 annotated images \(there are 5\)/.test(event.waitingFor));
    expect(await runsOf()).toEqual([]);
    await world.storage.queue.send({ name: 'train', key: `${PROJECT} manual`, data: { project: PROJECT, manual: true } });
    await seen(({ type }) => type === 'end');
    await learner.stop();
    expect(await runsOf()).toMatchObject([{ state: 'promoted' }]);
    expect(await world.storage.queue.depth()).toEqual({});
  });

  it('train one project after the other, only those they are for, and forget no request', async () => {
    for (const project of ['a', 'b', 'c']) await world.annotate(4, { project, concepts: [5] });
    const learner = await startLearner(world.storage, world.settings(), options({ projects: ['a', 'b'], lookEveryMs: 300 }));
    for (const project of ['a', 'b', 'c'])
      await world.storage.queue.send({ name: 'train', key: `${project} manual`, data: { project, manual: true } });
    for (const project of ['a', 'b']) await seen((event) => event.type === 'end' && event.project === project);
    await learner.stop();
    const lines = events.filter(({ type }) => type === 'start' || type === 'end').map(({ type, project }) => `${type} ${project}`);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe(lines[0]?.replace('start', 'end'));
    expect(lines[3]).toBe(lines[2]?.replace('start', 'end'));
    expect(await world.storage.store.runs.list({ project: 'c', limit: 1 })).toEqual([]);
  });

  it('take up what a learner that died left, once its lease is over', async () => {
    await world.annotate(8);
    const nowMs = Date.now();
    await world.storage.store.runs.claim(PROJECT, 'dead', { id: 'r-dead', upTo: 99, leaseMs: 1500, nowMs });
    const learner = await startLearner(world.storage, world.settings(), options());
    await seen(({ type }) => type === 'start');
    // By the clock that the lease was given by: a slow machine starts later, never earlier.
    expect(Date.now()).toBeGreaterThanOrEqual(nowMs + 1500);
    await seen(({ type }) => type === 'end');
    await learner.stop();
    expect(await runsOf()).toMatchObject([{ id: 'r-dead', state: 'promoted', attempts: 2 }]);
  });

  it('end when the memory is full', async () => {
    await world.annotate(8);
    const learner = await startLearner(world.storage, world.settings({ maxMemoryBytes: 2 ** 30 }), options({ memoryUsed: () => 2 ** 31 }));
    expect(await learner.ended).toBe('memory');
    expect((await runsOf())[0]).toMatchObject({ state: 'running' });
    expect((await runsOf())[0]?.holder).toBeUndefined();
  });
});
