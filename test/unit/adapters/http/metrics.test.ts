/** Figures in the format monitoring reads, and who may read them. */
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../../../src/adapters/http/metrics.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { AUTHORIZED, startApp, type RunningApp } from './running-app.ts';

let metrics: Metrics;
let app: RunningApp | undefined;

afterEach(async () => {
  await app?.close({ deadlineMs: 100 });
  app = undefined;
  metrics.close();
});

/** name{labels} -> value; also checks that every line is one. */
function parse(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    expect([line, Number.isFinite(Number(value))]).toEqual([line, true]);
    values.set(`${name}{${labels.split(',').sort().join(',')}}`, Number(value));
  }
  return values;
}

describe('/metrics', () => {
  it('names to callers of some projects no other', async () => {
    metrics = createMetrics();
    const odd = 'a,project="secret"\n\\';
    for (const project of ['cups', 'secret', odd]) {
      metrics.serving(project, `version of ${project.slice(0, 6)}`);
      metrics.learner(project, { state: 'running', step: 1, steps: 2, loss: 0.5 });
    }
    const tokens = [
      { name: 'all', token: 'a-token-of-all-projects', access: 'read' as const },
      { name: 'some', token: 'a-token-of-some-projects', access: 'read' as const, projects: ['cups', odd] },
    ];
    app = await startApp([], { metrics, guard: { tokens } });
    const read = async (token: string) => (await fetch(`${app?.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
    const [whole, part] = [await read('a-token-of-all-projects'), await read('a-token-of-some-projects')];
    const lines = (text: string, project: string) => text.split('\n').filter((line) => line.includes(`project="${project}"`)).length;
    expect([lines(whole, 'cups'), lines(whole, 'secret')]).toEqual([6, 6]);
    expect([lines(part, 'cups'), lines(part, 'secret')]).toEqual([6, 0]);
    expect(part).not.toContain('version of secret');
    expect(part).toContain('version of a,proj');
    expect(part).toContain('prosam_http_request_seconds');
  });

  it('counts requests by route and status, never by path', async () => {
    metrics = createMetrics();
    const things = route({ method: 'get', path: '/things/:id', summary: 'x', access: 'read', handle: () => Promise.resolve({ json: {} }) });
    const busy = route({
      method: 'get',
      path: '/busy',
      summary: 'x',
      access: 'read',
      handle: () => Promise.reject(new ProsamError('SERVICE_BUSY', 'x')),
    });
    app = await startApp([things, busy], { metrics });
    for (const path of ['/v1/things/1', '/v1/things/2', '/v1/busy', '/nowhere/1', '/nowhere/2'])
      await (await fetch(app.url + path, { headers: AUTHORIZED })).text();
    const response = await fetch(`${app.url}/metrics`, { headers: AUTHORIZED });
    expect(response.headers.get('content-type')).toContain('text/plain');
    const values = parse(await response.text());
    const count = (labels: string): number | undefined => values.get(`prosam_http_request_seconds_count{${labels}}`);
    expect(count('method="GET",route="/v1/things/:id",status="200"')).toBe(2);
    expect(count('method="GET",route="/v1/busy",status="503"')).toBe(1);
    expect(count('method="GET",route="none",status="404"')).toBe(2);
    expect(values.get('prosam_errors_total{code="SERVICE_BUSY"}')).toBe(1);
    expect(values.get('prosam_errors_total{code="ROUTE_NOT_FOUND"}')).toBe(2);
  });

  it('needs credentials unless told otherwise', async () => {
    metrics = createMetrics();
    app = await startApp([], { metrics });
    expect((await fetch(`${app.url}/metrics`)).status).toBe(401);
    await app.close({ deadlineMs: 100 });
    app = await startApp([], { metrics, metricsAccess: 'open' });
    expect((await fetch(`${app.url}/metrics`)).status).toBe(200);
  });

  it('says what the service says', async () => {
    metrics = createMetrics();
    metrics.stage('embed', 250);
    metrics.engineQueue({ running: 1, waiting: 7, limit: 32 });
    metrics.engineWorker({ ready: true, replacements: 2, residentBytes: 1e9 });
    metrics.engineWorker({ ready: false, replacements: 3, residentBytes: 2e9 });
    metrics.cache('features', 'hit');
    metrics.cache('features', 'hit');
    metrics.cache('features', 'miss');
    metrics.device('old', 'cpu');
    metrics.device('tiny', 'cpu');
    metrics.serving('p', 'base');
    metrics.serving('p', 'v1');
    metrics.serving('q', 'base');
    metrics.learner('p', { state: 'running', step: 3, steps: 10, loss: 0.5 });
    metrics.annotation('edited', 'stored');
    metrics.withheld?.(2);
    metrics.withheld?.(1);
    metrics.messages({ learn: 2, old: 1 });
    metrics.messages({ learn: 1 });
    const values = parse(await metrics.text());
    expect(values.get('prosam_stage_seconds_sum{stage="embed"}')).toBe(0.25);
    expect(values.get('prosam_engine_queue{state="waiting"}')).toBe(7);
    expect(values.get('prosam_engine_ready{}')).toBe(0);
    expect(values.get('prosam_engine_replacements_total{}')).toBe(3);
    expect(values.get('prosam_engine_resident_memory_bytes{}')).toBe(2e9);
    expect(values.get('prosam_cache_lookups_total{cache="features",outcome="hit"}')).toBe(2);
    expect([...values.keys()].filter((key) => key.startsWith('prosam_device_info'))).toEqual([
      'prosam_device_info{base_model="tiny",device="cpu"}',
    ]);
    expect([...values.keys()].filter((key) => key.startsWith('prosam_serving')).sort()).toEqual([
      'prosam_serving_version_info{encoder_version="base",project="q"}',
      'prosam_serving_version_info{encoder_version="v1",project="p"}',
    ]);
    expect(values.get('prosam_learner_step{kind="done",project="p"}')).toBe(3);
    expect(values.get('prosam_learner_running{project="p",state="running"}')).toBe(1);
    expect(values.get('prosam_annotations_total{outcome="stored",provenance="edited"}')).toBe(1);
    expect(values.get('prosam_masks_withheld_total{}')).toBe(3);
    expect([...values.keys()].filter((key) => key.startsWith('prosam_messages'))).toEqual(['prosam_messages_waiting{name="learn"}']);
    expect(values.get('process_resident_memory_bytes{}')).toBeGreaterThan(1e6);
  });

  it('tells how late the event loop was, since it was last asked', async () => {
    metrics = createMetrics();
    const delay = async (): Promise<number> => parse(await metrics.text()).get('prosam_event_loop_delay_seconds{quantile="1"}') as number;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 150;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await delay()).toBeGreaterThan(0.1);
    await expect.poll(delay).toBeLessThan(0.1);
  });
});
