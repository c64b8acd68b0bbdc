/** An agent at work on the queues of the stand-in, with the requests that were recorded. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentResponses, type AgentResponseParts } from '../../../src/adapters/cvat/agent/responses.ts';
import { createAgentApi, describeAgentFunction, type AgentKind } from '../../../src/adapters/cvat/agent/api.ts';
import { runAgent, type AgentOptions } from '../../../src/adapters/cvat/agent/loop.ts';
import { maskFromCvatRle } from '../../../src/core/mask/cvat-rle.ts';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { createTrackMemory } from '../../../src/adapters/cvat/nuclio/track-memory.ts';
import { DEFAULT_LIMITS } from '../../../src/core/image/node/decode.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import { maskArea } from '../../../src/core/mask/raster.ts';
import { movedBy, pixelsOf } from './functions/as-cvat-draws.ts';
import { painted, paintedService } from './functions/painted-service.ts';
import { cut, difference, MASKS, pixelIn, ROIS, SIZE } from './functions/version-matrix.ts';
import { fakeService } from '../../unit/adapters/fake-service.ts';
import { pngOf } from '../../unit/adapters/webhook/webhook-server.ts';
import { startStandIn, TOKEN, type StandIn } from './stand-in-cvat.ts';

const recorded = (name: string) =>
  JSON.parse(readFileSync(new URL(`traffic/${name}.json`, import.meta.url), 'utf8')) as {
    request: { path: string; body: Record<string, unknown> };
    response: { body: { ar_assignment: { ar_params: Record<string, unknown> } } };
  };
const paramsOf = (name: string) => recorded(`agent_acquire_${name}`).response.body.ar_assignment.ar_params;

let cvat: StandIn;
let stop: AbortController;
let running: Promise<void> | undefined;
let task: { id: number };
const service = fakeService({ labels: ['cat', 'dog'] });
const objects = fakeService({ labels: ['object'] });
beforeEach(async () => {
  cvat = await startStandIn();
  stop = new AbortController();
  const bytes = await pngOf(1, 320, 240);
  const frames = [0, 1, 2].map((i) => ({ name: `${i}.png`, width: 320, height: 240, bytes }));
  task = cvat.addTask({ frames, labels: [{ name: 'cat' }, { name: 'hound' }], deleted: [2] });
});
afterEach(async () => {
  stop.abort();
  await running?.catch(() => undefined);
  await cvat.close();
});

async function serve(
  kind: AgentKind,
  options: Partial<AgentOptions> = {},
  own: AgentResponseParts['service'] = service,
  threshold?: number,
) {
  const client = createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1 });
  const api = createAgentApi(client.transport, 'bb5d77848e4085a26c546eab67030703');
  const id = await api.create(describeAgentFunction(kind, { name: 'prosam', isPublic: false, labels: ['cat', 'dog'] }));
  const tracker = {
    service: { predictions: objects.predictions },
    memory: createTrackMemory(),
    project: 'pets',
    tolerance: 1,
    limits: DEFAULT_LIMITS,
  };
  const response = createAgentResponses({ client, service: own, project: 'pets', tracker, threshold });
  running = runAgent({ api, functions: [{ id, kind }], response, signal: stop.signal, pauseMs: 20, pollMs: 60_000, ...options });
  running.catch(() => undefined);
  return id;
}

describe('an agent', () => {
  it('describes its functions as the recorded client does', () => {
    for (const [kind, name] of [
      ['detector', 'prosam det'],
      ['tracker', 'prosam trk'],
      ['interactor', 'prosam inter'],
    ] as const) {
      const { body } = recorded(`agent_create_${kind}`).request;
      expect({ ...describeAgentFunction(kind, { name: '', isPublic: false, labels: ['cat', 'dog'] }), name }).toEqual(body);
    }
  });

  it('detects on one frame and on a whole task, with the labels its user chose', async () => {
    const id = await serve('detector');
    const one = await cvat.queues.request(id, 'interactive', {
      ...paramsOf('annotate_frame'),
      task: task.id,
      mapping: { dog: { name: 'hound' } },
    });
    expect(one.kind).toBe('complete');
    const label = cvat.tasks[0]?.labels[1]?.id;
    expect(one.body.annotations).toMatchObject({ tags: [], shapes: [{ type: 'mask', label_id: label, frame: 1, source: 'auto' }] });
    expect(cvat.asked.find(({ path }) => path.endsWith('/complete'))?.path).toContain('/api/functions/queues/function%3A');
    const all = await cvat.queues.request(id, 'batch', {
      ...paramsOf('annotate_task'),
      task: task.id,
      conv_mask_to_poly: true,
      threshold: 0,
    });
    const { shapes } = all.body.annotations as { shapes: { frame: number; type: string }[] };
    expect([...new Set(shapes.map(({ frame }) => frame))]).toEqual([0, 1]);
    expect(new Set(shapes.map(({ type }) => type))).toEqual(new Set(['polygon']));
  });

  it('withholds what is less probable than its own threshold where CVAT names none', async () => {
    // The fake service is 0.9 sure of everything.
    const id = await serve('detector', {}, service, 0.95);
    const asked = { ...paramsOf('annotate_frame'), task: task.id, mapping: { dog: { name: 'hound' } } };
    const own = await cvat.queues.request(id, 'interactive', { ...asked, threshold: null });
    expect(own.body.annotations).toEqual({ tags: [], shapes: [] });
    const named = await cvat.queues.request(id, 'interactive', { ...asked, threshold: 0.5 });
    expect((named.body.annotations as { shapes: unknown[] }).shapes).toHaveLength(1);
  });

  it('refuses words with a sentence', async () => {
    const id = await serve('interactor');
    const { kind, body } = await cvat.queues.request(id, 'interactive', {
      ...paramsOf('interact'),
      task: task.id,
      text_prompts: ['a cat'],
    });
    expect(kind).toBe('fail');
    expect(body.exc_info).toContain('text prompt');
    const none = await cvat.queues.request(id, 'interactive', { ...paramsOf('interact'), task: task.id, text_prompts: [' '] });
    expect(none.kind).toBe('complete');
  });

  it('gives a label boxes where it takes nothing else', async () => {
    const bytes = await pngOf(1, 320, 240);
    const one = { name: '0.png', width: 320, height: 240, bytes };
    const labels = [
      { name: 'cat', type: 'rectangle' },
      { name: 'dog', type: 'polyline' },
    ];
    const boxes = cvat.addTask({ frames: [one, one], labels });
    const id = await serve('detector');
    const { body } = await cvat.queues.request(id, 'interactive', {
      ...{ ...paramsOf('annotate_frame'), task: boxes.id, mapping: null, conv_mask_to_poly: true },
    });
    // The fake service finds a disc of 0.3 x 240 = 72 pixels around (160, 120): columns 89 to 231, rows 49 to 191.
    expect((body.annotations as { shapes: unknown[] }).shapes).toMatchObject([{ type: 'rectangle', points: [89, 49, 232, 192] }]);
  });

  it('answers clicks, also inside a region', async () => {
    const id = await serve('interactor');
    for (const name of ['interact', 'interact_roi']) {
      const { kind, body } = await cvat.queues.request(id, 'interactive', { ...paramsOf(name), task: task.id });
      expect(kind, JSON.stringify(body)).toBe('complete');
      const [shape] = body.shapes as { type: string; points: number[]; attributes: unknown[] }[];
      expect(shape).toMatchObject({ type: 'mask', attributes: [] });
      const [width, height] = name === 'interact' ? ([320, 240] as const) : ([290, 190] as const);
      expect(maskArea(maskFromCvatRle(shape?.points ?? [], width, height))).toBeGreaterThan(0);
    }
  });

  it('follows objects by tickets of its own', async () => {
    const id = await serve('tracker');
    const { body } = await cvat.queues.request(id, 'interactive', { ...paramsOf('init_tracking'), task: task.id });
    const states = body.states as string[];
    expect(states).toHaveLength(2);
    const next = await cvat.queues.request(id, 'interactive', { ...paramsOf('track'), task: task.id, states });
    expect(next.kind, JSON.stringify(next.body)).toBe('complete');
    expect(next.body.states).toHaveLength(2);
    expect(next.body.shapes).toHaveLength(2);
    const lost = await cvat.queues.request(id, 'interactive', { ...paramsOf('track'), task: task.id });
    expect(lost).toMatchObject({ kind: 'fail' });
  });

  it('answers in pixels of the region of interest, so that CVAT puts what it found where it is', async () => {
    const frames = await Promise.all(
      Object.entries(MASKS).map(async ([name, mask]) => ({ name: `${name}.png`, ...SIZE, bytes: await painted(mask) })),
    );
    const { id: large } = cvat.addTask({ frames, labels: [{ name: 'cat' }] });
    const own = paintedService({ labels: ['cat'] });
    const [interactor, detector] = [await serve('interactor', {}, own), await serve('detector', {}, own)];
    for (const roi of ROIS) {
      const [dx, dy] = roi ?? [0, 0];
      const place = { task: large, ...(roi && { roi }) };
      const all = await cvat.queues.request(detector, 'batch', { ...paramsOf('annotate_task'), ...place, mapping: null });
      expect(all.kind, JSON.stringify(all.body)).toBe('complete');
      const stored = (all.body.annotations as { shapes: { type: string; points: number[]; frame: number }[] }).shapes;
      for (const [frame, [name, mask]] of Object.entries(MASKS).entries()) {
        const truth = cut(mask, roi);
        const [x, y] = pixelIn(truth, roi);
        const clicks = { pos_points: [[x - dx, y - dy]], neg_points: [], obj_bbox: [] };
        const clicked = await cvat.queues.request(interactor, 'interactive', { ...paramsOf('interact'), ...place, ...clicks, frame });
        const one = await cvat.queues.request(detector, 'interactive', { ...paramsOf('annotate_frame'), ...place, mapping: null, frame });
        const found = [
          clicked.body.shapes as { type: string; points: number[] }[],
          (one.body.annotations as { shapes: { type: string; points: number[] }[] }).shapes,
          stored.filter((shape) => shape.frame === frame),
        ];
        for (const shapes of found) {
          expect(shapes, name).toHaveLength(truth.data.includes(1) ? 1 : 0);
          for (const shape of shapes) expect(difference(pixelsOf(movedBy(shape, dx, dy), SIZE), truth), name).toBe('none');
        }
      }
    }
    for (const roi of [
      [-5, 0, 100, 100],
      [0, 0, SIZE.width + 1, 100],
      [50, 50, 50, 90],
      [0.5, 0, 60, 60],
    ]) {
      const refused = await cvat.queues.request(interactor, 'interactive', { ...paramsOf('interact'), task: large, roi });
      expect(refused).toMatchObject({ kind: 'fail' });
    }
    const outside = await cvat.queues.request(detector, 'interactive', { ...paramsOf('annotate_frame'), task: large, roi: [0, 0, 999, 9] });
    expect(outside.body.exc_info).toMatch(/^expected a region of interest inside the frame of 200 x 230 pixels, got \[0, 0, 999, 9\]/);
    const none = await cvat.queues.request(interactor, 'interactive', { ...paramsOf('interact'), task: large, roi: [] });
    expect(none.kind).toBe('complete');
  });

  it('tells whoever asked what is wrong, and goes on', async () => {
    const id = await serve('detector');
    const outside = await cvat.queues.request(id, 'interactive', { ...paramsOf('annotate_frame'), task: task.id, frame: 99 });
    expect(outside).toMatchObject({ kind: 'fail', body: { exc_info: expect.stringContaining('from 0 to 2') as string } });
    const deleted = await cvat.queues.request(id, 'interactive', { ...paramsOf('annotate_frame'), task: task.id, frame: 2 });
    expect(deleted).toMatchObject({ kind: 'fail', body: { exc_info: expect.stringContaining('deleted') as string } });
    const unknown = await cvat.queues.request(id, 'interactive', { type: 'paint', task: task.id });
    expect(unknown.kind).toBe('fail');
    expect((await cvat.queues.request(id, 'interactive', { ...paramsOf('annotate_frame'), task: task.id })).kind).toBe('complete');
  });

  it('keeps asking where nothing tells it of new requests', async () => {
    cvat.queues.state.events = false;
    const id = await serve('detector', { pollMs: 30 });
    expect((await cvat.queues.request(id, 'interactive', { ...paramsOf('annotate_frame'), task: task.id })).kind).toBe('complete');
  });

  it('is woken by events, and says that it is alive during long work', async () => {
    const id = await serve('detector', {
      reportMs: 10,
      response: async ({ onProgress }) => {
        onProgress(0.5);
        await new Promise((resume) => setTimeout(resume, 80));
        return { annotations: { tags: [], shapes: [] } };
      },
    });
    while (!cvat.queues.watching(id)) await new Promise((resume) => setTimeout(resume, 5));
    const { progress } = await cvat.queues.request(id, 'batch', paramsOf('annotate_task'));
    expect(progress).toContain(0.5);
  });

  it.each([
    ['is away', 'before' as const],
    ['has somebody before it who answers 404', { status: 404 }],
  ])('outlives a CVAT that %s for a while, and ends where its token no longer counts', async (_, trouble) => {
    const problems: unknown[] = [];
    const id = await serve('detector', { onProblem: (error) => problems.push(error), pollMs: 20 });
    cvat.state.trouble = () => trouble;
    while (problems.length < 4) await new Promise((resume) => setTimeout(resume, 5));
    cvat.state.trouble = undefined;
    expect((await cvat.queues.request(id, 'interactive', { ...paramsOf('annotate_frame'), task: task.id })).kind).toBe('complete');
    expect(problems.length).toBeGreaterThan(0);
    cvat.tokens.clear();
    await expect(running).rejects.toSatisfy((error) => isProsamError(error) && error.code === 'CVAT_REFUSED');
  });
});
