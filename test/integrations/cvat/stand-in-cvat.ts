/** A small CVAT for tests: tasks, frames, annotations, webhooks and agents' queues, with the answers that were recorded from real ones. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  frameData,
  jobJson,
  labelJson,
  metaJson,
  pageOf,
  taskJson,
  type Job,
  type StandInShape,
  type Task,
  type Webhook,
} from './stand-in-forms.ts';
import { standInActs } from './stand-in-acts.ts';
import { standInTasks } from './stand-in-tasks.ts';
import { createStandInQueues } from './stand-in-queues.ts';

export const TOKEN = 'pat_0123456789.stand-in';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: IncomingMessage['headers'];
}
/** What goes wrong with a request. 'after': it is carried out, and the line is cut before the answer. */
export type Trouble = 'before' | 'after' | { status: number; body?: unknown; headers?: Record<string, string> } | undefined;

export type StandIn = Awaited<ReturnType<typeof startStandIn>>;

export async function startStandIn() {
  const tasks: Task[] = [];
  const webhooks: Webhook[] = [];
  const deliveries: { id: number; webhook_id: number; event: string; status_code: number; created_date: string }[] = [];
  const asked: Asked[] = [];
  const queues = createStandInQueues();
  const tokens = new Set([`Bearer ${TOKEN}`]);
  let nextId = 100;
  let clock = Date.parse('2026-01-01T00:00:00Z');
  const stamp = (): string => new Date((clock += 1000)).toISOString();
  const state = {
    trouble: undefined as ((asked: Asked) => Trouble) | undefined,
    version: '2.54.1',
    plugins: { MODELS: true },
    models: [] as unknown[],
    pageSize: 100,
    /** Names by id. */
    projects: new Map<number, string>(),
    /** Webhooks are written down, and do not arrive. */
    unheard: false,
  };
  /** Webhooks as they were sent, or would have been. */
  const sent: { text: string; signature: string }[] = [];

  const jobOf = (id: number): Job | undefined => tasks.flatMap(({ jobs }) => jobs).find((job) => job.id === id);
  /** CVAT dates every job whose annotations are saved, and tells so with nothing but the date in `before_update`. */
  async function annotations(of: { jobs: readonly Job[] }, { method, query, body }: Asked) {
    if (method === 'GET')
      return { version: 0, tags: [], shapes: of.jobs.flatMap(({ shapes }) => shapes), tracks: of.jobs.flatMap(({ tracks }) => tracks) };
    const { shapes } = body as { shapes: StandInShape[] };
    if (query.get('action') === 'delete') {
      const ids = new Set(shapes.map(({ id }) => id));
      for (const job of of.jobs) {
        const before = job.shapes.length;
        job.shapes = job.shapes.filter(({ id }) => !ids.has(id));
        if (job.shapes.length < before) await update(job, {});
      }
      return { version: 0, tags: [], shapes, tracks: [] };
    }
    const saved = new Set<Job>();
    const created = shapes.flatMap((shape) => {
      const job = of.jobs.find(({ start_frame: from, stop_frame: to }) => from <= shape.frame && shape.frame <= to);
      if (!job) return []; // CVAT drops these without a word
      const stored = { ...shape, id: nextId++ };
      job.shapes.push(stored);
      saved.add(job);
      return [stored];
    });
    for (const job of saved) await update(job, {});
    return { version: 0, tags: [], shapes: created, tracks: [] };
  }

  interface Reply {
    status?: number;
    json?: unknown;
    bytes?: Uint8Array;
    type?: string;
    stream?: (response: ServerResponse) => void;
  }

  async function respond(call: Asked): Promise<Reply> {
    const { method, path, query, body } = call;
    const [, kind, first, rest = ''] = /^\/api\/(\w+)(?:\/([^/]+))?(?:\/(.*))?$/.exec(path) ?? [];
    const id = Number(first);
    if (path === '/api/server/about')
      return { json: { name: 'CVAT', description: '', version: state.version, logo_url: '', subtitle: '' } };
    if (path === '/api/auth/login') {
      if ((body as { password?: string }).password !== 'secret')
        return { status: 400, json: { non_field_errors: ['Unable to log in with provided credentials.'] } };
      const key = (nextId++).toString(16).padStart(40, '0');
      tokens.add(`Token ${key}`);
      return { json: { key } };
    }
    if (!tokens.has(call.headers.authorization ?? '')) return { status: 401, json: { detail: 'Invalid token.' } };
    if (path === '/api/server/plugins') return { json: { GIT_INTEGRATION: false, ANALYTICS: false, ...state.plugins, PREDICT: false } };
    if (path === '/api/users/self')
      return { json: { id: 1, username: 'admin', first_name: '', last_name: '', groups: [], is_superuser: true, is_staff: true } };
    if (path === '/api/lambda/functions') return { json: state.models };
    if (kind === 'functions') return queues.response(call);
    if (kind === 'labels') {
      const task = tasks.find(
        (one) =>
          String(one.id) === query.get('task_id') ||
          String(one.project_id) === query.get('project_id') ||
          one.jobs.some((job) => String(job.id) === query.get('job_id')),
      );
      return { json: pageOf(task?.labels.map(labelJson) ?? [], query, state.pageSize) };
    }
    if (kind === 'projects') {
      const name = state.projects.get(id);
      return name === undefined ? { status: 404, json: { detail: 'No Project matches the given query.' } } : { json: { id, name } };
    }
    if (kind === 'tasks') {
      const task = tasks.find((one) => one.id === id);
      if (!task) return { status: 404, json: { detail: 'No Task matches the given query.' } };
      if (rest === '') return { json: taskJson(url, task) };
      if (rest === 'data/meta') return { json: metaJson(task) };
      if (rest === 'data') return frameData(task.frames, query);
      if (rest === 'annotations') return { json: await annotations(task, call) };
    }
    if (kind === 'jobs' && first === undefined) {
      const since = /"updated_date"\},"([^"]+)"/.exec(query.get('filter') ?? '')?.[1] ?? '';
      const named = [...(query.get('filter') ?? '').matchAll(/"task_id"\},(\d+)/g)].map(([, task]) => Number(task));
      const jobs = tasks
        .flatMap((task) => task.jobs)
        .filter(({ task_id }) => named.length === 0 || named.includes(task_id))
        .filter(({ updated_date }) => since === '' || Date.parse(updated_date) > Date.parse(since))
        .sort((a, b) => (query.get('sort') === 'updated_date' ? Date.parse(a.updated_date) - Date.parse(b.updated_date) : 0))
        .filter((job) => query.get('task_id') === null || String(job.task_id) === query.get('task_id'));
      return {
        json: pageOf(
          jobs.map((job) => jobJson(url, job)),
          query,
          state.pageSize,
        ),
      };
    }
    if (kind === 'jobs') {
      const job = jobOf(id);
      const task = tasks.find((one) => one.id === job?.task_id);
      if (!job || !task) return { status: 404, json: { detail: 'No Job matches the given query.' } };
      if (rest === '' && method === 'PATCH') return { json: await update(job, body as Partial<Job>) };
      if (rest === '') return { json: jobJson(url, job) };
      if (rest === 'data/meta') return { json: metaJson(task) };
      if (rest === 'data') return frameData(task.frames, query);
      if (rest === 'annotations') return { json: await annotations({ jobs: [job] }, call) };
    }
    if (kind === 'webhooks' && first === undefined) {
      if (method === 'GET')
        return {
          json: pageOf(
            webhooks.map((hook) => ({ ...hook, secret: undefined })),
            query,
            state.pageSize,
          ),
        };
      const hook = { ...(body as Omit<Webhook, 'id'>), id: nextId++ };
      webhooks.push(hook);
      return { status: 201, json: { ...hook, secret: undefined } };
    }
    if (kind === 'webhooks' && rest === 'deliveries')
      return { json: pageOf(deliveries.filter((one) => one.webhook_id === id).reverse(), query, state.pageSize) };
    if (kind === 'webhooks' && rest === 'ping')
      return { json: await deliver(webhooks.find((one) => one.id === id) as Webhook, { event: 'ping' }) };
    return { status: 404, json: { detail: 'Not found.' } };
  }

  async function update(job: Job, changed: Partial<Job>) {
    const before: Record<string, unknown> = { updated_date: job.updated_date };
    // As CVAT does it: a job that is moved to another stage is new there, unless its state is given, too.
    const isMoved = changed.stage !== undefined && changed.stage !== job.stage;
    const wanted = { ...(isMoved && { state: 'new' }), ...changed };
    for (const key of ['state', 'stage'] as const) {
      if (wanted[key] === undefined || wanted[key] === job[key]) continue;
      before[key] = job[key];
      job[key] = wanted[key];
    }
    job.updated_date = stamp();
    await tell('update:job', { job: jobJson(url, job), before_update: before });
    return jobJson(url, job);
  }

  async function tell(event: string, what: object): Promise<void> {
    for (const hook of webhooks.filter(({ events, is_active }) => is_active && events.includes(event)))
      await deliver(hook, { event, ...what, webhook_id: hook.id, sender: { id: 1, username: 'admin' } });
  }

  async function deliver({ id, target_url: to, secret }: Webhook, payload: { event: string; [key: string]: unknown }) {
    const text = JSON.stringify(payload).replaceAll('":', '": '); // spacing as CVAT's
    const signature = `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
    sent.push({ text, signature });
    if (state.unheard) return undefined;
    const status = await fetch(to, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json', 'x-signature-256': signature },
    }).then(
      (response) => response.status,
      () => 502,
    );
    const delivery = { id: nextId++, webhook_id: id, event: payload.event, status_code: status, created_date: stamp() };
    deliveries.push(delivery);
    return delivery;
  }

  const server = createServer((request, response) => {
    void (async () => {
      const address = new URL(request.url ?? '/', 'http://stand-in');
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const text = Buffer.concat(pieces).toString();
      const call: Asked = {
        method: request.method ?? '',
        path: address.pathname.replace(/(.)\/$/, '$1'),
        query: address.searchParams,
        body: text === '' ? undefined : JSON.parse(text),
        headers: request.headers,
      };
      asked.push(call);
      const trouble = state.trouble?.(call);
      if (trouble === 'before') return void request.socket.destroy();
      const reply: Reply = typeof trouble === 'object' ? { status: trouble.status, json: trouble.body ?? {} } : await respond(call);
      if (trouble === 'after') return void request.socket.destroy();
      if (reply.stream) {
        reply.stream(response);
        return;
      }
      const type = reply.type ?? 'application/vnd.cvat+json';
      const extra = typeof trouble === 'object' ? trouble.headers : {};
      response.writeHead(reply.status ?? 200, { 'content-type': type, ...extra });
      response.end(reply.bytes ?? JSON.stringify(reply.json ?? {}));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    ...{ url, state, asked, tasks, webhooks, queues, tokens, sent },
    ...standInTasks({ tasks, nextId: () => nextId++, stamp }),
    ...standInActs({ tasks, nextId: () => nextId++, stamp, update, tell: (event, what) => tell(event, what(url)) }),
    shapes: (task: Task): StandInShape[] => task.jobs.flatMap(({ shapes }) => shapes),
    close: async (): Promise<void> => {
      queues.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
