/** Predictions that were not ready when the batch was answered. */
import { describe, expect, it } from 'vitest';
import { until } from '../../unit/adapters/webhook/webhook-server.ts';
import { CONFIG, NAME, taskOf } from './backend-server.ts';
import { batchBench, hold, ownDeadline, reference, results, SOFT_DEADLINE_MS } from './batch-bench.ts';

const bench = batchBench();
const { start } = bench;

describe('a batch', () => {
  it('is pushed where it was not ready in time, and answered in part', async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS, concurrency: 2 } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' && ++predictions > 2 ? held : undefined);
    const asked = bench.backend.predict([1, 2, 3, 4].map((id) => taskOf(id)));
    // The first two are ready once both places are taken by the others.
    await until(() => Promise.resolve(predictions === 4 || undefined));
    deadline.reach();
    const responses = results(await asked);
    letGo();
    expect(responses.map((one) => Array.isArray(one))).toEqual([false, false, true, true]);
    await until(() => Promise.resolve(bench.backend.pushed.length === 2 || undefined));
    expect(bench.backend.pushed.map(({ task }) => task).sort()).toEqual([3, 4]);
    const { version } = await service.projects.get(NAME);
    expect(bench.backend.pushed[0]).toMatchObject({
      model_version: version,
      score: expect.closeTo(0.72, 6) as number,
      result: [{ from_name: 'tag' }],
    });
    expect(predictions).toBe(4);
  });

  it('of a single task is a task somebody opens: it does not wait long for its prediction', async () => {
    const service = await start({ limits: { openDeadlineMs: 100 } });
    await reference(service);
    const { held, letGo } = hold();
    service.state.before = (name) => (name === 'predictions.predict' ? held : undefined);
    expect(results(await bench.backend.predict([taskOf(1)]))).toEqual([[]]);
    letGo();
    await until(() => Promise.resolve(bench.backend.pushed.length === 1 || undefined));
  });

  it('that came late is there at the next asking, where it cannot be pushed', async () => {
    const deadline = ownDeadline();
    const service = await start({ limits: { softDeadlineMs: SOFT_DEADLINE_MS }, pushFails: () => true });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    service.state.before = (name) => (name === 'predictions.predict' ? (predictions++, held) : undefined);
    const asked = bench.backend.predict([taskOf(1), taskOf(2)]);
    await until(() => Promise.resolve(predictions === 2 || undefined));
    deadline.reach();
    expect(results(await asked)).toEqual([[], []]);
    letGo();
    await until(() => Promise.resolve(bench.backend.log.find(({ message }) => message.includes('cannot be pushed'))));
    const responses = results(await bench.backend.predict([taskOf(1), taskOf(2)]));
    expect(responses.map((one) => Array.isArray(one))).toEqual([false, false]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.predict').length).toBe(2);
  });

  it('asked twice at once is computed once, and pushed to nobody', async () => {
    const service = await start();
    await reference(service);
    const { held, letGo } = hold();
    let projects = 0;
    service.state.before = (name) => {
      if (name === 'projects.get') projects++;
      return name === 'predictions.predict' ? held : undefined;
    };
    const tasks = [1, 2, 3].map((id) => taskOf(id));
    const asked = [bench.backend.predict(tasks), bench.backend.predict(tasks)];
    // Each asks for the project before it looks for what is under way.
    await until(() => Promise.resolve(projects >= 2 || undefined));
    letGo();
    const both = await Promise.all(asked);
    for (const response of both) expect(results(response).map((one) => Array.isArray(one))).toEqual([false, false, false]);
    expect(service.state.calls.filter(({ name }) => name === 'predictions.predict').length).toBe(3);
    expect(bench.backend.pushed).toEqual([]);
  });

  it('nobody waits for any more is computed to the end and pushed', async () => {
    const service = await start({ limits: { concurrency: 1 } });
    await reference(service);
    const { held, letGo } = hold();
    let predictions = 0;
    const leaving = new AbortController();
    // One is ready by then, one in work, one not begun.
    service.state.before = (name) => {
      if (name !== 'predictions.predict' || ++predictions !== 2) return undefined;
      leaving.abort(new Error('nobody waits any more'));
      return held;
    };
    const body = JSON.stringify({ tasks: [taskOf(1), taskOf(2), taskOf(3)], project: '1.1795365113', label_config: CONFIG, params: {} });
    const headers = { authorization: `Basic ${Buffer.from('label-studio:a-long-password').toString('base64')}` };
    await expect(
      fetch(`${bench.backend.url}/label-studio/predict`, { method: 'POST', body, headers, signal: leaving.signal }),
    ).rejects.toThrow();
    letGo();
    await until(() => Promise.resolve(bench.backend.pushed.length === 3 || undefined));
    expect(bench.backend.pushed.map(({ task }) => task).sort()).toEqual([1, 2, 3]);
  });
});
