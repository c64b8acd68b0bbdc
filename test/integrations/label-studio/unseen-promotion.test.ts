/** Promotions before the whole service and a stand-in for Label Studio: what changes no mask asks nobody again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { otherWeights } from '../../unit/service/other-weights.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { NAME, taskOf } from './backend-server.ts';
import { brushOf, photos, startStudio, type LiveResult, type Photo } from './live-studio.ts';

const TASKS = [1, 2, 3];
let pictures: Photo[];
let studio: Awaited<ReturnType<typeof startStudio>>;

beforeAll(async () => {
  pictures = await photos(TASKS.length + 1);
  studio = await startStudio(pictures);
  await studio.setup();
  const updated = { completed_by: 1, updated_at: '2026-11-22T16:31:56.000001Z', was_cancelled: false, ground_truth: false };
  const annotation = { id: 1, task: 0, result: [brushOf(pictures[0] as Photo)], ...updated };
  await studio.event({ action: 'ANNOTATION_CREATED', annotation, task: taskOf(0) });
  await until(async () => ((await studio.prosam.service.projects.get(NAME)).masks === 1 ? true : undefined));
});
afterAll(() => studio.close());

/** A version as the learner stores one: changed says whether a held-out mask of the label did. */
async function promoted(changed: boolean, factor: number): Promise<string> {
  const { service, settings } = studio.prosam;
  const { database, objects } = settings;
  const storage = await openStorage({ database, objects });
  try {
    const { store, blobs } = storage;
    const weights = await blobs.put(otherWeights(factor));
    const { baseModel } = await service.status();
    const { current } = await store.versions.state(NAME);
    const [id, run] = [`v-${factor}`.replace('.', ''), `r-${factor}`];
    await store.runs.claim(NAME, 'test', { id: run, upTo: 1, leaseMs: 60_000, nowMs: Date.now() });
    const gate = { decision: 'promote', method: 'auto', labels: [{ label: 'car', pairs: 6, current: 0.5, candidate: 0.5, changed }] };
    const version = {
      ...{ id, project: NAME, runId: run, weights, baseModel, data: 'd', seed: 1, code: 'test', createdMs: Date.now() },
      ...{ outcome: 'promoted' as const, reason: 'test', metrics: { gate }, ...(current !== undefined && { parent: current }) },
    };
    await store.runs.finish(run, 'test', { state: 'promoted', reason: 'test', version, nowMs: Date.now() });
    return id;
  } finally {
    await storage.close();
  }
}

/** Tasks as Label Studio sends them: with the predictions that it holds. */
const tasksWith = (held: readonly LiveResult[]): object[] =>
  TASKS.map((task, i) => {
    const response = held[i];
    const predictions = response === undefined || Array.isArray(response) ? [] : [{ id: task, ...response }];
    return { ...taskOf(task), predictions };
  });
const inService = (id: string) =>
  until(async () => ((await studio.prosam.service.projects.get(NAME)).encoderVersion === id ? true : undefined));

describe('a promotion', () => {
  it('that changes no mask leaves the version of Label Studio’s predictions: none is asked for again, and none is doubled', async () => {
    const before = await studio.setup();
    const held = await studio.predict(TASKS.map((task) => taskOf(task)));
    for (const response of held) expect(response).toMatchObject({ model_version: before });

    await inService(await promoted(false, 1.000001));
    // Label Studio compares this with what it holds, and asks for everything that differs.
    expect(await studio.setup()).toBe(before);
    // Asked all the same, there is nothing new to store.
    expect(await studio.predict(tasksWith(held))).toEqual(TASKS.map(() => []));
    expect(studio.pushed).toEqual([]);
    // A task without a prediction gets one of the same version, through the version in service.
    const [fresh] = await studio.predict([taskOf(1)]);
    expect(fresh).toMatchObject({ model_version: before });

    await inService(await promoted(true, 1.5));
    const after = await studio.setup();
    expect(after).not.toBe(before);
    const again = await studio.predict(tasksWith(held));
    for (const response of again) expect(response).toMatchObject({ model_version: after });
  });

  it('leaves the answer to /health to say what the learner waits for', async () => {
    const response = await fetch(`${studio.url}/label-studio/health`);
    expect(await response.json()).toMatchObject({ status: 'UP', learning: [{ project: NAME, line: 'a learner: it is switched off' }] });
  });
});
