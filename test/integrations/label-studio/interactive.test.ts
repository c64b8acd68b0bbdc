import { afterEach, describe, expect, it } from 'vitest';
import type { RefinePrompts } from '../../../src/core/engine/types.ts';
import { decodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { fakeService, type FakeService } from '../../unit/adapters/fake-service.ts';
import { boxRegion, clickOf, NAME, picture, startBackend, taskOf, type Backend, type BackendOptions } from './backend-server.ts';

let backend: Backend;
afterEach(() => backend.close());

async function start(options: Partial<BackendOptions> = {}): Promise<FakeService> {
  const service = fakeService({ labels: ['car', 'tree'] });
  backend = await startBackend({ service, ...options });
  return service;
}

async function reference(service: FakeService): Promise<void> {
  const masks = [{ label: 'car', box: [1, 1, 5, 5] }];
  await service.annotations.accept({
    project: NAME,
    source: 'before',
    externalId: 'a',
    revision: 1,
    image: await picture('r'),
    provenance: 'drawn',
    masks,
  });
}

const promptsOf = ({ state }: FakeService): RefinePrompts[] =>
  state.calls
    .filter(({ name }) => name === 'predictions.refine')
    .map(({ args }) => {
      const { best, ...prompts } = (args as { prompts: RefinePrompts }).prompts;
      // Masks that nobody is shown take as long as the one.
      expect(best).toBe(true);
      return prompts;
    });

interface Region {
  type: string;
  from_name: string;
  score: number;
  value: { rle?: number[]; brushlabels?: string[]; points?: unknown[] };
}

/** The one result there must be. */
async function ask(
  context: object[],
  task = taskOf(1),
  changes: object = {},
): Promise<{ result: Region[]; score: number; model_version: string }> {
  const { status, json, text } = await backend.predict([task], { result: context }, changes);
  expect(status, text).toBe(200);
  const { results } = json as { results: { result: Region[]; score: number; model_version: string }[] };
  expect(results.length).toBe(1);
  return results[0] as (typeof results)[0];
}

describe('a click', () => {
  it('is answered with one region of the label and control asked for, in pixels of the picture as it is', async () => {
    const service = await start();
    // Half the size it claims: percent counts.
    const { result, score, model_version } = await ask([
      clickOf(25, 50, { original_width: 640, original_height: 480 }),
      clickOf(75, 50, { is_positive: false }),
    ]);
    expect(promptsOf(service)).toEqual([
      {
        points: [{ x: 80, y: 120 }],
        negative: [{ x: 240, y: 120 }],
      },
    ]);
    expect(result).toMatchObject([{ type: 'brushlabels', from_name: 'tag', score: 0.9, value: { brushlabels: ['car'] } }]);
    expect(score).toBe(0.9);
    expect(model_version).toBe((await service.projects.get(NAME)).version);
    expect(decodeBrushRleSync(result[0]?.value.rle ?? [], 320, 240).data).toContain(1);
  });

  it('embeds the image once, however many clicks follow, and takes it from Label Studio once', async () => {
    const service = await start();
    await Promise.all([ask([clickOf(25, 50)]), ask([clickOf(26, 50)])]);
    await ask([clickOf(25, 50), clickOf(30, 50)]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.prepare').length).toBe(1);
    expect(backend.fetched.length).toBe(1);
  });

  it('finds the image prepared when somebody has opened the task, or when it was just imported', async () => {
    const service = await start();
    await backend.predict([taskOf(1)]);
    await backend.adapter.idle();
    expect(service.state.calls.filter(({ name }) => name === 'predictions.prepare').length).toBe(1);
    const project = {
      id: 1,
      created_at: '2026-11-22T16:31:53.521413Z',
      label_config:
        '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="car"/></BrushLabels></View>',
    };
    await backend.call('POST', '/webhook', { action: 'TASKS_CREATED', project, tasks: [taskOf(2)] });
    await backend.adapter.idle();
    expect(service.state.calls.filter(({ name }) => name === 'predictions.prepare').length).toBe(2);
    await ask([clickOf(25, 50)]);
    await ask([clickOf(25, 50)], taskOf(2));
    expect(backend.fetched.length).toBe(2);
  });

  it('begins from what the references say, where it agrees with them', async () => {
    const service = await start();
    await reference(service);
    const predict = service.predictions.predict.bind(service.predictions);
    service.predictions.predict = async (request, options) => {
      const response = await predict(request, options);
      return { ...response, masks: response.masks.map((one) => ({ ...one, lowResLogits: Float32Array.of(1, 2, 3) })) };
    };
    // The fake's masks are round and in the middle.
    await ask([clickOf(50, 50)]);
    await ask([clickOf(2, 2)]);
    await ask([clickOf(2, 2, { is_positive: false })]);
    expect(promptsOf(service).map(({ maskInput }) => maskInput?.length)).toEqual([3, undefined, 3]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.predict').length).toBe(1);
  });

  it('begins from a mask that was held back when the task was opened, which is counted', async () => {
    const service = await start();
    await reference(service);
    const predict = service.predictions.predict.bind(service.predictions);
    service.predictions.predict = async (request, options) => {
      const response = await predict(request, options);
      const held = request.options?.threshold !== 0;
      const masks = response.masks.map((one) => ({
        ...{ ...one, lowResLogits: Float32Array.of(1, 2, 3) },
        ...(held && {
          area: 0,
          mask: { ...one.mask, data: one.mask.data.map(() => 0) },
          quality: { ...one.quality, withheld: true as const },
        }),
      }));
      return { ...response, masks };
    };
    const { json } = await backend.predict([taskOf(1)]);
    expect((json as { results: object[] }).results).toMatchObject([{ result: [] }]);
    expect(backend.log.find(({ message }) => message.includes('held back'))).toMatchObject({ fields: { heldBack: 1 } });
    await ask([clickOf(50, 50)]);
    expect(promptsOf(service).map(({ maskInput }) => maskInput?.length)).toEqual([3]);
  });

  it('off the object alone takes it from the mask of whatever method, however long that one takes', async () => {
    const service = await start();
    await reference(service);
    // As of a method without logits of SAM, and slower than any other click would wait.
    service.state.before = (name) => (name === 'predictions.predict' ? new Promise((resolve) => setTimeout(resolve, 600)) : undefined);
    const { result } = await ask([clickOf(50, 50, { is_positive: false })]);
    expect(result).toHaveLength(1);
    const [prompts] = promptsOf(service);
    // The fake's mask: round, in the middle, of 0.3 of 240 pixels.
    expect(prompts).toEqual({ negative: [{ x: 160, y: 120 }], box: [89, 49, 232, 192] });
    await ask([clickOf(50, 50)]);
    expect(promptsOf(service).at(-1)).toEqual({ points: [{ x: 160, y: 120 }] });
  });

  it('does not wait for a slow prediction: the next click has it', async () => {
    const service = await start();
    await reference(service);
    let letGo = (): void => undefined;
    const freed = new Promise<void>((resolve) => (letGo = resolve));
    service.state.before = (name) => (name === 'predictions.predict' ? freed : undefined);
    await ask([clickOf(50, 50)]);
    await ask([clickOf(51, 50)]);
    letGo();
  });

  it('off the object alone is no error: nothing is shown, and the log says why', async () => {
    await start();
    expect((await ask([clickOf(50, 50, { is_positive: false })])).result).toEqual([]);
    expect(backend.log.at(-1)?.message).toContain('points off the object alone');
  });

  it('for a label without a place, on a turned view, or without a label gets no invented region', async () => {
    await start();
    const boat = { x: 1, y: 1, width: 1, keypointlabels: ['boat'] };
    expect((await ask([clickOf(50, 50, { value: boat })])).result).toEqual([]);
    expect((await ask([clickOf(50, 50, { value: { x: 1, y: 1 } })])).result).toEqual([]);
    const turned = await backend.predict([taskOf(1)], { result: [clickOf(50, 50, { image_rotation: 90 })] });
    expect(turned.status).toBe(422);
  });

  it('gets one outline where the configuration shows outlines', async () => {
    await start();
    const config = `<View><Image name="image" value="$image"/><PolygonLabels name="poly" toName="image"><Label value="car"/></PolygonLabels>
      <KeyPointLabels name="kp" toName="image" smart="true"><Label value="car"/></KeyPointLabels></View>`;
    const { result } = await ask([clickOf(50, 50)], taskOf(1), { label_config: config });
    expect(result).toMatchObject([{ type: 'polygonlabels', from_name: 'poly' }]);
    expect(result[0]?.value.points?.length).toBeGreaterThan(3);
  });
});

describe('a box', () => {
  it('is a prompt; several of them are one region together', async () => {
    const service = await start();
    const { result } = await ask([boxRegion(10, 10, 20, 20), boxRegion(50, 50, 25, 10)]);
    expect(promptsOf(service)).toEqual([{ box: [32, 24, 96, 72] }, { box: [160, 120, 240, 144] }]);
    expect(result.length).toBe(1);
  });

  it('drawn with three points is the box around it', async () => {
    const service = await start();
    await ask([boxRegion(50, 0, 25, 20, { value: { x: 50, y: 0, width: 25, height: 20, rotation: 90, rectanglelabels: ['car'] } })]);
    expect(promptsOf(service)[0]?.box?.map(Math.round)).toEqual([112, 0, 160, 80]);
  });

  it('takes along the clicks of the draft that lie in it, and clicks the box they lie in', async () => {
    const service = await start();
    const drafts = [
      {
        result: [
          clickOf(15, 15),
          clickOf(16, 16, { is_positive: false }),
          clickOf(90, 90),
          boxRegion(80, 80, 15, 15),
          boxRegion(0, 0, 5, 5),
        ],
      },
    ];
    await ask([boxRegion(10, 10, 20, 20)], taskOf(1, { drafts }));
    await ask([clickOf(91, 91)], taskOf(1, { drafts }));
    const [box, click] = promptsOf(service);
    expect([box?.points?.length, box?.negative?.length]).toEqual([1, 1]);
    expect(click?.box).toEqual([256, 192, 304, 228]);
  });

  it('of the draft that is an annotation is no prompt', async () => {
    const service = await start();
    const config = `<View><Image name="image" value="$image"/><RectangleLabels name="rect" toName="image"><Label value="car"/></RectangleLabels>
      <BrushLabels name="tag" toName="image"><Label value="car"/></BrushLabels>
      <KeyPointLabels name="kp" toName="image" smart="true"><Label value="car"/></KeyPointLabels></View>`;
    await ask([clickOf(15, 15)], taskOf(1, { drafts: [{ result: [boxRegion(10, 10, 20, 20)] }] }), { label_config: config });
    expect(promptsOf(service)[0]?.box).toBeUndefined();
  });
});
