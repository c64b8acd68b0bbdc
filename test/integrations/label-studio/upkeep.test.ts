/** What is done in Label Studio after an answer: the project's version follows, and earlier predictions that nobody used go. */
import { describe, expect, it } from 'vitest';
import type { LabelStudioClient } from '../../../src/adapters/label-studio/api/client.ts';
import type { ApiBackend, ApiProject } from '../../../src/adapters/label-studio/api/types.ts';
import { deleteOutdated } from '../../../src/adapters/label-studio/connection/outdated.ts';
import { showVersion } from '../../../src/adapters/label-studio/connection/shown-version.ts';
import { sameService, silentWebhook, webhookProblems } from '../../../src/adapters/label-studio/connection/webhook.ts';
import { imageOfTask } from '../../../src/adapters/label-studio/task-images.ts';
import type { Connection } from '../../../src/adapters/label-studio/types.ts';

const [OLD, NEW] = ['tiny@9a897d329434.base.r-387cc446b653', 'tiny@9a897d329434.base.r-1f0c55d2a9e4'];

/** A Label Studio with one project. A title that was the project's version takes it along, and a version must be there, as in 1.23.2. */
function studio(shown: string | null, title = 'ProSAM') {
  const project: ApiProject = { id: 1, title: 't', label_config: '', created_at: '', model_version: shown };
  const backend: ApiBackend = {
    ...{ id: 7, url: 'http://127.0.0.1:9090/label-studio', title, state: 'CO', is_interactive: true, model_version: NEW, project: 1 },
    ...{ auth_method: 'BASIC_AUTH', basic_auth_user: 'label-studio', basic_auth_pass_is_set: true, extra_params: { threshold: 0.6 } },
  };
  const sent: object[] = [];
  const client = {
    backends: () => Promise.resolve([{ ...backend }]),
    updateBackend: (_id: number, change: { title?: string }) => {
      sent.push(change);
      if (project.model_version === backend.title) project.model_version = change.title;
      return Promise.resolve(Object.assign(backend, { title: change.title }));
    },
    updateProject: (_id: number, { model_version }: { model_version?: string }) => {
      if (model_version !== backend.title && model_version !== project.model_version) return Promise.reject(new Error('no such version'));
      return Promise.resolve(Object.assign(project, { model_version }));
    },
  } as unknown as LabelStudioClient;
  const passwordOf = (user: string): string | undefined => (user === 'label-studio' ? 'a-long-password' : undefined);
  return { project, backend, sent, show: () => showVersion({ client, project: { ...project }, version: NEW, passwordOf }) };
}

describe('the version a project shows', () => {
  it.each([['ProSAM'], [''], [null], [OLD]])('becomes the one in service, and the connection keeps its login (%s)', async (shown) => {
    const there = studio(shown);
    expect(await there.show()).toBe('changed');
    // Scores are averaged over this version, and a task that is opened asks the connection of this title.
    expect([there.project.model_version, there.backend.title]).toEqual([NEW, NEW]);
    expect(there.sent).toEqual([
      expect.objectContaining({
        ...{ project: 1, url: there.backend.url, title: NEW, auth_method: 'BASIC_AUTH' },
        ...{ basic_auth_user: 'label-studio', basic_auth_pass: 'a-long-password', extra_params: { threshold: 0.6 } },
      }),
    ]);
    expect(await there.show()).toBe('same');
    expect(there.sent).toHaveLength(1);
  });

  it('is left alone where people chose another model', async () => {
    const there = studio('their own');
    expect(await there.show()).toBe('not ours');
    expect([there.project.model_version, there.sent]).toEqual(['their own', []]);
  });
});

interface Prediction {
  id: number;
  model_version: string;
}

function predictions(tasks: Record<number, { held: Prediction[]; parents?: number[] }>) {
  const deleted: number[] = [];
  const client = {
    async *tasks() {
      for (const [id, { held, parents = [] }] of Object.entries(tasks))
        yield await Promise.resolve({
          ...{ id: Number(id), data: {}, predictions: held },
          annotations: parents.map((_, place) => ({ id: place, updated_at: '' })),
        });
    },
    predictions: (task: number | string) => Promise.resolve(tasks[Number(task)]?.held ?? []),
    annotations: (task: number | string) =>
      Promise.resolve((tasks[Number(task)]?.parents ?? []).map((parent_prediction) => ({ id: 1, result: [], parent_prediction }))),
    deletePrediction: (id: number) => Promise.resolve(void deleted.push(id)),
  } as unknown as LabelStudioClient;
  return { client, deleted };
}

describe('predictions of earlier versions', () => {
  const tasks = {
    1: {
      held: [
        { id: 11, model_version: OLD },
        { id: 12, model_version: NEW },
      ],
    },
    // One somebody began from, one of another model, and one that was not replaced yet.
    2: {
      held: [
        { id: 21, model_version: OLD },
        { id: 22, model_version: NEW },
      ],
      parents: [21],
    },
    3: {
      held: [
        { id: 31, model_version: 'another model' },
        { id: 32, model_version: NEW },
      ],
    },
    4: { held: [{ id: 41, model_version: OLD }] },
  };

  it('go where the task has a newer one and nobody used them', async () => {
    for (const named of [undefined, new Set(['1', '2', '3', '4'])]) {
      const { client, deleted } = predictions(tasks);
      const report = await deleteOutdated(client, { projectId: 1, version: NEW, ...(named && { tasks: named }) });
      expect(report).toEqual({ deleted: 1, used: 1, waiting: new Set(['4']) });
      expect(deleted).toEqual([11]);
    }
  });

  it('go without a newer one where that is asked for', async () => {
    const { client, deleted } = predictions(tasks);
    await deleteOutdated(client, { projectId: 1, version: NEW, withoutSuccessor: true });
    expect(deleted).toEqual([11, 41]);
  });
});

describe('a connection made by hand', () => {
  it('is the same service by any of its names', () => {
    const own = 'http://localhost:9090/label-studio';
    for (const name of ['127.0.0.1', 'host.docker.internal', 'prosam', '[::1]'])
      expect(sameService(own, `http://${name}:9090/label-studio/`), name).toBe(true);
    for (const other of [
      'http://localhost:9091/label-studio',
      'http://localhost:9090',
      'https://localhost:9090/label-studio',
      'http://gpu.example:9090/label-studio',
    ])
      expect(sameService(own, other), other).toBe(false);
    expect(sameService('http://10.0.0.5:9090/x', 'http://10.0.0.6:9090/x')).toBe(false);
  });

  it('has a webhook without credentials, which is found', async () => {
    const backend = studio(null).backend;
    const webhook = {
      ...{ id: 3, project: 1, url: 'http://127.0.0.1:9090/label-studio/webhook', headers: {}, send_payload: true },
      ...{ send_for_all_actions: true, actions: [], is_active: true },
    };
    const wanted = { backendUrl: 'http://localhost:9090/label-studio', authorization: 'Basic abc' };
    expect(webhookProblems([webhook], [backend], wanted)).toEqual([{ kind: 'credentials', webhook }]);
    const told = (held: object) => {
      const client = { webhooks: () => Promise.resolve([held]), backends: () => Promise.resolve([backend]) };
      return silentWebhook(client as unknown as LabelStudioClient, 1);
    };
    // A service that does not know its own address writes its credentials nowhere, and says so.
    expect(await told(webhook)).toContain('PROSAM_LABEL_STUDIO_BACKEND_URL=http://127.0.0.1:9090/label-studio');
    expect(await told({ ...webhook, is_active: false })).toContain('switched off');
    // Credentials it may not know of are somebody's choice.
    expect(await told({ ...webhook, headers: { authorization: 'Bearer own' } })).toBeUndefined();
  });
});

describe('the image of a task', () => {
  const connection = { project: 'p' } as Connection;
  const valueOf = (data: Record<string, unknown>, field: string) => imageOfTask(connection, { id: 1, data }, { field }).value;

  it('lies under a name or a path of names', () => {
    expect(valueOf({ 'a.b': 'https://x/1.png', a: { b: 'https://x/2.png' } }, 'a.b')).toBe('https://x/1.png');
    expect(valueOf({ photo: { url: 'https://x/2.png' } }, 'photo.url')).toBe('https://x/2.png');
    expect(valueOf({ pages: [{ url: 'https://x/3.png' }] }, 'pages.0.url')).toBe('https://x/3.png');
    for (const path of ['photo.toString.name', '__proto__.x', 'photo.url.length', 'photo..url', ''])
      expect(() => valueOf({ photo: { url: 'https://x/2.png' } }, path), path).toThrow('expected the address of an image');
  });
});
