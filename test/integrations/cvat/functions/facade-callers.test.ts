/** Facade as people and programs meet it over time, and input that is refused. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { INTERACTOR, TRACKER } from '../../../../src/adapters/cvat/names.ts';
import { asCvatReads } from './as-cvat-reads.ts';
import { exactService, invoke, label, send, startFacade } from './facade-server.ts';
import { DETECTOR, facadeBench, PROJECT } from './facade-bench.ts';

const bench = facadeBench();
const { labelled } = bench;

describe('what people do', () => {
  it('offers a detector by itself once a reference is labelled', async () => {
    bench.facade = await startFacade({ service: exactService({ labels: ['cat'] }) });
    const kinds = async () => asCvatReads((await send(`${bench.facade.url}/api/functions`, 'GET')).json()).map(({ kind }) => kind);
    expect(await kinds()).toEqual(['interactor', 'tracker']);
    await label(bench.facade.service, PROJECT, ['cat'], bench.picture);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(await kinds()).toEqual(['detector', 'interactor', 'tracker']);
  });

  it('tells who calls a detector whose references are gone', async () => {
    await labelled(['cat']);
    await send(`${bench.facade.url}/api/functions`, 'GET');
    bench.facade.service.state.annotations.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const response = await invoke(bench.facade.url, DETECTOR, { image: bench.picture.toString('base64') });
    expect(response).toMatchObject({ status: 422, reason: expect.stringMatching(/^animals has no labeled reference any more/) as string });
  });

  it('tells the frame of a known image to the service, and nothing of others', async () => {
    await labelled(['cat']);
    const sha256 = createHash('sha256').update(bench.picture).digest('hex');
    const image = bench.picture.toString('base64');
    await invoke(bench.facade.url, DETECTOR, { image });
    bench.facade.adapter.frames.add(sha256, { server: 'https://cvat.test', task: 8, frame: 3, project: PROJECT });
    await invoke(bench.facade.url, DETECTOR, { image });
    const asked = bench.facade.service.state.calls
      .filter(({ name }) => name === 'predictions.predict')
      .map(({ args }) => args as Record<string, unknown>);
    expect(asked[0]).toMatchObject({ remember: false });
    expect(asked[1]).toMatchObject({ externalId: 'https://cvat.test/tasks/8/frames/3' });
    expect(asked[1]).not.toHaveProperty('remember');
  });

  it('lets the references of a known frame guide a click, and asks for them once', async () => {
    await labelled(['cat']);
    const image = bench.picture.toString('base64');
    const clicks = [
      [32, 24],
      [33, 25],
    ];
    for (const point of clicks) await invoke(bench.facade.url, INTERACTOR, { image, pos_points: [point], neg_points: [], obj_bbox: [] });
    await invoke(bench.facade.url, INTERACTOR, { image, pos_points: [[1, 1]], neg_points: [], obj_bbox: null });
    const calls = bench.facade.service.state.calls;
    expect(calls.filter(({ name }) => name === 'predictions.predict')).toHaveLength(1);
    const refined = calls
      .filter(({ name }) => name === 'predictions.refine')
      .map(({ args }) => (args as { prompts: { maskInput?: unknown } }).prompts);
    expect(refined.map(({ maskInput }) => maskInput !== undefined)).toEqual([true, true, false]);
  });

  it('keeps callers to their projects', async () => {
    const guard = { tokens: [{ name: 'one', token: 'token-of-sixteen-chars', access: 'write' as const, projects: ['others'] }] };
    await labelled(['cat'], { guard });
    const headers = { authorization: 'Bearer token-of-sixteen-chars' };
    const list = asCvatReads((await send(`${bench.facade.url}/api/functions`, 'GET', headers)).json());
    expect(list).toEqual([]);
    for (const name of [DETECTOR, INTERACTOR, TRACKER])
      expect((await send(`${bench.facade.url}/api/functions/${name}`, 'GET', headers)).status).toBe(403);
    const image = bench.picture.toString('base64');
    const click = { image, pos_points: [[32, 24]], neg_points: [], obj_bbox: [] };
    expect((await invoke(bench.facade.url, INTERACTOR, click, headers)).status).toBe(403);
    const box = { image, shapes: [{ type: 'rectangle', points: [4, 4, 30, 30] }], states: [] };
    expect((await invoke(bench.facade.url, TRACKER, box, headers)).status).toBe(403);
    expect(bench.facade.service.state.calls.filter(({ name }) => name.startsWith('predictions.'))).toEqual([]);
    expect((await send(`${bench.facade.url}/api/functions`, 'GET')).status).toBe(401);
  });

  it('lets callers of one project of CVAT click, in that project and by its references alone', async () => {
    const own = 'cvat/project-3';
    const guard = { tokens: [{ name: 'one', token: 'token-of-sixteen-chars', access: 'write' as const, projects: [own] }] };
    await labelled(['cat'], { guard });
    const headers = { authorization: 'Bearer token-of-sixteen-chars' };
    const image = bench.picture.toString('base64');
    const click = { image, pos_points: [[32, 24]], neg_points: [], obj_bbox: [] };
    expect((await invoke(bench.facade.url, INTERACTOR, click, headers)).status).toBe(200);
    const calls = bench.facade.service.state.calls.filter(({ name }) => name.startsWith('predictions.'));
    expect(calls.map(({ name, args }) => [name, (args as { project: string }).project])).toEqual([['predictions.refine', own]]);
    // A frame that is known to be of another project is not theirs, whatever they call it.
    const sha256 = createHash('sha256').update(bench.picture).digest('hex');
    bench.facade.adapter.frames.add(sha256, { server: 'https://cvat.test', task: 8, frame: 3, project: PROJECT });
    expect((await invoke(bench.facade.url, INTERACTOR, click, headers)).status).toBe(403);
  });
});

describe('bad input', () => {
  const click = { pos_points: [[3, 3]], neg_points: [], obj_bbox: [] };

  it.each([
    ['no image', {}, 400, /image: expected the image in base64/],
    ['an empty image', { image: '' }, 400, /image/],
    ['what is no base64', { image: '!!!' }, 400, /base64/],
    ['bytes that are no image', { image: Buffer.from('hello, this is a text').toString('base64') }, 422, /JPEG, PNG/],
  ] as const)('explains %s', async (_, body, status, reason) => {
    await labelled(['cat']);
    const response = await invoke(bench.facade.url, INTERACTOR, { ...click, ...body });
    expect(response).toMatchObject({ status, reason: expect.stringMatching(reason) as string });
    expect(/^[\x20-\x7e]+$/.test(response.reason)).toBe(true);
  });

  it('explains a body that is no JSON, an unknown kind of shape, and a call without a name', async () => {
    await labelled(['cat']);
    const headers = { 'content-type': 'application/json', 'x-nuclio-function-name': TRACKER };
    const broken = await send(`${bench.facade.url}/api/function_invocations`, 'POST', headers, '{"image": ');
    expect(broken).toMatchObject({ status: 400, reason: expect.stringMatching(/JSON/) as string });
    const image = bench.picture.toString('base64');
    const cuboid = await invoke(bench.facade.url, TRACKER, { image, shapes: [{ type: 'cuboid', points: [1, 2] }], states: [] });
    expect(cuboid.status).toBe(400);
    const outside = await invoke(bench.facade.url, TRACKER, { image, shapes: [{ type: 'mask', points: [4, 0, 0, 99, 0] }], states: [] });
    expect(outside.status).toBe(422);
    const none = await invoke(bench.facade.url, TRACKER, { image, shapes: [], states: [] });
    expect(none.reason).toMatch(/^Expected shapes to follow, got none/);
    const unnamed = await send(
      `${bench.facade.url}/api/function_invocations`,
      'POST',
      { 'content-type': 'application/json' },
      JSON.stringify({ image }),
    );
    expect(unnamed.reason).toMatch(/x-nuclio-function-name/);
  });
});
