import { afterEach, describe, expect, it } from 'vitest';
import type { MlResponse } from '../../../src/adapters/label-studio/protocol/responses.ts';
import type { MlEvent } from '../../../src/adapters/label-studio/protocol/events.ts';
import { parseEvent, projectKeyOf } from '../../../src/adapters/label-studio/protocol/events.ts';
import { runStepsSync } from '../../../src/core/mask/cooperative.ts';
import { createMlBackend, type MlBackendOptions, type MlPredictRequest } from '../../../src/adapters/label-studio/protocol/ml-backend.ts';
import type { WrittenRegion } from '../../../src/adapters/label-studio/protocol/write-region.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { AUTHORIZED, startApp, type RunningApp } from '../../unit/adapters/http/running-app.ts';

const CONFIG = '<View><Image name="i" value="$image"/><BrushLabels name="b" toName="i"><Label value="car"/></BrushLabels></View>';

let app: RunningApp;
afterEach(() => app.close({ deadlineMs: 100 }));

/** A model that knows nothing of this package. */
async function start(changes: Partial<MlBackendOptions> = {}): Promise<{ asked: MlPredictRequest[]; events: MlEvent[] }> {
  const asked: MlPredictRequest[] = [];
  const events: MlEvent[] = [];
  const { routes } = createMlBackend({
    modelClass: 'Own',
    setup: ({ project }) => Promise.resolve({ modelVersion: `own-${project}` }),
    predict: (request) => {
      asked.push(request);
      return Promise.resolve(request.tasks.map(() => response()));
    },
    onEvent: (event) => {
      events.push(event);
      return Promise.resolve();
    },
    ...changes,
  });
  app = await startApp(routes);
  return { asked, events };
}

function region(changes: Partial<WrittenRegion> = {}): WrittenRegion {
  return {
    ...{ id: 'r', type: 'brushlabels', from_name: 'b', to_name: 'i', original_width: 2, original_height: 1, image_rotation: 0 },
    ...{ origin: 'prediction', score: 0.5, value: { format: 'rle', rle: [0], brushlabels: ['car'] } },
    ...changes,
  };
}

function response(changes: Partial<MlResponse> = {}): MlResponse {
  return { result: [region()], score: 0.5, modelVersion: 'own-1', ...changes };
}

async function post(path: string, body: unknown): Promise<{ status: number; json: never }> {
  const response = await fetch(`${app.url}/v1${path}`, {
    method: 'POST',
    headers: { ...AUTHORIZED, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as never };
}

const predict = (tasks: unknown, changes: object = {}) =>
  post('/predict', { tasks, project: '1.2', label_config: CONFIG, params: {}, ...changes });

const eventOf = (body: unknown): MlEvent => runStepsSync(parseEvent(body));

describe('the protocol for any model', () => {
  it('hands out typed tasks, and takes everything else in a request for what it is: nothing', async () => {
    const { asked } = await start();
    const annotations = [
      { id: 1, result: [{ type: 'brushlabels', value: { rle: Array(40).fill(7), brushlabels: ['car'] } }, 'nonsense'] },
      'nonsense',
    ];
    await predict([{ id: 1, data: { image: 'a' }, annotations, drafts: 'none', predictions: null, unknown: 1 }]);
    const [request] = asked;
    expect(request?.tasks).toMatchObject([
      { id: 1, data: { image: 'a' }, annotations: [{ id: 1, was_cancelled: false }], drafts: [], predictions: [] },
    ]);
    expect(request?.tasks[0]?.annotations[0]?.result).toMatchObject([{ type: 'brushlabels', value: { rle: new Uint8Array(40).fill(7) } }]);
    expect(request?.labelConfig.controls.map(({ name }) => name)).toEqual(['b']);
    expect(request?.context).toBeUndefined();
  });

  it('gives exactly one result a task, whatever the model says', async () => {
    let responses: (MlResponse | undefined)[] = [];
    await start({ predict: () => Promise.resolve(responses) });
    const tasks = [{ id: 1 }, { id: 2 }, { id: 3 }];
    const item = { result: [{ from_name: 'b' }], score: 0.5, model_version: 'own-1' };
    expect((await predict(tasks)).json).toEqual({ results: [[], [], []] });
    responses = [response(), undefined];
    expect((await predict(tasks)).json).toMatchObject({ results: [item, [], []] });
    responses = Array.from({ length: 9 }, () => response());
    expect((await predict(tasks)).json).toMatchObject({ results: [item, item, item] });
    expect(app.log.filter(({ level }) => level === 'error').length).toBe(3);
  });

  it('never lets out labels or controls that the configuration does not have, nor scores beyond 0 to 1', async () => {
    await start({
      predict: () =>
        Promise.resolve([
          response({
            result: [region({ value: { brushlabels: ['boat'] } }), region({ score: 1.7 }), region({ score: Number.NaN })],
            score: -3,
          }),
          response({ result: [region({ from_name: 'other' }), region({ type: 'polygonlabels' }), region({ value: { brushlabels: [] } })] }),
        ]),
    });
    const { results } = (await predict([{ id: 1 }, { id: 2 }])).json as { results: { result: { score: number }[]; score: number }[] };
    expect(results[0]?.result.map(({ score }) => score)).toEqual([1, 0]);
    expect(results[0]?.score).toBe(0);
    // Nothing left is not nothing found: that would be stored and keep it from being asked again.
    expect(results[1]).toEqual([]);
  });

  it('tells prompts from batches', async () => {
    const { asked } = await start();
    const click = {
      type: 'keypointlabels',
      value: { x: 1, y: 2, keypointlabels: ['car'] },
      is_positive: false,
      from_name: 'k',
      to_name: 'i',
    };
    await predict([{ id: 1 }], { params: { context: { result: [click] } } });
    await predict([{ id: 1 }], { params: { context: { result: [] } } });
    await predict([{ id: 1 }], { params: { context: null } });
    expect(asked.map(({ context }) => context?.length)).toEqual([1, undefined, undefined]);
    expect(asked[0]?.context?.[0]).toMatchObject({ is_positive: false, value: { x: 1, y: 2 } });
  });

  it('says what is wrong with a request, and passes the failure of a model on', async () => {
    await start({
      predict: () => Promise.reject(new ProsamError('URL_FAILED', 'the image is gone.')),
      limits: { maxTasks: 2, maxBodyBytes: 2000 },
    });
    for (const [body, status] of [
      ['', 400],
      ['{', 400],
      ['[]', 400],
      [{ tasks: 'none', project: '1.2' }, 400],
      [{ tasks: [{ id: 1 }, { id: 2 }, { id: 3 }], project: '1.2' }, 400],
      [{ tasks: [{ id: 1 }], project: '1.2', label_config: '<View>' }, 400],
      [{ tasks: [{ id: 1, data: { image: 'x'.repeat(3000) } }], project: '1.2' }, 413],
      [{ tasks: [{ id: 1 }], project: '1.2' }, 502],
    ] as const) {
      expect((await post('/predict', body)).status, JSON.stringify(body).slice(0, 60)).toBe(status);
    }
  });

  it('needs neither events nor versions of a model', async () => {
    const { routes } = createMlBackend({
      modelClass: 'Bare',
      setup: () => Promise.resolve({ modelVersion: '1' }),
      predict: () => Promise.resolve([]),
    });
    app = await startApp(routes);
    expect((await post('/webhook', { action: 'TASKS_CREATED', tasks: [] })).json).toEqual({ status: 'ok' });
    expect(await (await fetch(`${app.url}/v1/versions`, { headers: AUTHORIZED })).json()).toEqual({ versions: [] });
    expect(await (await fetch(`${app.url}/v1/health`, { headers: AUTHORIZED })).json()).toEqual({ status: 'UP', model_class: 'Bare' });
  });
});

describe('events', () => {
  const project = { id: 3, created_at: '2026-11-22T16:31:53.999999Z' };

  it('name the project as /setup does', () => {
    expect(projectKeyOf(1, '2026-11-22T16:31:53.521413Z')).toBe('1.1795365113');
    expect(projectKeyOf(1, '2026-11-22T17:31:53.521413+01:00')).toBe('1.1795365113');
    expect(projectKeyOf(1, 'some day')).toBeUndefined();
  });

  it('pair annotations with their tasks, one or many', () => {
    const one = eventOf({ action: 'ANNOTATION_CREATED', project, annotation: { id: 1, task: 5 }, task: { id: 5 } });
    expect(one).toMatchObject({
      kind: 'annotations',
      project: { key: '3.1795365113' },
      pairs: [{ task: { id: 5 }, annotation: { id: 1 } }],
    });
    const many = eventOf({
      ...{ action: 'ANNOTATIONS_CREATED', project },
      ...{ annotation: [{ id: 1, task: 6 }, { id: 2, task: 5 }, { id: 3, task: 9 }, { nonsense: 1 }], task: [{ id: 5 }, { id: 6 }] },
    });
    expect(many.kind === 'annotations' && many.pairs.map(({ task, annotation }) => [annotation.id, task.id])).toEqual([
      [1, 6],
      [2, 5],
    ]);
  });

  it.each([
    [
      { action: 'ANNOTATIONS_DELETED', annotations: [{ id: 4 }] },
      { kind: 'annotations-deleted', ids: [4] },
    ],
    [
      { action: 'TASKS_CREATED', tasks: [{ id: 1, total_annotations: 2 }] },
      { kind: 'tasks', tasks: [{ id: 1, total_annotations: 2 }] },
    ],
    [
      { action: 'TASKS_DELETED', tasks: [{ id: 7 }] },
      { kind: 'tasks-deleted', ids: [7] },
    ],
    [{ action: 'START_TRAINING' }, { kind: 'train' }],
    [{ action: 'PROJECT_UPDATED' }, { kind: 'project' }],
    [{ action: 'LABEL_LINK_CREATED' }, { kind: 'other' }],
  ])('%o', (body, wanted) => {
    expect(eventOf({ project, ...body })).toMatchObject(wanted);
  });
});
