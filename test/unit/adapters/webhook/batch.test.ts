/** Many images: worked off once each, through crashes, busy times and bad images. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { jobResponse } from '../../../../src/adapters/webhook/responses.ts';
import { ProsamError, type ErrorCode } from '../../../../src/core/common/errors.ts';
import type { ServicePredictRequest } from '../../../../src/service/types.ts';
import { fakeService } from '../fake-service.ts';
import { pngOf, startServer, TOKENS, until, type TestServer } from './webhook-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-batch-'));
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Images as data the request carries. */
async function inline(count: number): Promise<{ base64: string }[]> {
  return Promise.all(Array.from({ length: count }, async (_, i) => ({ base64: (await pngOf(i)).toString('base64') })));
}

async function ended(one: TestServer, id: string) {
  return until(async () => {
    const job = jobResponse.parse((await one.call('GET', `/v1/jobs/${id}?results=true&limit=1000`)).json);
    return job.endedMs === undefined ? undefined : job;
  });
}

/** sha256 of the images predicted, in order. */
function predicted({ service }: TestServer): string[] {
  const requests = service.state.calls
    .filter(({ name }) => name === 'predictions.predict')
    .map(({ args }) => args as ServicePredictRequest);
  return requests.map(({ image }) => (image as { sha256: string }).sha256);
}

interface Started {
  id: string;
  state: string;
  total: number;
  error: { code: string; message: string };
}

describe('POST /v1/jobs', () => {
  it('answers at once and predicts every image', async () => {
    server = await startServer();
    const images = await inline(5);
    const body = { project: 'cups', images, labels: ['cup'], format: 'polygon', options: { seed: 3 } };
    const started = await server.call('POST', '/v1/jobs', body);
    expect(started.status, started.text).toBe(202);
    const { id, ...rest } = started.json as Started;
    expect(rest).toMatchObject({ state: 'running', total: 5, done: 0, project: 'cups' });
    const job = await ended(server, id);
    expect(job).toMatchObject({ state: 'finished', done: 5, failed: 0 });
    expect(job.results?.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    for (const { result, image } of job.results ?? []) {
      expect(result?.masks[0]?.polygons?.length).toBe(1);
      expect(image).toEqual({ sha256: result?.image.sha256 });
    }
    const request = server.service.state.calls.find(({ name }) => name === 'predictions.predict')?.args;
    expect(request).toMatchObject({ priority: 'batch', labels: ['cup'], options: { seed: 3 }, client: 'admin' });
    expect(new Set(predicted(server)).size).toBe(5);
  });

  it('gives results page by page, in order', async () => {
    server = await startServer();
    const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images: await inline(5) });
    const { id } = json as Started;
    await ended(server, id);
    const seen: number[] = [];
    for (let after = -1; ;) {
      const page = jobResponse.parse((await server.call('GET', `/v1/jobs/${id}?results=true&limit=2&after=${after}`)).json);
      seen.push(...(page.results ?? []).map(({ index }) => index));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes on past bad images and says what was wrong with each', async () => {
    server = await startServer();
    const [good] = await inline(1);
    const images = [{ sha256: '0'.repeat(64) }, good, { url: 'http://127.0.0.1/' }, { path: 'a.png' }, { url: 'http://prosam.invalid/' }];
    const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images });
    const job = await ended(server, (json as Started).id);
    expect(job).toMatchObject({ done: 1, failed: 4, state: 'finished' });
    expect(job.results?.map(({ error }) => error?.code)).toEqual([
      'IMAGE_UNKNOWN',
      undefined,
      'URL_REFUSED',
      'REQUEST_INVALID',
      'URL_FAILED',
    ]);
    expect(job.results?.[0]?.error?.message).toContain('000');
  });

  it('waits while the service is busy and gives nothing up', async () => {
    let busy = 4;
    const before = (name: string): void => {
      if (name === 'predictions.predict' && busy-- > 0)
        throw new ProsamError('SERVICE_BUSY', 'all places are taken. Wait.', { retryAfterMs: 20 });
    };
    server = await startServer({ service: fakeService({ before }) });
    const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images: await inline(3) });
    expect(await ended(server, (json as Started).id)).toMatchObject({ done: 3, failed: 0 });
    expect(predicted(server).length).toBe(7);
  });

  it('tries a defect a few times, then fails that image without telling what is inside', async () => {
    const before = (name: string, args: unknown): void => {
      if (name === 'predictions.predict' && (args as ServicePredictRequest).labels?.[0] === 'odd')
        throw new ProsamError('ENGINE_FAILED', 'in /secret/place.');
      if (name === 'predictions.predict' && (args as ServicePredictRequest).labels?.[0] === 'bug') throw new TypeError('in /secret/place');
    };
    server = await startServer({ service: fakeService({ before }) });
    for (const [label, tries] of [
      ['odd', 3],
      ['bug', 1],
    ] as const) {
      server.service.state.calls.length = 0;
      const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images: await inline(1), labels: [label] });
      const job = await ended(server, (json as Started).id);
      expect(job.results?.[0]?.error?.code).toBe('ENGINE_FAILED');
      expect(JSON.stringify(job)).not.toContain('secret');
      expect(predicted(server).length).toBe(tries);
    }
  });

  it('asks again where the worker died under an image, but not for ever, and waits as long as there is none', async () => {
    const refusals: Record<string, [code: ErrorCode, times: number]> = {
      once: ['ENGINE_CRASHED', 1],
      slow: ['ENGINE_HUNG', 2],
      poison: ['ENGINE_CRASHED', Infinity],
      away: ['ENGINE_UNAVAILABLE', 5],
    };
    const tries: Record<string, number> = {};
    const before = (name: string, args: unknown): void => {
      const label = (args as ServicePredictRequest).labels?.[0];
      if (name !== 'predictions.predict' || label === undefined) return;
      const [code, times] = refusals[label] as [ErrorCode, number];
      tries[label] = (tries[label] ?? 0) + 1;
      if (tries[label] <= times) throw new ProsamError(code, 'the worker is gone. Ask again.', { retryAfterMs: 5 });
    };
    server = await startServer({ service: fakeService({ before }) });
    const outcomes: Record<string, string> = {};
    for (const label of Object.keys(refusals)) {
      const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images: await inline(1), labels: [label] });
      outcomes[label] = (await ended(server, (json as Started).id)).results?.[0]?.error?.code ?? 'done';
    }
    expect(outcomes).toEqual({ once: 'done', slow: 'done', poison: 'ENGINE_CRASHED', away: 'done' });
    expect(tries).toEqual({ once: 2, slow: 3, poison: 3, away: 6 });
  });

  it('is cancelled: what is done stays, the rest is never predicted', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let count = 0;
    const before = (name: string): unknown => (name === 'predictions.predict' && ++count > 2 ? gate : undefined);
    server = await startServer({ service: fakeService({ before }) });
    const { call } = server;
    const { json } = await call('POST', '/v1/jobs', { project: 'cups', images: await inline(20) });
    const { id } = json as Started;
    await until(async () => (jobResponse.parse((await call('GET', `/v1/jobs/${id}`)).json).done === 2 ? true : undefined));
    const cancelled = jobResponse.parse((await call('DELETE', `/v1/jobs/${id}`)).json);
    expect(cancelled).toMatchObject({ state: 'cancelled', done: 2, failed: 18 });
    release();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(predicted(server).length).toBeLessThanOrEqual(4);
    expect(jobResponse.parse((await call('GET', `/v1/jobs/${id}`)).json)).toMatchObject({ state: 'cancelled', done: 2 });
  });

  it('goes on where it stood when another process takes over, and repeats nothing that is settled', async () => {
    const database = join(folder, 'resume.db');
    const service = fakeService();
    let count = 0;
    service.state.before = (name, _, signal) => {
      if (name !== 'predictions.predict' || ++count <= 3) return undefined;
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const first = await startServer({ service, database });
    const { json } = await first.call('POST', '/v1/jobs', { project: 'cups', images: await inline(8) });
    const { id } = json as Started;
    await until(async () => (jobResponse.parse((await first.call('GET', `/v1/jobs/${id}`)).json).done === 3 ? true : undefined));
    await first.close();
    const settled = new Set(predicted(first).slice(0, 3));
    service.state.before = () => undefined;
    service.state.calls.length = 0;
    server = await startServer({ service, database });
    expect(await ended(server, id)).toMatchObject({ done: 8, failed: 0 });
    const repeated = predicted(server);
    expect(repeated.length).toBe(5);
    expect(repeated.filter((sha256) => settled.has(sha256))).toEqual([]);
  });

  it('refuses more inline images than it holds, and callbacks without a secret', async () => {
    server = await startServer();
    const tooMany = await server.call('POST', '/v1/jobs', { project: 'cups', images: Array(101).fill((await inline(1))[0]) });
    expect([tooMany.status, (tooMany.json as Started).error.code]).toEqual([400, 'REQUEST_INVALID']);
    const callback = { url: 'https://example.org/' };
    const unsigned = await server.call('POST', '/v1/jobs', { project: 'cups', images: [{ path: 'a' }], callback });
    expect([unsigned.status, (unsigned.json as Started).error.code]).toEqual([400, 'REQUEST_INVALID']);
    expect((unsigned.json as Started).error.message).toContain('secret');
    const none = await server.call('POST', '/v1/jobs', { project: 'cups', images: [] });
    expect(none.status).toBe(400);
  });

  it('takes ten thousand images', async () => {
    server = await startServer({ working: false });
    const images = Array.from({ length: 10_000 }, (_, i) => ({ path: `${i}.png` }));
    const { status, json } = await server.call('POST', '/v1/jobs', { project: 'cups', images });
    expect([status, (json as Started).total]).toEqual([202, 10_000]);
  });
});

describe('GET /v1/jobs', () => {
  it('shows jobs to those of their project alone', async () => {
    server = await startServer({ working: false });
    const { json } = await server.call('POST', '/v1/jobs', { project: 'dogs', images: [{ path: 'a.png' }] });
    const { id } = json as Started;
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/events'],
      ['DELETE', ''],
    ] as const) {
      expect((await server.call(method, `/v1/jobs/${id}${path}`, undefined, TOKENS.cups)).status).toBe(403);
      const unknown = await server.call(method, `/v1/jobs/nothing${path}`);
      expect([unknown.status, (unknown.json as Started).error.code]).toEqual([404, 'BATCH_NOT_FOUND']);
    }
  });

  it('tells progress as events, and after a break only what is new', async () => {
    server = await startServer();
    const waiting: (() => void)[] = [];
    server.service.state.before = (name) =>
      name === 'predictions.predict' ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined;
    const { json } = await server.call('POST', '/v1/jobs', { project: 'cups', images: await inline(4) });
    const { id } = json as Started;
    const stream = server.call('GET', `/v1/jobs/${id}/events`);
    for (let i = 0; i < 4; i++) {
      await until(() => Promise.resolve(waiting.length > 0 ? true : undefined));
      waiting.shift()?.();
      await until(async () =>
        jobResponse.parse((await (server as TestServer).call('GET', `/v1/jobs/${id}`)).json).done > i ? true : undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { text, headers } = await stream;
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = text.split('\n\n').filter((one) => one.startsWith('event'));
    const names = events.map((one) => /^event: (\w+)/.exec(one)?.[1]);
    expect(names).toEqual(['progress', 'progress', 'progress', 'progress', 'progress', 'end']);
    expect(events.map((one) => /^id: (\d+)/m.exec(one)?.[1])).toEqual(['0', '1', '2', '3', '4', '4']);
    const again = await server.call('GET', `/v1/jobs/${id}/events`, undefined, TOKENS.reader, { 'last-event-id': '2' });
    expect(again.text.match(/^id: .*/gm)).toEqual(['id: 4', 'id: 4']);
    const done = await server.call('GET', `/v1/jobs/${id}/events`, undefined, TOKENS.reader, { 'last-event-id': '4' });
    expect(done.text.match(/^event: .*/gm)).toEqual(['event: end']);
  });
});
