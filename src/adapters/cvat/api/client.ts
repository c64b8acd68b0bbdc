/** CVAT's own interface, as far as it is used here: one typed function for each call. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { createCvatCredentials, type CvatCredentialsInput } from './credentials.ts';
import { createCvatTransport, type CvatTransport, type CvatTransportOptions } from './transport.ts';
import * as t from './types.ts';

export interface CvatClientOptions extends Omit<CvatTransportOptions, 'credentials'>, CvatCredentialsInput {}

interface Options {
  signal?: AbortSignal | undefined;
}

export interface CvatClient {
  /** Without a slash at its end. */
  readonly url: string;
  /** For calls that have no function of their own here. */
  readonly transport: CvatTransport;
  /** Version of CVAT, asked without credentials. */
  about(options?: Options): Promise<{ version: string }>;
  /** Parts of CVAT that are switched on. */
  plugins(options?: Options): Promise<Record<string, boolean>>;
  /** The authenticated user. */
  self(options?: Options): Promise<{ id: number; username: string }>;
  /** AI models as CVAT shows them. */
  models(options?: Options): Promise<{ id: string; kind: string; name: string }[]>;

  project(id: number, options?: Options): Promise<t.CvatProject>;
  task(id: number, options?: Options): Promise<t.CvatTask>;
  job(id: number, options?: Options): Promise<t.CvatJob>;
  /** Jobs of a task, or by any CVAT filter, e.g. those changed since a date. */
  jobs(filter: { task: number } | { filter: string; sort?: string }, options?: Options): Promise<t.CvatJob[]>;
  labels(of: { task: number } | { job: number } | { project: number }, options?: Options): Promise<t.CvatLabel[]>;
  /** Frames of the whole task, numbered from 0. */
  meta(task: number, options?: Options): Promise<t.CvatMeta>;
  /** Bytes of one frame as they were uploaded; PNG for frames of a video. frame: number within the task. */
  frame(of: t.CvatTarget, frame: number, options?: Options): Promise<Uint8Array>;

  annotations(of: t.CvatTarget, options?: Options): Promise<t.CvatAnnotations>;
  /** Adds shapes, marked as drawn by a machine; -> the same with their ids. Never repeated by itself. */
  createShapes(of: t.CvatTarget, shapes: readonly t.NewCvatShape[], options?: Options): Promise<t.CvatShape[]>;
  /** Shapes as `annotations` gave them. */
  deleteShapes(of: t.CvatTarget, shapes: readonly t.CvatShape[], options?: Options): Promise<void>;

  webhooks(options?: Options & { project?: number }): Promise<t.CvatWebhook[]>;
  /** Newest first, the first page. */
  deliveries(webhook: number, options?: Options): Promise<t.CvatDelivery[]>;
  createWebhook(
    webhook: { targetUrl: string; secret: string; project: number; description?: string; events?: readonly string[] },
    options?: Options,
  ): Promise<t.CvatWebhook>;
  deleteWebhook(id: number, options?: Options): Promise<void>;
}

/** Items asked for with each page, and the most pages: lists of more than a million items end with an error. */
const PAGE_SIZE = 500;
const MAX_PAGES = 2000;
/** Events a webhook must deliver. */
const WEBHOOK_EVENTS = ['update:job', 'update:task', 'create:task', 'delete:task', 'delete:job'];

/** @throws CONFIG_INVALID for an address or a token that can be none; every call: CVAT_FAILED, CVAT_REFUSED, or the reason of its signal */
export function createCvatClient(options: CvatClientOptions): CvatClient {
  const { token, login, session, ...rest } = options;
  const url = cvatAddress(options.url);
  const open = createCvatTransport({ ...rest, url });
  const credentials = createCvatCredentials({ token, login, session }, async (json) => {
    const response = z.object({ key: z.string().min(1).max(1000) });
    return (await open.json({ method: 'POST', path: '/api/auth/login', json, repeatable: true }, response)).key;
  });
  const api = credentials ? createCvatTransport({ ...rest, url, credentials }) : open;
  const get = <T>(path: string, schema: z.ZodType<T>, query: Record<string, string | number> = {}, { signal }: Options = {}): Promise<T> =>
    api.json({ method: 'GET', path, query, signal }, schema);

  return {
    url,
    transport: api,
    about: ({ signal } = {}) => open.json({ method: 'GET', path: '/api/server/about', signal }, z.object({ version: z.string() })),
    plugins: (call) => get('/api/server/plugins', z.record(z.string(), z.boolean()), {}, call),
    self: (call) => get('/api/users/self', z.object({ id: z.int(), username: z.string() }), {}, call),
    models: (call) => get('/api/lambda/functions', z.array(z.object({ id: z.string(), kind: z.string(), name: z.string() })), {}, call),

    project: (id, call) => get(`/api/projects/${id}`, t.cvatProject, {}, call),
    task: (id, call) => get(`/api/tasks/${id}`, t.cvatTask, {}, call),
    job: (id, call) => get(`/api/jobs/${id}`, t.cvatJob, {}, call),
    jobs: (filter, call) => {
      const query =
        'task' in filter ? { task_id: filter.task } : { filter: filter.filter, ...(filter.sort !== undefined && { sort: filter.sort }) };
      return all(api, '/api/jobs', t.cvatJob, query, call);
    },
    labels: (of, call) => all(api, '/api/labels', t.cvatLabel, labelQuery(of), call),
    meta: (task, call) => get(`/api/tasks/${task}/data/meta`, t.cvatMeta, {}, call),
    frame: (of, number, { signal } = {}) =>
      api.bytes({ method: 'GET', path: `${pathOf(of)}/data`, query: { type: 'frame', number, quality: 'original' }, signal }),

    annotations: (of, call) => get(`${pathOf(of)}/annotations`, t.cvatAnnotations, {}, call),
    async createShapes(of, shapes, { signal } = {}) {
      const json = { version: 0, tags: [], shapes: shapes.map(written), tracks: [] };
      const call = { method: 'PATCH', path: `${pathOf(of)}/annotations`, query: { action: 'create' }, json, signal } as const;
      return (await api.json(call, t.cvatAnnotations)).shapes;
    },
    async deleteShapes(of, shapes, { signal } = {}) {
      const json = { version: 0, tags: [], shapes, tracks: [] };
      await api.done({ method: 'PATCH', path: `${pathOf(of)}/annotations`, query: { action: 'delete' }, json, signal, repeatable: true });
    },

    webhooks: ({ project, ...call } = {}) =>
      all(api, '/api/webhooks', t.cvatWebhook, project === undefined ? {} : { project_id: project }, call),
    deliveries: async (webhook, call) => (await get(`/api/webhooks/${webhook}/deliveries`, pageOf(t.cvatDelivery), {}, call)).results,
    createWebhook: ({ targetUrl, secret, project, description = 'prosam', events = WEBHOOK_EVENTS }, { signal } = {}) => {
      const json = {
        ...{ target_url: targetUrl, description, type: 'project', project_id: project, content_type: 'application/json', secret },
        ...{ is_active: true, enable_ssl: true, events },
      };
      return api.json({ method: 'POST', path: '/api/webhooks', json, signal }, t.cvatWebhook);
    },
    deleteWebhook: (id, { signal } = {}) => api.done({ method: 'DELETE', path: `/api/webhooks/${id}`, signal }),
  };
}

/** Without path ends that would double slashes. @throws CONFIG_INVALID */
function cvatAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  throw new ProsamError(
    'CONFIG_INVALID',
    'The address of CVAT: expected http(s)://host[:port] without credentials, got something else. Copy it from the browser.',
  );
}

function pathOf(of: t.CvatTarget): string {
  return 'task' in of ? `/api/tasks/${of.task}` : `/api/jobs/${of.job}`;
}

function labelQuery(of: { task: number } | { job: number } | { project: number }): Record<string, number> {
  if ('task' in of) return { task_id: of.task };
  return 'job' in of ? { job_id: of.job } : { project_id: of.project };
}

function written({ type, frame, label_id, points, rotation = 0, score, group = 0, attributes = [] }: t.NewCvatShape) {
  return {
    ...{ type, frame, label_id, points, source: 'auto', occluded: false, outside: false, z_order: 0, rotation },
    ...{ group, attributes, elements: [], ...(score !== undefined && { score }) },
  };
}

function pageOf<T>(item: z.ZodType<T>) {
  return z.object({ count: z.int().min(0), next: z.string().nullable(), results: z.array(item) });
}

/** All pages. The address CVAT names the next page by may be one that only CVAT itself can reach, so pages are counted here. */
async function all<T>(
  api: CvatTransport,
  path: string,
  item: z.ZodType<T>,
  query: Readonly<Record<string, string | number>>,
  { signal }: Options = {},
): Promise<T[]> {
  const items: T[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const response = await api.json({ method: 'GET', path, query: { ...query, page, page_size: PAGE_SIZE }, signal }, pageOf(item));
    items.push(...response.results);
    if (response.next === null && items.length >= response.count) return items;
    if (response.next === null || response.results.length === 0)
      throw new ProsamError(
        'CVAT_FAILED',
        `GET ${path}: expected ${response.count} items, got ${items.length}. Ask again: the list ended early.`,
      );
  }
  throw new ProsamError('CVAT_FAILED', `GET ${path}: expected at most ${MAX_PAGES * PAGE_SIZE} items, CVAT has more. Ask for fewer.`);
}
