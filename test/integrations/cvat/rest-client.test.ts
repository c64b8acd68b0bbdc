/** Calls to CVAT: credentials, pages, repetitions, limits, and what was recorded from a real server. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCvatClient, type CvatClientOptions } from '../../../src/adapters/cvat/api/client.ts';
import type { OutboundFetch } from '../../../src/adapters/http/outbound-types.ts';
import { expectCode, expectRejection } from '../../unit/core/expect-error.ts';
import { startStandIn, TOKEN, type StandIn } from './stand-in-cvat.ts';

let cvat: StandIn;
beforeAll(async () => {
  cvat = await startStandIn();
});
afterAll(() => cvat.close());
beforeEach(() => {
  cvat.state.trouble = undefined;
  cvat.asked.length = 0;
});
const client = (options: Partial<CvatClientOptions> = {}) =>
  createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1, random: () => 0.5, ...options });
const without = (options: Omit<CvatClientOptions, 'url'>) => createCvatClient({ url: cvat.url, backoffMs: 1, ...options });

interface Recording {
  request: { method: string; path: string; body: unknown };
  response: { status: number; body: unknown };
}
const recording = (name: string) => JSON.parse(readFileSync(new URL(`traffic/${name}.json`, import.meta.url), 'utf8')) as Recording;
/** A client whose CVAT answers with a recording; what it asked lies beside it. */
function replay(name: string) {
  const { response } = recording(name);
  const asked: { url: string; method: string; body: unknown }[] = [];
  const fetch: OutboundFetch = (url, { method, body }) => {
    asked.push({ url, method, body: body === undefined ? null : JSON.parse(body as string) });
    return Promise.resolve({
      status: response.status,
      headers: { get: () => null },
      body: new Blob([JSON.stringify(response.body)]).stream(),
    });
  };
  return { asked, client: createCvatClient({ url: 'http://localhost:18080', token: TOKEN, fetch }) };
}

describe('what a real CVAT answered', () => {
  it('is read', async () => {
    expect(await replay('rest_254_plugins').client.plugins()).toMatchObject({ MODELS: true });
    expect(await replay('rest_254_labels').client.labels({ project: 2 })).toMatchObject([
      { id: 9, name: 'cat', type: 'any' },
      { id: 10, type: 'mask' },
    ]);
    expect((await replay('rest_254_jobs').client.jobs({ task: 8 })).map(({ id, stop_frame }) => [id, stop_frame])).toEqual([
      [10, 3],
      [9, 2],
    ]);
    expect(await replay('rest_254_data_meta').client.meta(8)).toMatchObject({
      size: 4,
      deleted_frames: [],
      frames: [{ width: 64, height: 48 }, {}, {}, {}],
    });
    expect(await replay('rest_254_functions').client.models()).toHaveLength(4);
    expect((await replay('rest_254_anno_job').client.annotations({ job: 9 })).shapes).toMatchObject([
      { id: 16, type: 'mask', source: 'manual' },
    ]);
    expect(await replay('rest_254_task_create').client.task(8)).toMatchObject({ project_id: 2 });
    expect(await replay('rest_254_job_completed').client.job(9)).toMatchObject({ state: 'completed', stage: 'annotation' });
    expect((await replay('rest_254_webhook_deliveries').client.deliveries(2))[0]).toMatchObject({ status_code: 500 });
    await expectRejection('CVAT_FAILED', replay('rest_254_frame_out_of_range').client.frame({ task: 8 }, 99), '400', "Invalid frame '99'");
  });

  it('was asked for in the same words', async () => {
    const upload = recording('rest_254_anno_create');
    const { asked, client: replayed } = replay('rest_254_anno_create');
    const [shape] = (upload.request.body as { shapes: { type: 'mask'; frame: number; label_id: number; points: number[] }[] }).shapes;
    if (!shape) throw new Error('a shape was expected');
    const { type, frame, label_id, points } = shape;
    expect(await replayed.createShapes({ job: 9 }, [{ type, frame, label_id, points }])).toMatchObject([{ id: 16 }]);
    const expected = { ...(upload.request.body as object), shapes: [{ ...shape, source: 'auto' }] };
    expect(asked).toEqual([{ url: `http://localhost:18080${upload.request.path}`, method: 'PATCH', body: expected }]);

    const hook = recording('rest_254_webhook_create');
    const created = replay('rest_254_webhook_create');
    await created.client.createWebhook({ targetUrl: 'http://localhost:18090/hook', secret: 's3cret', project: 2 });
    const events = ['update:job', 'update:task', 'create:task', 'delete:task', 'delete:job'];
    expect(created.asked[0]?.body).toEqual({ ...(hook.request.body as object), events });
    // All of them are events a project has.
    expect((recording('rest_254_webhook_events').response.body as { events: string[] }).events).toEqual(expect.arrayContaining(events));
  });
});

describe('calls', () => {
  it('prove who asks in each of the ways CVAT takes', async () => {
    expect(await client({ organization: 'acme' }).self()).toMatchObject({ username: 'admin' });
    expect(cvat.asked[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-organization': 'acme' });
    const loggedIn = without({ login: { username: 'admin', password: 'secret' } });
    await Promise.all([loggedIn.self(), loggedIn.self()]);
    expect(cvat.asked.filter(({ path }) => path === '/api/auth/login')).toHaveLength(1);
    // A key that is forgotten is asked for once more, not for ever.
    for (const token of cvat.tokens) if (token.startsWith('Token ')) cvat.tokens.delete(token);
    expect(await loggedIn.self()).toMatchObject({ id: 1 });
    await expectRejection('CVAT_FAILED', without({ login: { username: 'admin', password: 'x' } }).self(), 'Unable to log in');
    await expectRejection('CVAT_REFUSED', without({ token: '0'.repeat(40) }).self(), '401', 'revoked');
    expect(cvat.asked.at(-1)?.headers.authorization).toBe(`Token ${'0'.repeat(40)}`);
    await expectRejection('CVAT_REFUSED', without({ session: { sessionId: 's', csrfToken: 'c' } }).self());
    expect(cvat.asked.at(-1)?.headers).toMatchObject({ cookie: 'sessionid=s; csrftoken=c', 'x-csrftoken': 'c' });
    expectCode('CONFIG_INVALID', () => client({ token: 'a\r\nb' }), 'token');
    expectCode('CONFIG_INVALID', () => client({ url: 'http://user:pass@host' }), 'without credentials');
  });

  it('collect all pages, whatever address CVAT has for itself', async () => {
    cvat.state.pageSize = 3;
    const frames = Array.from({ length: 8 }, (_, i) => ({ name: `${i}.png`, width: 2, height: 2, bytes: new Uint8Array() }));
    const task = cvat.addTask({ frames, labels: [{ name: 'a' }], jobSize: 1 });
    expect((await client().jobs({ task: task.id })).map(({ start_frame }) => start_frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    cvat.state.pageSize = 100;
  });

  it('are repeated after 5xx, 429 and lost lines where that does no harm, and end', async () => {
    let left = 3;
    cvat.state.trouble = () =>
      left-- > 0 ? ([{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, 'after'] as const)[left] : undefined;
    expect(await client().self()).toMatchObject({ id: 1 });
    expect(cvat.asked).toHaveLength(4);
    cvat.state.trouble = () => ({ status: 502 });
    cvat.asked.length = 0;
    await expectRejection('CVAT_FAILED', client({ attempts: 3 }).self(), '502');
    expect(cvat.asked).toHaveLength(3);
    // What was sent may have arrived: uploads are never repeated by themselves.
    cvat.asked.length = 0;
    await expectRejection('CVAT_FAILED', client().createShapes({ job: 1 }, []), '502');
    expect(cvat.asked).toHaveLength(1);
  });

  it('end in time, in bounds and when they are called off', async () => {
    cvat.state.trouble = undefined;
    const never: OutboundFetch = (_, { signal }) =>
      new Promise((__, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error)));
    await expectRejection('CVAT_FAILED', client({ fetch: never, timeoutMs: 20, attempts: 1 }).self(), '0.02 s');
    const stop = new AbortController();
    const waiting = client({ fetch: never }).self({ signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expectRejection('CVAT_FAILED', client({ maxBytes: 10 }).self(), '10 bytes');
    cvat.state.trouble = () => ({ status: 200, body: { results: 'none' } });
    await expectRejection('CVAT_FAILED', client().labels({ task: 1 }), 'differs');
    cvat.state.trouble = () => ({ status: 302, headers: { location: 'https://evil.test/x' } });
    await expectRejection('CVAT_FAILED', client().self(), 'https://evil.test');
    cvat.state.trouble = () => ({ status: 403, body: { detail: 'not yours' } });
    await expectRejection('CVAT_REFUSED', client().self(), 'not yours');
    const gone = await startStandIn();
    await gone.close();
    await expectRejection('CVAT_FAILED', createCvatClient({ url: gone.url, token: TOKEN, attempts: 1 }).self(), 'ECONNREFUSED');
  });
});
