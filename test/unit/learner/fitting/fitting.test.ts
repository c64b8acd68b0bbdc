/** Numbers fitted to labels: kept where they pay, used by the service, taken back with the masks they rest on. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../../src/index.ts';
import { fitOnce, keepFitting } from '../../../../src/learner/fitting/fitting.ts';
import type { FitParts } from '../../../../src/learner/fitting/fit-project.ts';
import type { LearnerEvent } from '../../../../src/learner/types.ts';
import { CONCEPTS } from '../../../../src/scenes/index.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import { createService, type RunningService } from '../../../../src/service/service.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { otherWeights } from '../../service/other-weights.ts';
import { shownScenes } from '../../service/shown-scene.ts';
import { smallProject, type SmallProject } from '../small-project.ts';

/** Concepts whose left-out scenes gain by fitted numbers, and do not. */
const [PAYS, NOT] = [31, 12];
type FitEvent = Extract<LearnerEvent, { type: 'fit' }>;

let engine: Engine;
let world: SmallProject;
let service: RunningService;
let events: FitEvent[];
let errors: string[];
const stop: AbortController[] = [];
beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
});
afterAll(() => engine.close());
beforeEach(async () => {
  world = await smallProject();
  service = await createService({ engine, storage: world.storage, log: silentLog, pollMs: 50 });
  [events, errors] = [[], []];
});
afterEach(async () => {
  for (const one of stop.splice(0)) one.abort();
  await service.close();
  await world.close();
});

function context(more: Partial<FitParts['context']> = {}): FitParts['context'] {
  const stopping = new AbortController();
  stop.push(stopping);
  return {
    ...{ storage: world.storage, settings: world.settings({ fitFrom: 2, method: 'auto' }), holder: 'a learner', now: Date.now },
    log: { ...silentLog, error: (fields, message) => errors.push(`${message} ${JSON.stringify(fields)}`) },
    onEvent(event) {
      if (event.type === 'fit') events.push(event);
    },
    signal: stopping.signal,
    ...more,
  };
}
const target = async (concept: number) => (await shownScenes(7)(concept)).bytes;
async function predicted(project: string, concept: number) {
  const { version, masks } = await service.predictions.predict({ project, image: await target(concept), remember: false });
  expect(version).toBe((await service.projects.get(project)).version);
  return { version, method: masks[0]?.method, pixels: Buffer.from(masks[0]?.mask.data ?? []).toString('base64') };
}
const fitOf = async (project: string) => (await service.projects.get(project)).concepts[0]?.fit;
const labelOf = (concept: number) => CONCEPTS[concept]?.name ?? '';

describe('numbers fitted to accepted masks', () => {
  it('change masks where left-out images gain, and nothing where they do not', async () => {
    await world.annotate(4, { project: 'pays', concepts: [PAYS] });
    await world.annotate(4, { project: 'not', concepts: [NOT] });
    const before = { pays: await predicted('pays', PAYS), not: await predicted('not', NOT) };
    expect(before.pays.method).not.toBe('learned');
    await fitOnce(context(), ['pays', 'not']);
    expect(events).toMatchObject([
      { project: 'pays', label: labelOf(PAYS), images: 4, used: true },
      { project: 'not', used: false },
    ]);
    expect(events[0]?.learned).toBeGreaterThan(events[0]?.plain ?? 1);
    expect(events[1]?.learned).toBeLessThanOrEqual(events[1]?.plain ?? 0);

    const after = { pays: await predicted('pays', PAYS), not: await predicted('not', NOT) };
    expect(after.pays.method).toBe('learned');
    expect(after.pays.version).not.toBe(before.pays.version);
    expect(after.pays.pixels).not.toBe(before.pays.pixels);
    expect(after.not).toEqual(before.not);
    const { images, plain, learned, used } = events[0] as FitEvent;
    expect(await fitOf('pays')).toEqual({ images, plain, learned, used });
    expect(await fitOf('not')).toMatchObject({ images: 4, used: false });
    const { learning } = await service.status();
    const line = `${labelOf(PAYS)} fitted on 4 masks: left-out images ${plain.toFixed(2)} -> ${learned.toFixed(2)}`;
    expect(learning.find(({ project }) => project === 'pays')?.line).toContain(line);
    expect(learning.find(({ project }) => project === 'not')?.line).toContain('fitted on 4 masks, not used: left-out images');

    // A request that says how to draw is drawn so, and what has not changed is not fitted again.
    const named = await service.predictions.predict({
      project: 'pays',
      image: await target(PAYS),
      options: { method: 'prosam' },
      remember: false,
    });
    expect(named.masks[0]?.method).toBe('prosam');
    await service.annotations.flag({ project: 'pays', source: 'test', externalId: 'scene 1' }, true);
    await fitOnce(context(), ['pays', 'not']);
    expect(events).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it('bring the masks they rest on as references, from eight on, whether they pay or not', async () => {
    const referencesOf = async () => (await service.projects.get('many')).concepts[0]?.references.length;
    await world.annotate(9, { project: 'many', concepts: [PAYS] });
    const before = await predicted('many', PAYS);
    expect(await referencesOf()).toBe(5);
    await fitOnce(context(), ['many']);
    expect(events).toMatchObject([{ project: 'many', images: 9 }]);
    expect(await referencesOf()).toBe(9);
    expect((await predicted('many', PAYS)).version).not.toBe(before.version);
  });

  it('are used by no service that is told not to', async () => {
    await world.annotate(4, { project: 'pays', concepts: [PAYS] });
    const before = await predicted('pays', PAYS);
    await fitOnce(context(), ['pays']);
    await service.close();
    service = await createService({ engine, storage: world.storage, log: silentLog, pollMs: 50, useFits: false });
    expect(await predicted('pays', PAYS)).toEqual(before);
  });

  it('are taken back with a mask or an image they rest on, and fitted anew to what is left', async () => {
    const hashes = await world.annotate(4, { project: 'pays', concepts: [PAYS] });
    await fitOnce(context(), ['pays']);
    await service.annotations.delete({ project: 'pays', source: 'test', externalId: 'scene 1' });
    expect([await fitOf('pays'), (await predicted('pays', PAYS)).method]).toEqual([undefined, expect.not.stringMatching('learned')]);
    await fitOnce(context(), ['pays']);
    expect(await fitOf('pays')).toMatchObject({ images: 3 });
    await service.projects.eraseImage('pays', hashes[3] as string);
    expect(await fitOf('pays')).toBeUndefined();
    await fitOnce(context(), ['pays']);
    expect(events.map(({ images }) => images)).toEqual([4, 3, 2]);
    await service.projects.eraseImage('pays', hashes[2] as string);
    await fitOnce(context(), ['pays']);
    expect(events).toHaveLength(3);
  });

  it('belong to the prompt encoder they were fitted with', async () => {
    await world.annotate(4, { project: 'pays', concepts: [PAYS] });
    await fitOnce(context(), ['pays']);
    const { runs } = world.storage.store;
    const weights = await world.storage.blobs.put(otherWeights(0.9));
    await runs.claim('pays', 'me', { id: 'r', upTo: 9, leaseMs: 60_000, nowMs: Date.now() });
    const facts = { id: 'v-1', project: 'pays', runId: 'r', weights, baseModel: engine.info.model, data: 'd', seed: 1, code: '0' };
    const version = { ...facts, createdMs: 1, outcome: 'promoted' as const, reason: 'better', metrics: {} };
    await runs.finish('r', 'me', { state: 'promoted', reason: 'better', version, nowMs: Date.now() });
    await expect.poll(async () => (await service.projects.get('pays')).encoderVersion, { timeout: 20_000 }).toBe('v-1');
    expect((await predicted('pays', PAYS)).method).not.toBe('learned');
    await fitOnce(context(), ['pays']);
    expect((await world.storage.store.fits.get('pays', labelOf(PAYS)))?.values.promptEncoder).toBe('v-1');
    expect(events).toHaveLength(2);
    expect((await predicted('pays', PAYS)).method === 'learned').toBe(events[1]?.used);
  });

  it('cost no other label anything where its own cannot be fitted', async () => {
    await world.annotate(4, { project: 'pays', concepts: [PAYS] });
    const sha256 = await world.storage.blobs.put(Buffer.from('no image'));
    const image = { project: 'pays', sha256, width: 2, height: 2 };
    const broken = { project: 'pays', source: 'test', revision: 1, provenance: 'drawn', createdMs: 1 } as const;
    const masks = [{ label: 'broken', rle: { size: [2, 2] as const, counts: '04' }, area: 4 }];
    const other = await world.storage.blobs.put(Buffer.from('no image either'));
    await world.storage.store.annotations.accept({ ...broken, externalId: 'x', image, masks }, []);
    await world.storage.store.annotations.accept({ ...broken, externalId: 'y', image: { ...image, sha256: other }, masks }, []);
    await fitOnce(context(), ['pays']);
    expect(errors).toEqual([expect.stringMatching(/no numbers were fitted to a label.*"label":"broken".*IMAGE|image/)]);
    expect(events).toMatchObject([{ label: labelOf(PAYS), used: true }]);
  });
});

describe('learners that watch', () => {
  const seen = async (count: number): Promise<void> => {
    while (events.length < count) await wait(20);
  };

  it('fit once what several see, again when masks come, and end between two steps', async () => {
    const second = await openStorage({ database: join(world.folder, 'prosam.db'), objects: join(world.folder, 'blobs') });
    const contexts = [
      context({ holder: 'one' }),
      context({
        ...{ holder: 'two', storage: second },
        settings: { ...world.settings({ fitFrom: 2, method: 'auto' }), workDir: join(world.folder, 'other') },
      }),
    ];
    const learners = contexts.map((one) => keepFitting(one, (project) => project !== 'else', 50));
    await world.annotate(2, { project: 'else', concepts: [NOT] });
    await world.annotate(3, { project: 'pays', concepts: [PAYS] });
    await seen(1);
    await world.annotate(1, { project: 'pays', concepts: [PAYS] });
    while (events.at(-1)?.images !== 4) await wait(20);
    // Another project comes after all that the first one leads to.
    await world.annotate(2, { project: 'not', concepts: [NOT] });
    while (events.at(-1)?.project !== 'not') await wait(20);
    for (const one of stop) one.abort();
    await Promise.all(learners);
    await second.close();
    const facts = events.map(({ project, images }) => `${project} ${images}`);
    expect(new Set(facts).size).toBe(facts.length);
    expect(facts).not.toContain(expect.stringContaining('else'));
    expect(errors).toEqual([]);
  });

  it('leave a project to another learner until its lease is over', async () => {
    await world.annotate(3, { project: 'pays', concepts: [PAYS] });
    const { upkeep } = world.storage.store;
    const until = Date.now() + 1500;
    await upkeep?.hold('fit pays', 'one that died', { nowMs: Date.now(), leaseMs: 1500 });
    await fitOnce(context(), ['pays']);
    expect(events).toEqual([]);
    const learner = keepFitting(context(), () => true, 50);
    await seen(1);
    expect(Date.now()).toBeGreaterThanOrEqual(until);
    for (const one of stop) one.abort();
    await learner;
    expect(await upkeep?.held('fit ', Date.now())).toEqual([]);
  });

  it('do nothing where they are told to, or where nobody asks for it', async () => {
    await world.annotate(3, { project: 'pays', concepts: [PAYS] });
    for (const settings of [
      world.settings(),
      world.settings({ fitFrom: 4, method: 'auto' }),
      world.settings({ fitFrom: 2, method: 'prosam' }),
    ])
      await fitOnce(context({ settings }), ['pays']);
    await keepFitting(context({ settings: world.settings() }), () => true, 50);
    expect(await world.storage.store.fits.list('pays', 9)).toEqual([]);
  });
});
