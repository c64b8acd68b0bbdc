/** Annotations, projects, models, images and status over HTTP, and the description of all of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { describeRoutes } from '../../../../src/adapters/http/describe-routes.ts';
import * as responses from '../../../../src/adapters/webhook/responses.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import type { VersionRecord } from '../../../../src/service/ports/versions.ts';
import { pngOf, startServer, TOKENS, type TestServer } from './webhook-server.ts';

let server: TestServer;
let image: { base64: string };

beforeAll(async () => {
  server = await startServer({ working: false });
  image = { base64: (await pngOf()).toString('base64') };
});
afterAll(() => server.close());
beforeEach(() => {
  const { state } = server.service;
  Object.assign(state, { annotations: [], versions: [], history: [], runs: [], calls: [], before: () => undefined });
  state.images.clear();
});

const box = { label: 'cup', box: [1, 1, 9, 9] };
const annotation = (change: object = {}) => ({
  ...{ project: 'cups', externalId: 'task/7', revision: 1, image, provenance: 'drawn', masks: [box], ...change },
});
const codeOf = ({ json }: { json: unknown }): string => (json as { error: { code: string } }).error.code;

function versionOf(id: string, project = 'cups'): VersionRecord {
  return {
    ...{ id, project, number: 1, runId: 'run-1', weights: 'a'.repeat(64), baseModel: 'tiny', data: 'd', seed: 321, code: '0.1.0' },
    ...{ createdMs: 1, outcome: 'promoted', reason: 'better', metrics: { gate: { current: 0.5, candidate: 0.6 } } },
  };
}

describe('annotations', () => {
  it('are stored once: 201 the first time, 200 for repetitions and old revisions, 409 for a changed revision', async () => {
    const answersTo = async (change: object) => {
      const { status, json } = await server.call('POST', '/v1/annotations', annotation(change));
      return status < 300 ? [status, responses.acceptResponse.parse(json).outcome] : [status, codeOf({ json })];
    };
    expect(await answersTo({})).toEqual([201, 'stored']);
    expect(await answersTo({})).toEqual([200, 'duplicate']);
    expect(await answersTo({ revision: 2 })).toEqual([201, 'stored']);
    expect(await answersTo({})).toEqual([200, 'outdated']);
    expect(await answersTo({ revision: 2, provenance: 'edited' })).toEqual([409, 'ANNOTATION_CONFLICT']);
  });

  it('are handed on as they are, with the adapter as their source', async () => {
    const more = { imageExternalId: 'img', flagged: true, annotator: 'ann', predictionVersion: 'v', provenance: 'edited' };
    await server.call('POST', '/v1/annotations', annotation(more));
    const { image: bytes, ...rest } = server.service.state.calls.at(-1)?.args as { image: Uint8Array };
    expect(Buffer.from(bytes).toString('base64')).toBe(image.base64);
    expect(rest).toEqual({
      ...{ project: 'cups', source: 'webhook', externalId: 'task/7', revision: 1, ...more },
      masks: [{ label: 'cup', box: [1, 1, 9, 9] }],
    });
  });

  it('have masks unless they are rejections', async () => {
    expect((await server.call('POST', '/v1/annotations', annotation({ provenance: 'rejected', masks: [] }))).status).toBe(201);
    const empty = await server.call('POST', '/v1/annotations', annotation({ masks: [] }));
    expect([empty.status, codeOf(empty)]).toEqual([422, 'MASK_EMPTY']);
    for (const wrong of [{ provenance: 'rejected' }, { provenance: 'guessed' }, { revision: -1 }, { revision: 1.5 }]) {
      const response = await server.call('POST', '/v1/annotations', annotation(wrong));
      expect([response.status, codeOf(response)], JSON.stringify(wrong)).toEqual([400, 'REQUEST_INVALID']);
    }
    const without = await server.call('POST', '/v1/annotations', annotation({ masks: [] }));
    expect([without.status, codeOf(without)]).toEqual([422, 'MASK_EMPTY']);
  });

  it('say which labels an image does not show', async () => {
    const absent = await server.call('POST', '/v1/annotations', annotation({ provenance: 'absent', masks: [], absent: ['cup', 'lid'] }));
    expect([absent.status, server.service.state.annotations[0]?.absent]).toEqual([201, ['cup', 'lid']]);
    expect((await server.call('POST', '/v1/annotations', annotation({ revision: 2, absent: ['lid'] }))).status).toBe(201);
    for (const wrong of [
      { absent: ['cup'] },
      { absent: [] },
      { absent: true },
      { absent: [''] },
      { provenance: 'skipped', masks: [], absent: ['cup'] },
    ])
      expect(codeOf(await server.call('POST', '/v1/annotations', annotation({ revision: 3, ...wrong })))).toBe('REQUEST_INVALID');
  });

  it('are not acknowledged where the store does not answer', async () => {
    server.service.state.before = () => Promise.reject(new ProsamError('STORAGE_FAILED', 'the database is away. Start it.'));
    expect((await server.call('POST', '/v1/annotations', annotation())).status).toBe(503);
  });

  it('are listed page by page, flagged and removed by names with any characters', async () => {
    const source = 'tool at https://a/b?c';
    for (let i = 0; i < 5; i++) await server.call('POST', '/v1/annotations', annotation({ source, externalId: `a/${i} ü%` }));
    const seen: string[] = [];
    for (let before = ''; ;) {
      const { json } = await server.call('GET', `/v1/projects/cups/annotations?limit=2${before}`);
      const page = responses.annotationsResponse.parse(json);
      seen.push(...page.annotations.map(({ externalId }) => externalId));
      if (page.next === undefined) break;
      before = `&before=${page.next}`;
    }
    expect(seen).toEqual([4, 3, 2, 1, 0].map((i) => `a/${i} ü%`));
    const path = `/v1/projects/cups/annotations/${encodeURIComponent(source)}/${encodeURIComponent('a/3 ü%')}`;
    expect((await server.call('PUT', `${path}/flag`, { flagged: true })).json).toEqual({ flagged: true });
    expect(server.service.state.annotations.find(({ flagged }) => flagged)?.externalId).toBe('a/3 ü%');
    expect((await server.call('DELETE', `${path}?revision=4`)).json).toEqual({ removed: true });
    expect(server.service.state.calls.at(-1)?.args).toEqual({ key: { project: 'cups', source, externalId: 'a/3 ü%' }, revision: 4 });
    expect((await server.call('DELETE', path)).json).toEqual({ removed: false });
    const gone = await server.call('PUT', `${path}/flag`, { flagged: true });
    expect([gone.status, codeOf(gone)]).toEqual([404, 'ANNOTATION_NOT_FOUND']);
  });
});

describe('projects', () => {
  it('say how they stand, what to label next, and take orders to train', async () => {
    await server.call('POST', '/v1/annotations', annotation());
    for (const seed of [2, 3, 4]) {
      await server.call('POST', '/v1/predict', { project: 'a/b:c@d', image: { base64: (await pngOf(seed)).toString('base64') } });
    }
    const { projects } = responses.projectsResponse.parse((await server.call('GET', '/v1/projects')).json);
    expect(projects).toEqual(['cups', 'a/b:c@d']);
    const slash = encodeURIComponent('a/b:c@d');
    const project = responses.projectResponse.parse((await server.call('GET', `/v1/projects/${slash}`)).json);
    expect(project).toMatchObject({ project: 'a/b:c@d', images: 3, annotated: 0, concepts: [{ label: 'cup' }] });
    const first = responses.nextImagesResponse.parse((await server.call('GET', `/v1/projects/${slash}/next-images?limit=2`)).json);
    expect([first.images.length, first.next]).toEqual([2, 2]);
    expect(first.images.map(({ presence }) => presence)).toEqual([0.75, 0.75]);
    const rest = responses.nextImagesResponse.parse((await server.call('GET', `/v1/projects/${slash}/next-images?limit=2&offset=2`)).json);
    expect([rest.images.length, rest.next]).toEqual([1, undefined]);
    expect((await server.call('POST', `/v1/projects/${slash}/train`)).status).toBe(202);
    expect(server.service.state.calls.at(-1)).toEqual({ name: 'projects.train', args: 'a/b:c@d' });
    const run = { id: 'r', project: 'cups', state: 'running', upTo: 4, startedMs: 1, attempts: 1, progress: { step: 3 } } as const;
    server.service.state.runs = [run];
    expect(responses.runsResponse.parse((await server.call('GET', '/v1/projects/cups/runs')).json)).toEqual({ runs: [run] });
  });

  it('give images back as what they are', async () => {
    await server.call('POST', '/v1/annotations', annotation());
    const [{ sha256 } = { sha256: '' }] = [...server.service.state.images.values()];
    const { status, headers } = await server.call('GET', `/v1/images/${sha256}?project=cups`);
    expect([status, headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([200, 'image/png', 'nosniff']);
    const unknown = await server.call('GET', `/v1/images/${'0'.repeat(64)}?project=cups`);
    expect([unknown.status, codeOf(unknown)]).toEqual([404, 'IMAGE_UNKNOWN']);
    expect((await server.call('GET', '/v1/images/..%2fstatus?project=cups')).status).toBe(400);
  });

  it('erase images, as often as they are asked, for those who may write to the project', async () => {
    await server.call('POST', '/v1/annotations', annotation());
    const [{ sha256 } = { sha256: '' }] = [...server.service.state.images.values()];
    const erase = async (project = 'cups') => {
      const { status, json } = await server.call('DELETE', `/v1/images/${sha256}?project=${project}`);
      return [status, responses.erasedResponse.parse(json).erased];
    };
    expect([await erase('dogs'), await erase(), await erase()]).toEqual([
      [200, false],
      [200, true],
      [200, false],
    ]);
    expect((await server.call('DELETE', `/v1/images/${sha256}`)).status).toBe(400);
    expect((await server.call('DELETE', `/v1/images/nothing?project=cups`)).status).toBe(400);
  });
});

describe('versions', () => {
  it('are listed, shown, promoted and rolled back', async () => {
    server.service.state.versions = [versionOf('v2'), versionOf('v1'), versionOf('d1', 'dogs')];
    const list = responses.versionsResponse.parse((await server.call('GET', '/v1/versions?project=cups')).json);
    expect(list.versions.map(({ id }) => id)).toEqual(['v2', 'v1']);
    expect(responses.versionResponse.parse((await server.call('GET', '/v1/versions/v2')).json)).toEqual(versionOf('v2'));
    const promoted = await server.call('POST', '/v1/versions/v2/promote', { reason: 'looks better' });
    expect([promoted.status, promoted.json]).toEqual([200, { project: 'cups', encoderVersion: 'v2' }]);
    expect(server.service.state.calls.at(-1)?.args).toEqual({ project: 'cups', id: 'v2', reason: 'looks better' });
    const back = await server.call('POST', '/v1/projects/cups/rollback', { reason: 'it is not' });
    expect(back.json).toEqual({ project: 'cups', encoderVersion: 'base' });
    const base = await server.call('POST', '/v1/versions/base/promote', { project: 'dogs', reason: 'start over' });
    expect(base.json).toEqual({ project: 'dogs', encoderVersion: 'base' });
    const noProject = await server.call('POST', '/v1/versions/base/promote', { reason: 'start over' });
    expect([noProject.status, codeOf(noProject)]).toEqual([400, 'REQUEST_INVALID']);
    const otherProject = await server.call('POST', '/v1/versions/v2/promote', { project: 'dogs', reason: 'x' });
    expect([otherProject.status, codeOf(otherProject)]).toEqual([404, 'VERSION_NOT_FOUND']);
    expect((await server.call('GET', '/v1/versions/none')).status).toBe(404);
  });

  it('are put into service by admins alone', async () => {
    server.service.state.versions = [versionOf('v2')];
    for (const path of ['/v1/versions/v2/promote', '/v1/projects/cups/rollback']) {
      expect((await server.call('POST', path, { reason: 'x' }, TOKENS.writer)).status).toBe(403);
    }
    expect(server.service.state.calls).toEqual([]);
  });
});

describe('what belongs to one project', () => {
  it('is not shown to callers held to another', async () => {
    await server.call('POST', '/v1/annotations', annotation({ project: 'dogs' }));
    const [{ sha256 } = { sha256: '' }] = [...server.service.state.images.values()];
    server.service.state.versions = [versionOf('c1'), versionOf('d1', 'dogs')];
    server.service.state.status.serving = [
      { project: 'dogs', encoderVersion: 'd1', since: 1 },
      { project: 'cups', encoderVersion: 'c1', since: 1 },
    ];
    const get = (path: string) => server.call('GET', path, undefined, TOKENS.cups);
    for (const path of [
      ...['/projects/dogs', '/projects/dogs/annotations', '/projects/dogs/next-images', '/projects/dogs/runs', '/versions/d1'],
      ...['/versions?project=dogs', '/deliveries?project=dogs', `/images/${sha256}?project=dogs`],
    ]) {
      const response = await get(`/v1${path}`);
      expect([response.status, codeOf(response)], path).toEqual([403, 'FORBIDDEN']);
    }
    const sent = [
      ['POST', '/annotations', annotation({ project: 'dogs' })],
      ['DELETE', '/projects/dogs/annotations/webhook/x', undefined],
      ['PUT', '/projects/dogs/annotations/webhook/x/flag', { flagged: true }],
      ['POST', '/projects/dogs/train', undefined],
      ['POST', '/projects/dogs/rollback', { reason: 'x' }],
      ['POST', '/versions/d1/promote', { reason: 'x' }],
      ['POST', '/versions/base/promote', { project: 'dogs', reason: 'x' }],
      ['POST', '/refine', { project: 'dogs', image, points: [{ x: 1, y: 1 }] }],
      ['POST', '/jobs', { project: 'dogs', images: [image] }],
    ] as const;
    for (const [method, path, body] of sent) expect((await server.call(method, `/v1${path}`, body, TOKENS.cups)).status, path).toBe(403);
    expect((await get('/v1/projects')).json).toEqual({ projects: [] });
    expect(responses.versionsResponse.parse((await get('/v1/versions')).json).versions.map(({ id }) => id)).toEqual(['c1']);
    const status = responses.statusResponse.parse((await get('/v1/status')).json);
    expect(status.serving.map(({ project }) => project)).toEqual(['cups']);
  });
});

describe('the description of the interface', () => {
  it('names every route with a summary, its bodies and answers', () => {
    const { routes } = server.adapter;
    const mounted = routes.map((route) => ({ route, path: `/v1${route.path}` }));
    const document = describeRoutes(mounted, createGuard({ anonymous: 'admin' }), { title: 'prosam', version: '1' });
    const { paths } = document as { paths: Record<string, Record<string, { summary: string; responses: object; requestBody?: object }>> };
    expect(Object.values(paths).flatMap((methods) => Object.keys(methods)).length).toBe(routes.length);
    expect(routes.length).toBeGreaterThan(22);
    for (const { summary, response, responseTypes: types } of routes) {
      expect(summary.length).toBeGreaterThan(10);
      expect(response ?? types).toBeDefined();
    }
    const text = JSON.stringify(document);
    expect(text).toContain('multipart/form-data');
    expect(text.length).toBeLessThan(300_000);
  });
});
