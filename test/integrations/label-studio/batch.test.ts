import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeBrushRle } from '../../../src/adapters/label-studio/protocol/brush-rle.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import type { AcceptRequest, ServicePredictRequest } from '../../../src/service/types.ts';
import { onThisMachine } from '../../support/busy-watch.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { blobMask } from './masks.ts';
import { CONFIG, NAME, picture, startBackend, taskOf, type Backend, type BackendOptions } from './backend-server.ts';

interface Answer {
  results: ([] | { result: { value: { brushlabels?: string[] }; from_name: string }[]; score: number; model_version: string })[];
}

let backend: Backend;
afterEach(async () => {
  vi.unstubAllGlobals();
  await backend.close();
});

/** So long that it never comes by itself, and like no other time. */
const SOFT_DEADLINE_MS = 1_234_567;

/** The soft deadline comes when a test says so, however slow the machine; every other timer is left alone. */
function ownDeadline(): { reach(): void } {
  const due: (() => void)[] = [];
  const usual = globalThis.setTimeout;
  const caught = (callback: () => void, milliseconds?: number): NodeJS.Timeout => {
    if (milliseconds === SOFT_DEADLINE_MS) due.push(callback);
    return usual(milliseconds === SOFT_DEADLINE_MS ? () => undefined : callback, milliseconds);
  };
  vi.stubGlobal('setTimeout', caught);
  return { reach: () => due.splice(0).forEach((callback) => callback()) };
}

/** A wait that lasts until it is let go. */
function hold(): { held: Promise<void>; letGo: () => void } {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  return { held, letGo: () => letGo() };
}

async function start(options: Partial<BackendOptions> = {}, service = fakeService({ labels: ['car', 'tree'] })): Promise<FakeService> {
  backend = await startBackend({ service, ...options });
  return service;
}

/** So that there is something to predict. */
async function reference(service: FakeService, labels = ['car']): Promise<void> {
  const masks = labels.map((label) => ({ label, box: [1, 1, 5, 5] }));
  await service.annotations.accept({
    project: NAME,
    source: 'before',
    externalId: labels.join(),
    revision: 1,
    image: await picture('r'),
    provenance: 'drawn',
    masks,
  });
}

function brush(label: string, changes: object = {}): object {
  const rle = Array.from(encodeBrushRle(blobMask(320, 240, label.length)));
  return {
    ...{ id: `b-${label}`, type: 'brushlabels', from_name: 'tag', to_name: 'image', original_width: 320, original_height: 240 },
    ...{ image_rotation: 0, origin: 'manual', value: { format: 'rle', rle, brushlabels: [label] } },
    ...changes,
  };
}

function annotation(id: number, result: object[], changes: object = {}): object {
  return {
    ...{ id, result, was_cancelled: false, ground_truth: false, completed_by: 7, parent_prediction: null, task: 1 },
    ...{ created_at: '2026-11-22T16:31:56.406132Z', updated_at: '2026-11-22T16:31:56.406168Z' },
    ...changes,
  };
}

const accepts = ({ state }: FakeService): AcceptRequest[] =>
  state.calls.filter(({ name }) => name === 'annotations.accept').map(({ args }) => args as AcceptRequest);
const results = ({ json }: { json: unknown }): Answer['results'] => (json as Answer).results;

describe('a batch', () => {
  it('is answered with nothing to store as long as nothing is labelled, and says why in the log', async () => {
    await start();
    expect(results(await backend.predict([taskOf(1), taskOf(2)]))).toEqual([[], []]);
    expect(backend.log.map(({ message }) => message).join()).toContain('no label of the configuration has a reference yet');
    expect(backend.fetched).toEqual([]);
  });

  it('learns from its own annotated tasks first, and predicts the rest from them', async () => {
    const service = await start();
    const labelled = taskOf(1, { annotations: [annotation(4, [brush('car'), brush('tree')])] });
    const answers = results(await backend.predict([labelled, taskOf(2), taskOf(3)]));
    expect(accepts(service)).toMatchObject([
      { project: NAME, source: 'label-studio', externalId: '4', revision: 1_795_365_116_406_168, provenance: 'drawn', annotator: 'user 7' },
    ]);
    expect(answers.map((one) => (Array.isArray(one) ? [] : one.result.map(({ value }) => value.brushlabels)))).toEqual([
      [['car'], ['tree']],
      [['car'], ['tree']],
      [['car'], ['tree']],
    ]);
    const { json } = await backend.setup();
    expect(answers.map((one) => (Array.isArray(one) ? '' : one.model_version))).toEqual(
      Array(3).fill((json as { model_version: string }).model_version),
    );
    // The same batch again: known annotations are not sent again.
    await backend.predict([labelled]);
    expect(accepts(service).length).toBe(1);
  });

  it('flags what somebody starred or named a reference on its task, whichever said so last', async () => {
    const service = await start();
    const starred = annotation(4, [brush('car')], { ground_truth: true });
    await backend.predict([taskOf(1, { annotations: [starred] })]);
    expect(accepts(service)).toMatchObject([{ provenance: 'ground_truth', flagged: true }]);
    await backend.predict([taskOf(1, { annotations: [starred], meta: { reference: false } })]);
    await backend.predict([taskOf(1, { annotations: [starred], meta: { reference: true } })]);
    await backend.predict([taskOf(2, { annotations: [annotation(5, [brush('car')])], meta: { reference: true } })]);
    const flags = service.state.calls.filter(({ name }) => name === 'annotations.flag').map(({ args }) => args);
    expect(flags).toMatchObject([
      { key: { externalId: '4' }, flagged: false },
      { key: { externalId: '4' }, flagged: true },
      { key: { externalId: '5' }, flagged: true },
    ]);
  });

  it('does not predict what has a prediction of this version already', async () => {
    const service = await start();
    await reference(service);
    const { version } = await service.projects.get(NAME);
    const answers = results(
      await backend.predict([taskOf(1, { predictions: [{ id: 9, result: [], model_version: version }] }), taskOf(2)]),
    );
    expect(answers[0]).toEqual([]);
    expect(answers[1]).not.toEqual([]);
    const old = results(await backend.predict([taskOf(1, { predictions: [{ id: 9, result: [], model_version: 'older' }] })]));
    expect(old[0]).not.toEqual([]);
  });

  it('asks only for labels that the configuration has a place for and that have references', async () => {
    const service = await start();
    await reference(service, ['car', 'boat']);
    service.state.labels = ['car', 'boat'];
    await backend.predict([taskOf(1)]);
    const asked = service.state.calls
      .filter(({ name }) => name === 'predictions.predict')
      .map(({ args }) => (args as ServicePredictRequest).labels);
    expect(asked).toEqual([['car']]);
  });

  it('stores that there is nothing to see where the model sees nothing', async () => {
    const service = await start();
    await reference(service);
    const predict = service.predictions.predict.bind(service.predictions);
    service.predictions.predict = async (request, options) => {
      const answer = await predict(request, options);
      return {
        ...answer,
        masks: answer.masks.map((one) => ({ ...one, area: 0, mask: { ...one.mask, data: new Uint8Array(one.mask.data.length) } })),
      };
    };
    expect(results(await backend.predict([taskOf(1)]))).toMatchObject([{ result: [], score: 0.8 }]);
  });

  it('takes the form the configuration has room for: polygons, boxes, bitmasks, several controls at once', async () => {
    const service = await start();
    await reference(service, ['car', 'tree', 'dog']);
    service.state.labels = ['car', 'tree', 'dog'];
    const config = `<View><Image name="image" value="$image"/>
      <PolygonLabels name="poly" toName="image"><Label value="car"/></PolygonLabels>
      <BitmaskLabels name="bits" toName="image"><Label value="tree"/></BitmaskLabels>
      <RectangleLabels name="box" toName="image"><Label value="car"/><Label value="dog"/></RectangleLabels></View>`;
    const [answer] = results(await backend.predict([taskOf(1)], null, { label_config: config }));
    const regions = Array.isArray(answer) || answer === undefined ? [] : answer.result;
    expect(regions.map(({ from_name }) => from_name)).toEqual(['poly', 'bits', 'box']);
  });

  it('is pushed where it was not ready in time, and answered in part', async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS, concurrency: 2 } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' && ++predictions > 2 ? held : undefined);
    const asked = backend.predict([1, 2, 3, 4].map((id) => taskOf(id)));
    // The first two are ready once both places are taken by the others.
    await until(() => Promise.resolve(predictions === 4 || undefined));
    deadline.reach();
    const answers = results(await asked);
    letGo();
    expect(answers.map((one) => Array.isArray(one))).toEqual([false, false, true, true]);
    await until(() => Promise.resolve(backend.pushed.length === 2 || undefined));
    expect(backend.pushed.map(({ task }) => task).sort()).toEqual([3, 4]);
    const { version } = await service.projects.get(NAME);
    expect(backend.pushed[0]).toMatchObject({ model_version: version, score: 0.8, result: [{ from_name: 'tag' }] });
    expect(predictions).toBe(4);
  });

  it('of a single task is a task somebody opens: it does not wait long for its prediction', async () => {
    const service = await start({ limits: { openDeadlineMs: 100 } });
    await reference(service);
    const { held, letGo } = hold();
    service.state.before = (name) => (name === 'predictions.predict' ? held : undefined);
    expect(results(await backend.predict([taskOf(1)]))).toEqual([[]]);
    letGo();
    await until(() => Promise.resolve(backend.pushed.length === 1 || undefined));
  });

  it('that came late is there at the next asking, where it cannot be pushed', async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS }, pushFails: () => true });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' ? (predictions++, held) : undefined);
    const asked = backend.predict([taskOf(1), taskOf(2)]);
    await until(() => Promise.resolve(predictions === 2 || undefined));
    deadline.reach();
    expect(results(await asked)).toEqual([[], []]);
    letGo();
    await until(() => Promise.resolve(backend.log.find(({ message }) => message.includes('cannot be pushed'))));
    const answers = results(await backend.predict([taskOf(1), taskOf(2)]));
    expect(answers.map((one) => Array.isArray(one))).toEqual([false, false]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.predict').length).toBe(2);
  });

  it('asked twice at once is computed once, and pushed to nobody', async () => {
    const service = await start();
    await reference(service);
    const { held, letGo } = hold();
    let projects = 0;
    service.state.before = (name) => {
      if (name === 'projects.get') projects++;
      return name === 'predictions.predict' ? held : undefined;
    };
    const tasks = [1, 2, 3].map((id) => taskOf(id));
    const asked = [backend.predict(tasks), backend.predict(tasks)];
    // Each asks for the project before it looks for what is under way.
    await until(() => Promise.resolve(projects >= 2 || undefined));
    letGo();
    const both = await Promise.all(asked);
    for (const answer of both) expect(results(answer).map((one) => Array.isArray(one))).toEqual([false, false, false]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.predict').length).toBe(3);
    expect(backend.pushed).toEqual([]);
  });

  it('nobody waits for any more is computed to the end and pushed', async () => {
    const service = await start({ limits: { concurrency: 1 } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    const leaving = new AbortController();
    // One is ready by then, one in work, one not begun.
    service.state.before = (name) => {
      if (name !== 'predictions.predict' || ++predictions !== 2) return undefined;
      leaving.abort(new Error('nobody waits any more'));
      return held;
    };
    const body = JSON.stringify({ tasks: [taskOf(1), taskOf(2), taskOf(3)], project: '1.1795365113', label_config: CONFIG, params: {} });
    const headers = { authorization: `Basic ${Buffer.from('label-studio:a-long-password').toString('base64')}` };
    await expect(fetch(`${backend.url}/label-studio/predict`, { method: 'POST', body, headers, signal: leaving.signal })).rejects.toThrow();
    letGo();
    await until(() => Promise.resolve(backend.pushed.length === 3 || undefined));
    expect(backend.pushed.map(({ task }) => task).sort()).toEqual([1, 2, 3]);
  });

  it('waits for room where the service has none', async () => {
    const service = await start();
    await reference(service);
    let refusals = 2;
    service.state.before = (name) => {
      if (name === 'predictions.predict' && refusals-- > 0) throw new ProsamError('CLIENT_BUSY', 'full', { retryAfterMs: 20 });
    };
    expect(results(await backend.predict([taskOf(1)]))[0]).not.toEqual([]);
  });

  it('takes images a service no longer knows from Label Studio again', async () => {
    const service = await start();
    await reference(service);
    await backend.predict([taskOf(1)]);
    await backend.predict([taskOf(1)]);
    expect(backend.fetched.length).toBe(1);
    service.state.images.clear();
    await reference(service);
    expect(results(await backend.predict([taskOf(1)]))[0]).not.toEqual([]);
    expect(backend.fetched.length).toBe(2);
  });
});

describe("what people complain about in Label Studio's stock backend", () => {
  it('authentication: without credentials nothing answers, wrong ones are told apart from none, webhooks take a header of their own', async () => {
    await start({
      guard: { basic: [{ name: 'label-studio', password: 'a-long-password' }], tokens: [{ name: 'hook', token: 'a-token-for-webhooks' }] },
    });
    for (const [method, path] of [
      ['GET', '/health'],
      ['POST', '/setup'],
      ['POST', '/predict'],
      ['POST', '/webhook'],
      ['GET', '/versions'],
    ] as const) {
      expect((await backend.call(method, path, method === 'POST' ? {} : undefined, {})).status, path).toBe(401);
      expect(
        (await backend.call(method, path, method === 'POST' ? {} : undefined, { authorization: 'Basic d3Jvbmc6d3Jvbmc=' })).status,
        path,
      ).toBe(401);
    }
    const event = { action: 'PROJECT_UPDATED', project: { id: 1, created_at: '2026-11-22T16:31:53.521413Z' } };
    expect((await backend.call('POST', '/webhook', event, { authorization: 'Bearer a-token-for-webhooks' })).status).toBe(200);
  });

  it('authentication: callers held to other projects get nowhere', async () => {
    await start({ guard: { basic: [{ name: 'label-studio', password: 'a-long-password', projects: ['label-studio/2.3'] }] } });
    expect((await backend.setup()).status).toBe(403);
    expect((await backend.predict([taskOf(1)])).status).toBe(403);
    expect((await backend.setup({ project: '2.3' })).status).toBe(200);
  });

  it("batch time-outs: a slow model still answers before Label Studio's patience ends, and what it learned is not lost", async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' && ++predictions > 10 ? held : undefined);
    const asked = backend.predict(Array.from({ length: 30 }, (_, i) => taskOf(i + 1)));
    await until(() => Promise.resolve(predictions > 10 || undefined));
    deadline.reach();
    const ready = results(await asked).filter((one) => !Array.isArray(one)).length;
    letGo();
    expect(ready).toBeGreaterThan(0);
    expect(ready).toBeLessThan(30);
    await until(() => Promise.resolve(backend.pushed.length === 30 - ready || undefined));
  });

  it('time-outs of /setup: it answers at once whatever the service is busy with', async () => {
    const service = await start({ limits: { setupMs: 100 } });
    const { json } = await backend.setup();
    const { held, letGo } = hold();
    service.state.before = (name) => (name === 'projects.get' ? held : undefined);
    expect((await backend.setup()).json).toEqual(json);
    letGo();
  });

  it('silent empties: one bad image is one empty result, a line in the log and a count; the others are predicted', async () => {
    const service = await start({
      fetchImage: async (_task, value) => {
        if (value.includes('2.png')) throw new ProsamError('URL_FAILED', 'it is gone.');
        return value.includes('3.png') ? Buffer.from('no picture') : picture(value);
      },
    });
    await reference(service);
    const answers = results(await backend.predict([1, 2, 3, 4].map((id) => taskOf(id)).concat(taskOf(5, { data: {} }))));
    expect(answers.map((one) => Array.isArray(one))).toEqual([false, true, true, false, true]);
    const lines = backend.log.filter(({ level, fields }) => level === 'warn' && fields.task !== undefined);
    expect(lines.map(({ fields }) => [fields.task, fields.code]).sort()).toEqual([
      [2, 'URL_FAILED'],
      [3, 'IMAGE_UNREADABLE'],
      [5, 'REQUEST_INVALID'],
    ]);
    expect([...backend.errors].sort()).toEqual(['IMAGE_UNREADABLE', 'REQUEST_INVALID', 'URL_FAILED']);
  });

  it('silent empties: regions that cannot be read are named, the readable ones of the same annotation count', async () => {
    const service = await start();
    const broken = brush('tree', { value: { format: 'rle', rle: [1, 2, 300], brushlabels: ['tree'] } });
    await backend.predict([taskOf(1, { annotations: [annotation(4, [brush('car'), broken])] })]);
    expect(service.state.annotations.map(({ labels }) => labels.map(({ label }) => label))).toEqual([['car']]);
    expect(backend.log.find(({ fields }) => fields.region === 'b-tree')?.message).toContain('left out');
  });

  it('memory growth: what was asked, fetched and computed is let go of', async () => {
    const service = await start();
    await reference(service);
    // Pictures, records and calls stay in the fake; what the adapter holds is looked at here.
    const weigh = async (from: number): Promise<number> => {
      for (let round = 0; round < 4; round++) {
        await backend.predict(Array.from({ length: 20 }, (_, i) => taskOf(from + 20 * round + i)));
        service.state.calls.length = 0;
        service.state.predictions.length = 0;
        service.state.images.clear();
        await reference(service);
      }
      backend.fetched.length = 0;
      global.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return (heapUsed + arrayBuffers) / 2 ** 20;
    };
    await weigh(0);
    const before = await weigh(1000);
    const after = await weigh(2000);
    // 80 answers hold 24 MB of masks alone.
    expect(after - before).toBeLessThan(20);
  });

  it('slow with many masks: a task with 400 masks on it is asked about in a moment', async () => {
    const service = await start();
    await reference(service);
    const many = Array.from({ length: 400 }, (_, i) => brush('car', { id: `m${i}`, origin: 'prediction' }));
    const task = taskOf(1, { predictions: [{ id: 1, result: many, model_version: 'older' }], drafts: [{ result: many }] });
    const before = process.cpuUsage();
    expect(results(await backend.predict([task]))[0]).not.toEqual([]);
    const { user, system } = process.cpuUsage(before); // µs
    expect((user + system) / 1000).toBeLessThan(onThisMachine(2000));
  });
});
