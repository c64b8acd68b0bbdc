import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseLabelConfig } from '../../../src/adapters/label-studio/protocol/label-config.ts';
import { decodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { fakeService } from '../../unit/adapters/fake-service.ts';
import { picture, startBackend, traffic, type Backend, type Recorded } from './backend-server.ts';

/** What Label Studio stores without harm. */
const region = z.strictObject({
  id: z.string().min(1),
  type: z.enum(['brushlabels', 'bitmasklabels', 'polygonlabels', 'rectanglelabels']),
  from_name: z.string(),
  to_name: z.string(),
  original_width: z.int().min(1),
  original_height: z.int().min(1),
  image_rotation: z.literal(0),
  score: z.number().min(0).max(1),
  origin: z.literal('prediction'),
  value: z.record(z.string(), z.unknown()),
});
const item = z.strictObject({ result: z.array(region), score: z.number().min(0).max(1), model_version: z.string().min(1) });
const predictResponse = z.strictObject({ results: z.array(z.union([z.tuple([]), item])) });
const setupResponse = z.strictObject({ model_version: z.string().min(1) });

interface Body {
  project?: string | { id: number; created_at: string };
  label_config?: string;
  tasks?: { id: number; data: { image: string }; predictions?: { model_version: string }[] }[];
  action?: string;
  params?: { context: { result: unknown[] } | null };
}

const scenes = traffic();
let backend: Backend;
const service = fakeService({ labels: ['car', 'tree'] });
const known = sizes();

beforeAll(async () => {
  backend = await startBackend({ service, fetchImage: async (_task, value) => picture(value, ...(known.get(value) ?? [320, 240])) });
});
afterAll(() => backend.close());

/** The project has been labelled before, so that there is something to predict. */
async function reference(key: string): Promise<void> {
  const project = `label-studio/${key}`;
  for (const label of ['car', 'tree']) {
    const masks = [{ label, box: [1, 1, 5, 5] }];
    await service.annotations.accept({
      project,
      source: 'before',
      externalId: label,
      revision: 1,
      image: await picture('reference'),
      provenance: 'drawn',
      masks,
    });
  }
}

/** Sizes of the pictures, as regions on them tell. */
function sizes(): Map<string, [number, number]> {
  const found = new Map<string, [number, number]>();
  for (const { body } of scenes.flatMap(({ requests }) => requests)) {
    const text = JSON.stringify(body);
    const size = /"original_width":(\d+),"original_height":(\d+)/.exec(text);
    for (const [, address] of text.matchAll(/"image":"([^"]+)"/g))
      if (size && address !== undefined) found.set(address, [Number(size[1]), Number(size[2])]);
  }
  return found;
}

async function replay({ method, path, body }: Recorded): Promise<void> {
  const sent = (body ?? {}) as Body;
  const response = await backend.call(method, path.replace('/some/prefix', ''), body ?? undefined);
  expect(response.status, response.text).toBe(200);
  if (path.endsWith('/health')) expect(response.json).toMatchObject({ status: 'UP', model_class: 'ProSAM' });
  if (path === '/setup') setupResponse.parse(response.json);
  if (path === '/versions')
    expect(z.strictObject({ versions: z.array(z.string()) }).parse(response.json).versions.length).toBeGreaterThan(0);
  if (path !== '/predict') return;
  const { results } = predictResponse.parse(response.json);
  expect(results.length).toBe(sent.tasks?.length);
  const { model_version } = setupResponse.parse(
    (
      await backend.call('POST', '/setup', {
        project: sent.project,
        schema: sent.label_config,
        hostname: '',
        access_token: null,
        extra_params: null,
      })
    ).json,
  );
  const { controls } = parseLabelConfig(sent.label_config ?? '');
  for (const [place, one] of results.entries()) {
    const address = sent.tasks?.[place]?.data.image ?? '';
    if (Array.isArray(one)) throw new Error('nothing was predicted');
    expect(one.model_version).toBe(model_version);
    expect(one.result.length).toBeGreaterThan(0);
    for (const { from_name, to_name, type, value, original_width, original_height } of one.result) {
      const control = controls.find(({ name }) => name === from_name);
      expect(control).toMatchObject({ toName: to_name, kind: type });
      const labels = z.array(z.string()).length(1).parse(value[type]);
      expect(control?.labels).toContain(labels[0]);
      expect([original_width, original_height]).toEqual(known.get(address) ?? [320, 240]);
      expect(decodeBrushRleSync(z.array(z.int()).parse(value.rle), original_width, original_height).data).toContain(1);
    }
  }
}

describe('recorded traffic of a real Label Studio', () => {
  it('is all there', () => {
    expect(scenes.length).toBe(57);
    const actions = scenes.flatMap(({ requests }) => requests.map(({ body }) => (body as Body | null)?.action));
    for (const action of [
      'ANNOTATION_CREATED',
      'ANNOTATION_UPDATED',
      'ANNOTATIONS_DELETED',
      'TASKS_CREATED',
      'TASKS_DELETED',
      'PROJECT_UPDATED',
      'START_TRAINING',
    ])
      expect(actions).toContain(action);
  });

  it.each(scenes)('$name: $what', async ({ requests }) => {
    for (const one of requests) {
      const { project } = (one.body ?? {}) as Body;
      if (typeof project === 'string') await reference(project);
      await replay(one);
      await backend.adapter.idle();
    }
    expect(backend.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('leaves every submitted annotation in the service, with what people did to it', () => {
    const accepted = service.state.calls.filter(({ name }) => name === 'annotations.accept').map(({ args }) => args as AcceptRequest);
    const taken = accepted.filter(({ source }) => source === 'label-studio');
    expect(taken.length).toBeGreaterThan(5);
    expect(new Set(taken.map(({ provenance }) => provenance))).toEqual(new Set(['drawn', 'edited', 'accepted', 'skipped', 'ground_truth']));
    expect(service.state.calls.filter(({ name }) => name === 'projects.train').length).toBeGreaterThan(0);
    expect(service.state.calls.filter(({ name }) => name === 'annotations.delete').length).toBeGreaterThan(0);
  });
});
