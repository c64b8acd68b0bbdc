/** Complaints about Label Studio's stock backend, none of which holds here. */
import { describe, expect, it } from 'vitest';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { onThisMachine } from '../../support/busy-watch.ts';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { picture, taskOf } from './backend-server.ts';
import { annotation, batchBench, brush, hold, ownDeadline, reference, results, SOFT_DEADLINE_MS } from './batch-bench.ts';

const bench = batchBench();
const { start } = bench;

describe("what people complain about in Label Studio's stock backend", () => {
  it('authentication: without credentials nothing answers, wrong ones are told apart from none, webhooks take a header of their own', async () => {
    await start({
      guard: { basic: [{ name: 'label-studio', password: 'a-long-password' }], tokens: [{ name: 'hook', token: 'a-token-for-webhooks' }] },
    });
    for (const [method, path] of [
      ['GET', '/health'],
      ['POST', '/setup'],
      ['POST', '/predict'],
      ['POST', '/webhook'],
      ['GET', '/versions'],
    ] as const) {
      expect((await bench.backend.call(method, path, method === 'POST' ? {} : undefined, {})).status, path).toBe(401);
      expect(
        (await bench.backend.call(method, path, method === 'POST' ? {} : undefined, { authorization: 'Basic d3Jvbmc6d3Jvbmc=' })).status,
        path,
      ).toBe(401);
    }
    const event = { action: 'PROJECT_UPDATED', project: { id: 1, created_at: '2026-11-22T16:31:53.521413Z' } };
    expect((await bench.backend.call('POST', '/webhook', event, { authorization: 'Bearer a-token-for-webhooks' })).status).toBe(200);
  });

  it('authentication: callers held to other projects get nowhere', async () => {
    await start({ guard: { basic: [{ name: 'label-studio', password: 'a-long-password', projects: ['label-studio/2.3'] }] } });
    expect((await bench.backend.setup()).status).toBe(403);
    expect((await bench.backend.predict([taskOf(1)])).status).toBe(403);
    expect((await bench.backend.setup({ project: '2.3' })).status).toBe(200);
  });

  it("batch time-outs: a slow model still answers before Label Studio's patience ends, and what it learned is not lost", async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' && ++predictions > 10 ? held : undefined);
    const asked = bench.backend.predict(Array.from({ length: 30 }, (_, i) => taskOf(i + 1)));
    await until(() => Promise.resolve(predictions > 10 || undefined));
    deadline.reach();
    const ready = results(await asked).filter((one) => !Array.isArray(one)).length;
    letGo();
    expect(ready).toBeGreaterThan(0);
    expect(ready).toBeLessThan(30);
    await until(() => Promise.resolve(bench.backend.pushed.length === 30 - ready || undefined));
  });

  it('time-outs of /setup: it answers at once whatever the service is busy with', async () => {
    const service = await start({ limits: { setupMs: 100 } });
    const { json } = await bench.backend.setup();
    const { held, letGo } = hold();
    service.state.before = (name) => (name === 'projects.get' ? held : undefined);
    expect((await bench.backend.setup()).json).toEqual(json);
    letGo();
  });

  it('silent empties: one bad image is one empty result, a line in the log and a count; the others are predicted', async () => {
    const service = await start({
      fetchImage: async (_task, value) => {
        if (value.includes('2.png')) throw new ProsamError('URL_FAILED', 'it is gone.');
        return value.includes('3.png') ? Buffer.from('no picture') : picture(value);
      },
    });
    await reference(service);
    const responses = results(await bench.backend.predict([1, 2, 3, 4].map((id) => taskOf(id)).concat(taskOf(5, { data: {} }))));
    expect(responses.map((one) => Array.isArray(one))).toEqual([false, true, true, false, true]);
    const lines = bench.backend.log.filter(({ level, fields }) => level === 'warn' && fields.task !== undefined);
    expect(lines.map(({ fields }) => [fields.task, fields.code]).sort()).toEqual([
      [2, 'URL_FAILED'],
      [3, 'IMAGE_UNREADABLE'],
      [5, 'REQUEST_INVALID'],
    ]);
    expect([...bench.backend.errors].sort()).toEqual(['IMAGE_UNREADABLE', 'REQUEST_INVALID', 'URL_FAILED']);
  });

  it('silent empties: regions that cannot be read are named, the readable ones of the same annotation count', async () => {
    const service = await start();
    const broken = brush('tree', { value: { format: 'rle', rle: [1, 2, 300], brushlabels: ['tree'] } });
    await bench.backend.predict([taskOf(1, { annotations: [annotation(4, [brush('car'), broken])] })]);
    expect(service.state.annotations.map(({ labels }) => labels.map(({ label }) => label))).toEqual([['car']]);
    expect(bench.backend.log.find(({ fields }) => fields.region === 'b-tree')?.message).toContain('left out');
  });

  it('memory growth: what was asked, fetched and computed is let go of', async () => {
    const service = await start();
    await reference(service);
    // Pictures, records and calls stay in the fake; what the adapter holds is looked at here.
    const weigh = async (from: number): Promise<number> => {
      for (let round = 0; round < 4; round++) {
        await bench.backend.predict(Array.from({ length: 20 }, (_, i) => taskOf(from + 20 * round + i)));
        service.state.calls.length = 0;
        service.state.predictions.length = 0;
        service.state.images.clear();
        await reference(service);
      }
      bench.backend.fetched.length = 0;
      global.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return (heapUsed + arrayBuffers) / 2 ** 20;
    };
    await weigh(0);
    const before = await weigh(1000);
    const after = await weigh(2000);
    // 80 answers hold 24 MB of masks alone.
    expect(after - before).toBeLessThan(20);
  });

  it('slow with many masks: a task with 400 masks on it is asked about in a moment', async () => {
    const service = await start();
    await reference(service);
    const many = Array.from({ length: 400 }, (_, i) => brush('car', { id: `m${i}`, origin: 'prediction' }));
    const task = taskOf(1, { predictions: [{ id: 1, result: many, model_version: 'older' }], drafts: [{ result: many }] });
    const before = process.cpuUsage();
    expect(results(await bench.backend.predict([task]))[0]).not.toEqual([]);
    const { user, system } = process.cpuUsage(before); // µs
    expect((user + system) / 1000).toBeLessThan(onThisMachine(2000));
  });
});
