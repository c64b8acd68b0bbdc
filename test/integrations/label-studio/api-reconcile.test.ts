/** Annotations brought in line, and webhooks put right, against a Label Studio made of lists. */
import { describe, expect, it } from 'vitest';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import type { ApiBackend, ApiWebhook } from '../../../src/adapters/label-studio/api/responses.ts';
import type { LabelStudioClient } from '../../../src/adapters/label-studio/api/client.ts';
import { createConnectionApi } from '../../../src/adapters/label-studio/connection/connection-api.ts';
import { newMemory, reconcile } from '../../../src/adapters/label-studio/connection/reconcile.ts';
import { repairWebhook, webhookProblems, WEBHOOK_ACTIONS } from '../../../src/adapters/label-studio/connection/webhook.ts';
import type { AnnotationRecorder, Connection } from '../../../src/adapters/label-studio/types.ts';

const CREATED = '2026-11-22T16:31:53.521413Z';
const connection: Connection = {
  key: '3.1795365113',
  projectId: 3,
  project: 'ls/3.1',
  hostname: 'http://ls',
  labelConfig: '',
  extraParams: {},
};

/** Annotations by task, as they are there. */
function studio(there: Map<number, { id: number; updated_at: string }[]>) {
  const asked: string[] = [];
  const client = {
    project: () => Promise.resolve({ id: 3, title: 'Cups', created_at: CREATED, task_number: there.size }),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *tasks() {
      for (const [id, annotations] of there) yield { id, data: { image: 'x' }, meta: {}, annotations, predictions: [] };
    },
    annotations(task: number) {
      asked.push(`task ${task}`);
      return Promise.resolve((there.get(task) ?? []).map((one) => ({ ...one, result: [] })));
    },
    annotation(id: number) {
      asked.push(`annotation ${id}`);
      const found = [...there.values()].flat().find((one) => one.id === id);
      return Promise.resolve(found && { ...found, result: [] });
    },
  };
  return { asked, client: client as unknown as LabelStudioClient };
}

const notAsked = () => Promise.reject(new Error('nobody asked for that'));

function recording(fail: (id: number) => Error | undefined = () => undefined) {
  const counted = new Map<number, string>();
  const calls: string[] = [];
  const recorder: AnnotationRecorder = {
    record: (_connection, task, { id, updated_at = '' }) => {
      calls.push(`record ${id} of ${task.id}`);
      const error = fail(Number(id));
      if (error) return Promise.reject(error);
      counted.set(Number(id), updated_at);
      return Promise.resolve('stored' as const);
    },
    withdraw: (_connection, id, [known]) => {
      calls.push(`withdraw ${id} up to ${known?.revision}`);
      return Promise.resolve(counted.delete(Number(id)));
    },
    ...{ remove: notAsked, removeTasks: notAsked, restore: notAsked },
  };
  const ofEach = () => new Map([...counted.keys()].map((id) => [id, [{ externalId: String(id), revision: 10 * id }]]));
  return { counted, calls, parts: { recorder, counted: () => Promise.resolve(ofEach()), log: silentLog } };
}

describe('bringing annotations in line', () => {
  it('takes what is new, once, and what changed; drops what is gone', async () => {
    const there = new Map([
      [1, [{ id: 10, updated_at: 'a' }]],
      [2, []],
      [
        3,
        [
          { id: 30, updated_at: 'a' },
          { id: 31, updated_at: 'a' },
        ],
      ],
    ]);
    const { client, asked } = studio(there);
    const { counted, calls, parts } = recording();
    const memory = newMemory();
    const run = () => reconcile(connection, { ...parts, client }, memory);
    expect(await run()).toEqual({ tasks: 3, annotations: 3, stored: 3, removed: 0, missing: 0, failed: 0 });
    expect([...counted.keys()].sort()).toEqual([10, 30, 31]);
    asked.length = calls.length = 0;
    expect(await run()).toMatchObject({ stored: 0, removed: 0 });
    expect([asked, calls]).toEqual([[], []]);

    there.set(1, [{ id: 10, updated_at: 'b' }]).set(3, [{ id: 31, updated_at: 'a' }]);
    expect(await run()).toMatchObject({ stored: 1, removed: 1 });
    expect(calls).toEqual(['record 10 of 1', 'withdraw 30 up to 300']);
  });

  it('drops what was stored before it started and is gone now, and asks before it does', async () => {
    const { client, asked } = studio(new Map([[1, []]]));
    const { counted, parts } = recording();
    counted.set(77, 'a');
    expect(await reconcile(connection, { ...parts, client }, newMemory())).toMatchObject({ removed: 1 });
    expect(asked).toEqual(['annotation 77']);
    expect(counted.size).toBe(0);
  });

  it('keeps what only slipped between two pages, and what came in meanwhile', async () => {
    const there = new Map([[1, [{ id: 10, updated_at: 'a' }]]]);
    const { client } = studio(there);
    const { counted, parts } = recording();
    counted.set(10, 'a');

    const slipping = {
      ...client,
      // eslint-disable-next-line @typescript-eslint/require-await, require-yield
      tasks: async function* () {
        counted.set(11, 'a');
      },
    } as unknown as LabelStudioClient;
    expect(await reconcile(connection, { ...parts, client: slipping }, newMemory())).toMatchObject({ removed: 0 });
    expect([...counted.keys()]).toEqual([10, 11]);
  });

  it('takes what people deleted while the list was read for no riddle', async () => {
    const { client, asked } = studio(new Map([[1, []]]));
    const { counted, calls, parts } = recording();
    for (const id of [10, 11, 12, 13]) counted.set(id, 'a');
    const deleting = {
      ...client,
      // eslint-disable-next-line @typescript-eslint/require-await
      tasks: async function* () {
        for (const id of [10, 11, 12]) counted.delete(id);
        yield { id: 1, data: {}, meta: {}, annotations: [{ id: 13, updated_at: 'a' }], predictions: [] };
      },
    } as unknown as LabelStudioClient;
    const report = await reconcile(connection, { ...parts, client: deleting }, newMemory());
    expect(report).toMatchObject({ removed: 0, missing: 0 });
    expect(report.refused).toBeUndefined();
    expect([asked, calls]).toEqual([['task 1'], []]);
  });

  it('asks nobody for each of thousands that would not be believed', async () => {
    const { client, asked } = studio(new Map([[1, []]]));
    const { counted, parts } = recording();
    for (let id = 1; id <= 5000; id++) counted.set(id, 'a');
    const memory = newMemory();
    for (let look = 0; look < 3; look++)
      expect(await reconcile(connection, { ...parts, client }, memory)).toMatchObject({ removed: 0, missing: 5000 });
    expect(asked).toEqual([]);
    expect(counted.size).toBe(5000);
    expect(await reconcile(connection, { ...parts, client }, memory, { acceptRemovals: true })).toMatchObject({
      removed: 5000,
      missing: 0,
    });
  });

  it('looks again at what counts no longer, without asking for what it knows to count for nothing', async () => {
    const there = new Map([[1, [{ id: 10, updated_at: 'a' }, { id: 11, updated_at: 'a' }]]]); // prettier-ignore
    const { client, asked } = studio(there);
    const { counted, calls, parts } = recording();
    const { recorder } = parts;
    const outcomes = { ...recorder, record: async (...args: Parameters<typeof recorder.record>) => (args[2].id === 11 ? 'nothing' : recorder.record(...args)) }; // prettier-ignore
    const memory = newMemory();
    const run = () => reconcile(connection, { ...parts, recorder: outcomes, client }, memory);
    await run();
    await run();
    expect(asked).toEqual(['task 1']);
    counted.clear();
    expect(await run()).toMatchObject({ stored: 1 });
    expect(calls).toEqual(['record 10 of 1', 'record 10 of 1']);
    await run();
    expect(asked).toEqual(['task 1', 'task 1']);
  });

  it('is not stopped by one that fails; tries again what may succeed, and not what cannot', async () => {
    const { client } = studio(
      new Map([
        [
          1,
          [
            { id: 10, updated_at: 'a' },
            { id: 11, updated_at: 'a' },
            { id: 12, updated_at: 'a' },
          ],
        ],
      ]),
    );
    const errors = new Map<number, Error>([
      [10, new ProsamError('URL_FAILED', 'later.')],
      [11, new ProsamError('IMAGE_UNREADABLE', 'never.')],
    ]);
    const { calls, parts } = recording((id) => errors.get(id));
    const memory = newMemory();
    expect(await reconcile(connection, { ...parts, client }, memory)).toMatchObject({ stored: 1, failed: 2 });
    calls.length = 0;
    errors.clear();
    expect(await reconcile(connection, { ...parts, client }, memory)).toMatchObject({ stored: 1, failed: 0 });
    expect(calls).toEqual(['record 10 of 1']);
    // What answered in its place may be gone by then.
    const later = Date.now() + 3_700_000;
    expect(await reconcile(connection, { ...parts, client, nowMs: () => later }, memory)).toMatchObject({ stored: 1, failed: 0 });
    expect(calls).toEqual(['record 10 of 1', 'record 11 of 1']);
  });

  it('runs one after the other, before training and by itself, and ends when it is closed', async () => {
    const there = new Map([[1, [{ id: 10, updated_at: 'a' }]]]);
    const { client } = studio(there);
    const { counted, parts } = recording();
    const api = createConnectionApi({ clients: () => client, counted: parts.counted, everyMs: 20 });
    api.use(parts.recorder);
    await Promise.all([api.reconcile(connection), api.beforeTraining(connection)]);
    expect([...counted.keys()]).toEqual([10]);
    there.set(2, [{ id: 20, updated_at: 'a' }]);
    await expect.poll(() => [...counted.keys()]).toEqual([10, 20]);
    await api.close();
    there.set(3, [{ id: 30, updated_at: 'a' }]);
    await new Promise((resume) => setTimeout(resume, 60));
    expect(counted.has(30)).toBe(false);
    await expect(api.reconcile(connection)).rejects.toThrow();
  });
});

describe('the webhook of a project', () => {
  const wanted = { backendUrl: 'http://prosam:9090/label-studio', authorization: 'Basic eDp5' };
  const backend = { id: 1, url: 'http://prosam:9090/label-studio/' } as ApiBackend;
  const hook = (changes: Partial<ApiWebhook> = {}): ApiWebhook => ({
    ...{ id: 5, project: 3, url: 'http://prosam:9090/label-studio/webhook', send_payload: true, send_for_all_actions: true },
    ...{ headers: { Authorization: 'Basic eDp5' }, actions: [], is_active: true, ...changes },
  });
  const kinds = (webhooks: ApiWebhook[], backends = [backend]) => webhookProblems(webhooks, backends, wanted).map(({ kind }) => kind);

  it('is right as it is', () => {
    expect(kinds([hook()])).toEqual([]);
    expect(kinds([hook({ headers: { authorization: 'Basic eDp5' } })])).toEqual([]);
    expect(kinds([hook({ headers: {}, url: 'http://x:y@prosam:9090/label-studio/webhook' })])).toEqual([]);
    expect(kinds([hook({ id: 6, url: 'http://somebody.else/webhook' }), hook()])).toEqual([]);
  });

  it.each([
    ['missing', [hook({ url: 'http://somebody.else/webhook' })]],
    ['credentials', [hook({ headers: {} })]],
    ['credentials', [hook({ headers: { Authorization: 'Basic old' } })]],
    ['inactive', [hook({ is_active: false })]],
    ['empty', [hook({ send_payload: false })]],
    ['actions', [hook({ send_for_all_actions: false, actions: ['ANNOTATION_CREATED'] })]],
    ['twice', [hook(), hook({ id: 6 })]],
  ])('is found to be %s', (kind, webhooks) => {
    expect(kinds(webhooks)).toEqual([kind]);
  });

  it('is found to be left behind where nothing is connected', () => {
    expect(kinds([hook()], [])).toEqual(['left behind']);
    expect(kinds([], [])).toEqual([]);
  });

  it('is put right with as few changes as it takes, and other headers stay', async () => {
    const changes: unknown[] = [];
    const note =
      (what: string) =>
      (...args: unknown[]) => {
        changes.push([what, ...args.slice(0, -1)]);
        return Promise.resolve({});
      };
    const lists = (webhooks: ApiWebhook[], backends: ApiBackend[]) =>
      ({
        webhooks: () => Promise.resolve(webhooks),
        backends: () => Promise.resolve(backends),
        ...{ createWebhook: note('create'), updateWebhook: note('update'), deleteWebhook: note('delete') },
      }) as unknown as LabelStudioClient;
    const right = { is_active: true, send_payload: true, send_for_all_actions: false, actions: WEBHOOK_ACTIONS };
    const url = 'http://prosam:9090/label-studio/webhook';

    await repairWebhook(lists([hook()], [backend]), 3, wanted);
    expect(changes.splice(0)).toEqual([]);
    await repairWebhook(lists([hook({ headers: { 'X-Other': '1' }, is_active: false }), hook({ id: 6 })], [backend]), 3, wanted);
    expect(changes.splice(0)).toEqual([
      ['delete', 6],
      ['update', 5, { url, headers: { 'X-Other': '1', Authorization: 'Basic eDp5' }, ...right }],
    ]);
    await repairWebhook(lists([], [backend]), 3, wanted);
    expect(changes.splice(0)).toEqual([['create', { project: 3, url, headers: { Authorization: 'Basic eDp5' }, ...right }]]);
    await repairWebhook(lists([hook()], []), 3, wanted);
    expect(changes.splice(0)).toEqual([['delete', 5]]);
  });
});
