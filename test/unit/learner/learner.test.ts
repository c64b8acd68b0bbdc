/** Runs on real data in a real store: promoted, rejected, failed, refused. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { parseSafetensors } from '../../../src/core/checkpoint/formats/safetensors.ts';
import { openEngine } from '../../../src/core/runtime/node/open-engine.ts';
import type { Blobs } from '../../../src/service/ports/storage.ts';
import type { VersionRecord } from '../../../src/service/ports/versions.ts';
import { learnOnce } from '../../../src/learner/learn-once.ts';
import { expectRejection } from '../core/expect-error.ts';
import { ENGINE_NAME } from '../training/small-run.ts';
import { modelWithoutEncoder } from './model-without-encoder.ts';
import { PROJECT } from './small-project.ts';
import { learnerBench, textWith } from './learner-bench.ts';

const bench = learnerBench();
const { options, learn, runsOf, versionsOf, ofType } = bench;

interface Metrics {
  gate: { pairs: number; current: number; candidate: number; labels: { label: string }[]; rows: { target: string }[] };
  training: { steps: number; curve: { step: number; loss: number }[]; masks: number; newMasks: number; seconds: number };
}

describe(`a run (${ENGINE_NAME})`, () => {
  it('promotes what is no worse, with everything one may ask about it later', async () => {
    await bench.world.annotate(10);
    const outcome = await learn();
    expect(outcome).toMatchObject({ state: 'promoted', reason: textWith(/^mIoU 0\.\d+ -> 0\.\d+ on \d+ held-out pairs/) });
    const [version] = await versionsOf();
    const [run] = await runsOf();
    if (!version || !run) throw new Error('expected a version and a run');
    expect(run).toMatchObject({ state: 'promoted', encoderVersion: version.id, attempts: 1 });
    expect(await bench.world.storage.store.versions.state(PROJECT)).toMatchObject({ current: version.id });
    expect(version).toMatchObject({
      number: 1,
      runId: run.id,
      code: '0.0.0-test',
      outcome: 'promoted',
      id: textWith(/^v-[0-9a-f]{12}$/),
    });
    expect(version.parent).toBeUndefined();
    expect(version.baseModel).toMatch(/^tiny@/);
    const { gate, training } = version.metrics as Metrics;
    expect(gate.labels.length).toBeGreaterThanOrEqual(1);
    expect(gate.rows).toHaveLength(gate.pairs);
    expect(training).toMatchObject({ steps: 4, masks: 10, newMasks: 10 });
    expect(training.curve.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(training.curve.every(({ loss }) => loss > 0)).toBe(true);

    // The file alone says what it is.
    const bytes = await bench.world.storage.blobs.get(version.weights);
    const { metadata, tensors } = parseSafetensors(bytes as Uint8Array, 'weights');
    const section = JSON.parse(metadata['prompt_encoder'] as string) as Record<string, unknown>;
    expect(section).toMatchObject({ config: { mid_channels: 192, num_prompts: 50 }, distribution: 'student_t', nu: 5 });
    expect(section).toHaveProperty('trained_against.sam');
    expect(section).not.toHaveProperty('file');
    expect(tensors.has('queries')).toBe(true);

    // Held-out images were not trained on, and what is left behind is small.
    const gateImages = new Set(gate.rows.map(({ target }) => target));
    for (const sha256 of gateImages) expect((await bench.world.storage.store.images.get(PROJECT, sha256))?.split).toBe('gate');
    expect(readdirSync(join(bench.world.folder, 'learner', 'runs', run.id))).toEqual(['metrics.jsonl']);
  });

  it('learns from crops of its images, too, where it is asked to', async () => {
    await bench.world.annotate(8);
    const features = join(bench.world.folder, 'learner', 'features');
    const crops = (): string[] => readdirSync(features).filter((name) => name.includes('crop'));
    await learn({ crops: 0 });
    expect(crops()).toEqual([]);
    await learn({ crops: 2, steps: 8 });
    expect(crops().length).toBeGreaterThan(0);
  });

  it('goes on from the version in service, mixes in what it learned before, and tests on the same images', async () => {
    await bench.world.annotate(8);
    await learn();
    await bench.world.annotate(4);
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

  it('fails with a reason where an image is none, and is not tried again at once', async () => {
    await bench.world.annotate(9);
    const sha256 = await bench.world.storage.blobs.put(Buffer.from('no image'));
    for (let i = 0; i < 3; i++) {
      const rle = { size: [2, 2] as const, counts: '04' };
      const image = { project: PROJECT, sha256, width: 2, height: 2 };
      const key = { project: PROJECT, source: 'test', externalId: `broken ${i}`, revision: 1, provenance: 'edited', createdMs: 1 } as const;
      await bench.world.storage.store.annotations.accept({ ...key, image, masks: [{ label: `heart_grad_17`, rle, area: 4 }] }, []);
    }
    const outcome = await learn({ steps: 30 });
    expect(outcome).toMatchObject({ state: 'failed', reason: textWith('IMAGE_UNREADABLE') });
    expect(await runsOf()).toMatchObject([{ state: 'failed', reason: textWith('IMAGE_UNREADABLE') }]);
    expect(await versionsOf()).toEqual([]);
    const settings = bench.world.settings({ minNewMasks: 1 });
    expect(await learnOnce(bench.world.storage, settings, { ...options(), projects: [PROJECT] })).toEqual([
      { state: 'waiting', waitingFor: textWith('a pause after a failed run') },
    ]);
  });

  it('leaves out images whose files are gone', async () => {
    const hashes = await bench.world.annotate(10);
    const gone = hashes[0] as string;
    const get = (name: string): Promise<Uint8Array | undefined> =>
      name === gone ? Promise.resolve(undefined) : bench.world.storage.blobs.get(name);
    const blobs: Blobs = { ...bench.world.storage.blobs, get };
    delete blobs.path; // as of a store elsewhere
    const storage = { ...bench.world.storage, blobs };
    const outcomes = await learnOnce(storage, bench.world.settings(), { ...options(), manual: true, projects: [PROJECT] });
    expect(outcomes).toMatchObject([{ state: 'promoted' }]);
    expect(ofType('start')[0]).toMatchObject({ images: 9, notes: ['1 image was left out: gone or damaged'] });
  });

  it('waits where there is too little to learn from, whoever asks', async () => {
    await bench.world.annotate(2, { concepts: [5] });
    expect(await learn()).toMatchObject({ state: 'waiting', waitingFor: textWith('3 images') });
    expect(await runsOf()).toEqual([]);
  });

  it('keeps to the hours it may train in, unless somebody asks', async () => {
    await bench.world.annotate(9);
    const hours = options({ nextAllowedMs: (ms) => ms + 3_600_000, projects: [PROJECT] });
    const waiting = { state: 'waiting', waitingFor: textWith(/^quiet hours until \d\d:\d\d$/) };
    expect(await learnOnce(bench.world.storage, bench.world.settings(), hours)).toEqual([waiting]);
    expect(await learnOnce(bench.world.storage, bench.world.settings({ steps: 1 }), { ...hours, manual: true })).toMatchObject([
      { run: textWith(/^r-/) },
    ]);
  });

  it('begins a prompt encoder where the model has none, and measures it against what needs no training', async () => {
    const model = modelWithoutEncoder(join(bench.world.folder, 'untrained'));
    await bench.world.annotate(8);
    const against = (rest: string): unknown => textWith(new RegExp(`^mIoU 0\\.\\d+ -> 0\\.\\d+ on \\d+ held-out pairs.*: ${rest}`));
    expect(await learn({ model, minGateImages: 5 })).toMatchObject({ state: 'rejected', reason: against('too few images to tell') });
    expect(ofType('start')[0]?.notes).toEqual(['the first prompt encoder of its model: it starts from random weights']);
    const [unfinished] = await versionsOf();
    expect(unfinished?.baseModel).toMatch(/^untrained@/);

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
      await untrained.loadPromptEncoder('first', (await bench.world.storage.blobs.get(first?.weights ?? '')) as Uint8Array);
      expect((await untrained.predict(image, [reference], asked)).masks).toMatchObject([{ method: 'prosam' }]);
      await expectRejection('METHOD_UNAVAILABLE', untrained.predict(image, [reference], { method: 'prosam' }));
    } finally {
      await untrained.close();
    }

    // From here on it is as with any other model.
    await bench.world.annotate(4);
    expect(await learn({ model })).toMatchObject({ state: 'promoted', reason: textWith('the current version') });
    expect((await versionsOf())[0]).toMatchObject({ number: 3, parent: first?.id });
  });

  it('refuses a model it cannot go on from', async () => {
    await bench.world.annotate(8);
    const outcome = await learn({ model: join(bench.world.folder, 'nothing') });
    expect(outcome).toMatchObject({ state: 'failed', reason: textWith('MODEL_NOT_FOUND') });
  });
});
