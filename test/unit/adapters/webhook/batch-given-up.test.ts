/** Images that end the process, or cannot be stored, each time: their batch ends all the same, and its callback is sent. */
import { afterEach, describe, expect, it } from 'vitest';
import type { BatchStore } from '../../../../src/service/ports/batches.ts';
import { createBatchHandler, LAST_ATTEMPT } from '../../../../src/adapters/webhook/batch-worker.ts';
import { BATCH, BATCH_ENDED, DELIVERY, type WebhookParts } from '../../../../src/adapters/webhook/parts.ts';
import { jobResponse } from '../../../../src/adapters/webhook/responses.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import { pngOf, startServer, type TestServer } from './webhook-server.ts';

const SECRET = 'a secret of callbacks';
const { signal } = new AbortController();
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function job(count: number, events: 'each' | 'finished' = 'finished'): Promise<string> {
  server = await startServer({ working: false, callbacks: { secret: SECRET, allowHosts: ['127.0.0.1:9'] } });
  const images = await Promise.all(Array.from({ length: count }, async (_, i) => ({ base64: (await pngOf(i)).toString('base64') })));
  const { json } = await server.call('POST', '/v1/jobs', {
    ...{ project: 'cups', images, callback: { url: 'http://127.0.0.1:9/told', events } },
  });
  return (json as { id: string }).id;
}

async function results(id: string) {
  const { state, results = [] } = jobResponse.parse((await (server as TestServer).call('GET', `/v1/jobs/${id}?results=true`)).json);
  return { state, codes: results.map(({ error, result }) => error?.code ?? (result ? 'done' : 'waiting')) };
}

/** unstorable: places of items whose results the store does not take. */
function handlerOf({ service, storage }: TestServer, unstorable: readonly number[] = []) {
  const settle: BatchStore['settle'] = (id, index, result, whenEnded) =>
    result.state === 'done' && unstorable.includes(index)
      ? Promise.reject(new Error('cannot be stored'))
      : storage.store.batches.settle(id, index, result, whenEnded);
  const parts = {
    ...{ service, batches: { ...storage.store.batches, settle }, deliveries: storage.store.deliveries, queue: storage.queue },
    ...{ images: { read: (input: unknown) => Promise.resolve(input) }, log: silentLog, nowMs: Date.now, random: Math.random },
  };
  return createBatchHandler(parts as unknown as WebhookParts);
}

describe('a batch whose message is taken again and again', () => {
  it('loses the one image its workers die of, and no other', async () => {
    const id = await job(5);
    const one = server as TestServer;
    const handle = handlerOf(one, [1, 3]);
    let [attempt, tries] = [0, 0];
    for (;;) {
      tries++;
      const failed = await handle({ id }, { signal, attempt: ++attempt }).then(
        () => false,
        () => true,
      );
      if (!failed || tries > 50) break;
    }
    expect(await results(id)).toEqual({ state: 'finished', codes: ['done', 'ENGINE_FAILED', 'done', 'ENGINE_FAILED', 'done'] });
    expect(tries).toBeLessThan(LAST_ATTEMPT);
    expect((await one.storage.queue.depth())[BATCH_ENDED]).toBe(1);
  });

  it('fails what is left at the last attempt, tells so, and ends', async () => {
    const id = await job(3, 'each');
    const one = server as TestServer;
    await handlerOf(one)({ id }, { signal, attempt: LAST_ATTEMPT });
    expect(await results(id)).toEqual({ state: 'finished', codes: Array(3).fill('ENGINE_FAILED') });
    expect(one.service.state.calls.some(({ name }) => name === 'predictions.predict')).toBe(false);
    expect(await one.storage.queue.depth()).toMatchObject({ [BATCH_ENDED]: 1, [DELIVERY]: 3, [BATCH]: 1 });
  });
});

describe('DELETE /v1/jobs/{id}', () => {
  it('tells the end of a batch in the transaction that ends it', async () => {
    const id = await job(2);
    const one = server as TestServer;
    expect((await one.call('DELETE', `/v1/jobs/${id}`)).status).toBe(200);
    expect((await one.storage.queue.depth())[BATCH_ENDED]).toBe(1);
    await one.call('DELETE', `/v1/jobs/${id}`);
    expect((await one.storage.queue.depth())[BATCH_ENDED]).toBe(1);
  });
});
