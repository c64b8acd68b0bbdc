import { afterEach, describe, expect, it } from 'vitest';
import { encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { NAME, startBackend, taskOf, type Backend, type BackendOptions } from './backend-server.ts';

let backend: Backend;
afterEach(() => backend.close());

async function start(options: Partial<BackendOptions> = {}): Promise<FakeService> {
  const service = fakeService({ labels: ['car', 'tree'] });
  backend = await startBackend({ service, ...options });
  return service;
}

describe('events', () => {
  const project = {
    id: 1,
    created_at: '2026-11-22T16:31:53.521413Z',
    label_config:
      '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="car"/></BrushLabels></View>',
  };
  const blank = {
    id: 'x',
    type: 'brushlabels',
    from_name: 'tag',
    to_name: 'image',
    original_width: 320,
    original_height: 240,
    image_rotation: 0,
  };
  const rle = Array.from(encodeBrushRleSync({ data: new Uint8Array(320 * 240).fill(1, 0, 9), width: 320, height: 240 }));
  const submitted = (id: number, changes: object = {}): object => ({
    ...{
      id,
      task: 1,
      was_cancelled: false,
      ground_truth: false,
      parent_prediction: null,
      completed_by: 1,
      updated_at: '2026-11-22T16:31:56.000001Z',
    },
    ...{ result: [{ ...blank, value: { format: 'rle', rle, brushlabels: ['car'] } }] },
    ...changes,
  });
  const provenances = ({ state }: FakeService): unknown[] =>
    state.annotations.map(({ externalId, provenance }) => [externalId, provenance]);
  const send = async (body: object): Promise<void> => {
    expect((await backend.call('POST', '/webhook', { project, ...body })).status).toBe(200);
    await backend.adapter.idle();
  };

  it('are answered at once, however slow the service', async () => {
    const service = await start();
    let done = false;
    let letGo = (): void => undefined;
    const freed = new Promise<void>((resolve) => (letGo = resolve));
    service.state.before = (name) => (name === 'annotations.accept' ? freed.then(() => void (done = true)) : undefined);
    const body = { action: 'ANNOTATION_CREATED', project, annotation: submitted(1), task: taskOf(1) };
    expect((await backend.call('POST', '/webhook', body)).status).toBe(200);
    expect(done).toBe(false);
    letGo();
    await until(() => Promise.resolve(done || undefined));
  });

  it('of submitting, accepting, changing, starring, skipping and submitting nothing tell how a mask came about', async () => {
    const service = await start();
    const region = (changes: object): object => ({ ...blank, value: { format: 'rle', rle, brushlabels: ['car'] }, ...changes });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(1), task: taskOf(1) });
    await send({
      action: 'ANNOTATION_CREATED',
      annotation: submitted(2, { parent_prediction: 5, result: [region({ origin: 'prediction', score: 0.8 })] }),
      task: taskOf(1),
    });
    await send({
      action: 'ANNOTATION_CREATED',
      annotation: submitted(3, { parent_prediction: 5, result: [region({ origin: 'prediction-changed' })] }),
      task: taskOf(1),
    });
    await send({
      action: 'ANNOTATION_CREATED',
      annotation: submitted(4, { result: [region({ origin: 'manual', score: 0.9 })] }),
      task: taskOf(1),
    });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(5, { ground_truth: true }), task: taskOf(1) });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(6, { was_cancelled: true, result: [] }), task: taskOf(1) });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(7, { result: [] }), task: taskOf(1) });
    expect(Object.fromEntries(provenances(service) as [string, string][])).toEqual({
      ...{ 1: 'drawn', 2: 'accepted', 3: 'edited', 4: 'edited', 5: 'ground_truth', 6: 'skipped', 7: 'absent' },
    });
  });

  it('of imported annotations count below what was drawn here, until somebody changes them', async () => {
    const service = await start();
    const at = (created_at: string, more: object) => ({ created_at, updated_at: '2026-11-22T16:31:56.000001Z', ...more });
    const [import_time, earlier] = ['2026-11-22T16:31:55.900000Z', '2026-11-22T16:30:00.000000Z'];
    const all = [
      at(import_time, { lead_time: 3.2, import_id: null }),
      at(import_time, { lead_time: null, import_id: null }),
      at(import_time, { lead_time: 3.2, import_id: 77 }),
      at(earlier, { lead_time: 3.2, import_id: 77 }),
      at(import_time, { lead_time: null, import_id: 78, ground_truth: true }),
    ];
    for (const [i, more] of all.entries()) await send({ action: 'ANNOTATION_CREATED', annotation: submitted(i, more), task: taskOf(1) });
    expect(Object.fromEntries(provenances(service) as [string, string][])).toEqual({
      ...{ 0: 'drawn', 1: 'imported', 2: 'imported', 3: 'drawn', 4: 'ground_truth' },
    });
  });

  it('that come twice count once, changes replace what was there, older ones do not', async () => {
    const service = await start();
    const event = { action: 'ANNOTATION_CREATED', annotation: submitted(1), task: taskOf(1) };
    await send(event);
    await send(event);
    const later = submitted(1, { updated_at: '2026-11-22T16:31:56.000002Z', ground_truth: true });
    await send({ action: 'ANNOTATION_UPDATED', annotation: later, task: taskOf(1) });
    expect(provenances(service)).toEqual([['1', 'ground_truth']]);
    await send(event);
    expect(provenances(service)).toEqual([['1', 'ground_truth']]);
  });

  it('of many at once come as lists under singular names; deletions name numbers alone', async () => {
    const service = await start();
    const tasks = [taskOf(1), taskOf(2)];
    await send({ action: 'ANNOTATIONS_CREATED', annotation: [submitted(1), submitted(2, { task: 2 })], task: tasks });
    expect(service.state.annotations.map(({ externalId }) => externalId).sort()).toEqual(['1', '2']);
    expect(backend.fetched).toEqual(['/data/upload/1/1.png', '/data/upload/1/2.png']);
    await send({ action: 'ANNOTATIONS_DELETED', annotations: [{ id: 1 }] });
    expect(provenances(service)).toEqual([['2', 'drawn']]);
  });

  it('of deleted tasks erase their images, also those nobody has annotated, and no others', async () => {
    const service = await start();
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(1), task: taskOf(1) });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(11, { task: 11 }), task: taskOf(11) });
    await send({ action: 'TASKS_CREATED', tasks: [taskOf(2)] });
    const named = () => [...service.state.images.values()].map(({ externalId }) => externalId).sort();
    expect(named()).toEqual(['task 11: 11.png', 'task 1: 1.png', 'task 2: 2.png']);
    await send({ action: 'TASKS_DELETED', tasks: [{ id: 1 }, { id: 2 }] });
    expect(named()).toEqual(['task 11: 11.png']);
    expect(provenances(service)).toEqual([['11', 'drawn']]);
  });

  it('of imports bring no annotations: they are asked for', async () => {
    const service = await start({ annotations: { 1: [submitted(8), { nonsense: true }] } });
    await send({ action: 'TASKS_CREATED', tasks: [taskOf(1, { total_annotations: 1 }), taskOf(2)] });
    expect(provenances(service)).toEqual([['8', 'drawn']]);
  });

  it('that ask for training are answered at once; annotations are brought up to date first', async () => {
    const service = await start();
    await send({ action: 'START_TRAINING' });
    expect(backend.before).toEqual([NAME]);
    expect(service.state.calls.filter(({ name }) => name === 'projects.train').map(({ args }) => args)).toEqual([NAME]);
  });

  it('that ask for training are told where there is too little to learn from', async () => {
    const reported: unknown[] = [];
    const service = await start({ report: (error, where) => void reported.push([where, (error as { code?: string }).code]) });
    for (const id of [1, 2]) await send({ action: 'ANNOTATION_CREATED', annotation: submitted(id, { task: id }), task: taskOf(id) });
    await send({ action: 'START_TRAINING' });
    expect([reported, backend.errors]).toEqual([[[NAME, 'DATASET_INVALID']], ['DATASET_INVALID']]);
    expect(backend.log.map(({ message }) => message).join()).toContain('masks of one label in at least 3 images, got 2');
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(3, { task: 3 }), task: taskOf(3) });
    await send({ action: 'START_TRAINING' });
    expect(reported).toHaveLength(1);
    expect(service.state.calls.filter(({ name }) => name === 'projects.train')).toHaveLength(2);
  });

  it('of unknown kinds, and nonsense, harm nothing', async () => {
    await start();
    await send({ action: 'SOMETHING_NEW' });
    expect((await backend.call('POST', '/webhook', { action: 'ANNOTATION_CREATED', project: 1 })).status).toBe(200);
    expect((await backend.call('POST', '/webhook', [])).status).toBe(400);
  });

  it('one that fails spoils none that follow', async () => {
    const service = await start();
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(1), task: taskOf(1, { data: {} }) });
    await send({ action: 'ANNOTATION_CREATED', annotation: submitted(2), task: taskOf(1) });
    expect(provenances(service)).toEqual([['2', 'drawn']]);
    expect(backend.log.find(({ message }) => message.includes('annotation 1 is not taken'))).toBeDefined();
  });
});

describe('setting up', () => {
  it('answers with the version, tells once, and again when address or token change', async () => {
    const service = await start();
    const { version } = await service.projects.get(NAME);
    for (let i = 0; i < 3; i++) expect((await backend.setup()).json).toEqual({ model_version: version });
    await backend.setup({ access_token: 'b'.repeat(40) });
    expect(backend.connected.map(({ token, hostname, project }) => [token?.[0], hostname, project])).toEqual([
      ['a', 'http://127.0.0.1:9', NAME],
      ['b', 'http://127.0.0.1:9', NAME],
    ]);
    expect((await backend.call('GET', '/versions')).json).toEqual({ versions: [version] });
  });

  it('takes the address from the options alone, whatever a request names', async () => {
    await start({ hostname: 'http://own:1/', token: 'mine' });
    await backend.setup({ hostname: 'http://another:1', extra_params: '{"hostname":"http://studio:8080/"}', access_token: 'theirs' });
    expect(backend.connected).toMatchObject([{ hostname: 'http://own:1', token: 'mine' }]);
  });

  it('refuses one that names an address where none is configured, and takes one that names none', async () => {
    await start({ withoutAddress: true });
    for (const named of [{}, { hostname: '', extra_params: '{"hostname":"http://studio:8080/"}' }, { hostname: 'studio' }]) {
      const { status, text } = await backend.setup(named);
      expect([status, text]).toEqual([422, expect.stringContaining('PROSAM_LABEL_STUDIO_URL')]);
    }
    expect((await backend.setup({ hostname: '' })).status).toBe(200);
    expect(backend.connected).toMatchObject([{ hostname: '' }]);
  });

  it('never sends a configured token wherever a request says', async () => {
    await start();
    await expect(startBackend({ service: fakeService(), withoutAddress: true, token: 'mine' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('refuses what is no setup', async () => {
    await start();
    expect((await backend.setup({ project: 'x/../y' })).status).toBe(400);
    expect((await backend.predict([taskOf(1)], null, { label_config: '<View>' })).status).toBe(400);
    expect((await backend.predict([taskOf(1)], null, { project: undefined })).status).toBe(400);
    expect((await backend.predict([{ data: {} }])).status).toBe(400);
    expect((await backend.predict([])).json).toEqual({ results: [] });
  });
});
