/** Everything under /v1 as typed functions, for Node and browsers. */
import { ProsamClientError } from './client-error.ts';
import { jobEvents } from './events.ts';
import { createSend, type Call, type CallOptions, type ClientOptions } from './send.ts';
import type * as t from './types.ts';
import { writeBody } from './with-files.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;
export interface PageOptions extends CallOptions {
  /** @default as the service has it */
  limit?: number;
}

/** Every function rejects with a ProsamClientError, or with the reason of its signal. */
export interface ProsamClient {
  predict(request: t.PredictRequest, options?: CallOptions): Promise<t.PredictAnswer>;
  refine(request: t.RefineRequest, options?: CallOptions): Promise<t.RefineAnswer>;

  /** Answers at once; never repeated by itself, because each call starts a job. */
  predictBatch(request: t.BatchRequest, options?: CallOptions): Promise<t.Job>;
  job(id: string, options?: PageOptions & { results?: boolean; after?: number }): Promise<t.Job>;
  /** All results there are, in order, page by page. */
  jobResults(id: string, options?: PageOptions): AsyncIterable<t.JobItem>;
  /** Until the job ends, over broken connections. */
  jobEvents(id: string, options?: CallOptions): AsyncIterable<t.JobEvent>;
  cancelJob(id: string, options?: CallOptions): Promise<t.Job>;

  /** Durable once it resolves. */
  storeAnnotation(request: t.AnnotationRequest, options?: CallOptions): Promise<t.AcceptAnswer>;
  annotations(project: string, options?: PageOptions & { label?: string; before?: number }): Promise<t.AnnotationsAnswer>;
  /** Whether anything counted before. */
  removeAnnotation(which: t.AnnotationRef, options?: CallOptions & { revision?: number }): Promise<boolean>;
  flagAnnotation(which: t.AnnotationRef, flagged: boolean, options?: CallOptions): Promise<boolean>;

  projects(options?: CallOptions): Promise<string[]>;
  project(project: string, options?: CallOptions): Promise<t.ProjectAnswer>;
  /** What to label next. */
  queue(project: string, options?: PageOptions & { offset?: number }): Promise<t.QueueAnswer>;
  train(project: string, options?: CallOptions): Promise<void>;
  runs(project: string, options?: PageOptions): Promise<t.Run[]>;
  image(project: string, sha256: string, options?: CallOptions): Promise<Uint8Array>;

  models(options?: PageOptions & { project?: string }): Promise<t.Model[]>;
  model(id: string, options?: CallOptions): Promise<t.Model>;
  /** 'base' with a project: the model's own prompt encoder. */
  promote(id: string, request: { reason: string; project?: string }, options?: CallOptions): Promise<t.Promoted>;
  rollback(project: string, reason: string, options?: CallOptions): Promise<t.Promoted>;

  deliveries(options?: PageOptions & { project?: string; state?: t.Delivery['state'] }): Promise<t.Delivery[]>;
  retryDelivery(id: string, options?: CallOptions): Promise<t.Delivery>;
  status(options?: CallOptions): Promise<t.ServiceStatusAnswer>;
}

export function createClient(options: ClientOptions): ProsamClient {
  const send = createSend(options);
  const json = async <T>(call: Call): Promise<T> => {
    const response = await send(call);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      call.signal?.throwIfAborted();
      const message = 'The answer broke off or is no JSON. Try again.';
      throw new ProsamClientError({ code: 'ANSWER_UNREADABLE', message, status: response.status }, { cause });
    }
  };
  const get = <T>(path: string, { signal }: CallOptions = {}, query: Query = {}): Promise<T> =>
    json<T>({ method: 'GET', path: `/v1${path}${queryText(query)}`, repeatable: true, ...(signal && { signal }) });
  const post = <T>(path: string, body: unknown, repeatable: boolean, { signal }: CallOptions = {}): Promise<T> =>
    json<T>({ method: 'POST', path: `/v1${path}`, repeatable, ...(body !== undefined && writeBody(body)), ...(signal && { signal }) });
  const change = <T>(method: 'PUT' | 'DELETE', path: string, body: unknown, { signal }: CallOptions = {}): Promise<T> =>
    json<T>({ method, path: `/v1${path}`, repeatable: true, ...(body !== undefined && writeBody(body)), ...(signal && { signal }) });

  const job: ProsamClient['job'] = (id, { results, after, limit, ...call } = {}) =>
    get(`/jobs/${part(id)}`, call, { results, after, limit });
  return {
    predict: (request, call) => post('/predict', request, true, call),
    refine: (request, call) => post('/refine', request, true, call),
    predictBatch: (request, call) => post('/predict/batch', request, false, call),
    job,
    async *jobResults(id, call) {
      for (let after: number | undefined = -1; after !== undefined;) {
        const page: t.Job = await job(id, { ...call, results: true, after });
        yield* page.results ?? [];
        after = page.next;
      }
    },
    jobEvents: (id, call = {}) => jobEvents(send, id, call),
    cancelJob: (id, call) => change('DELETE', `/jobs/${part(id)}`, undefined, call),

    storeAnnotation: (request, call) => post('/annotations', request, true, call),
    annotations: (project, { label, before, limit, ...call } = {}) =>
      get(`/projects/${part(project)}/annotations`, call, { label, before, limit }),
    async removeAnnotation(which, { revision, ...call } = {}) {
      const { removed } = await change<{ removed: boolean }>(
        'DELETE',
        `${annotationPath(which)}${queryText({ revision })}`,
        undefined,
        call,
      );
      return removed;
    },
    flagAnnotation: async (which, flagged, call) =>
      (await change<{ flagged: boolean }>('PUT', `${annotationPath(which)}/flag`, { flagged }, call)).flagged,

    projects: async (call) => (await get<{ projects: string[] }>('/projects', call)).projects,
    project: (project, call) => get(`/projects/${part(project)}`, call),
    queue: (project, { limit, offset, ...call } = {}) => get(`/projects/${part(project)}/queue`, call, { limit, offset }),
    async train(project, call) {
      await post(`/projects/${part(project)}/train`, undefined, false, call);
    },
    runs: async (project, { limit, ...call } = {}) =>
      (await get<{ runs: t.Run[] }>(`/projects/${part(project)}/runs`, call, { limit })).runs,
    async image(project, sha256, { signal } = {}) {
      const path = `/v1/images/${part(sha256)}${queryText({ project })}`;
      const response = await send({ method: 'GET', path, repeatable: true, ...(signal && { signal }) });
      return new Uint8Array(await response.arrayBuffer());
    },

    models: async ({ project, limit, ...call } = {}) => (await get<{ models: t.Model[] }>('/models', call, { project, limit })).models,
    model: (id, call) => get(`/models/${part(id)}`, call),
    promote: (id, request, call) => post(`/models/${part(id)}/promote`, request, true, call),
    rollback: (project, reason, call) => post(`/projects/${part(project)}/rollback`, { reason }, false, call),

    deliveries: async ({ project, state, limit, ...call } = {}) =>
      (await get<{ deliveries: t.Delivery[] }>('/deliveries', call, { project, state, limit })).deliveries,
    retryDelivery: (id, call) => post(`/deliveries/${part(id)}/retry`, undefined, true, call),
    status: (call) => get('/status', call),
  };
}

function part(text: string): string {
  return encodeURIComponent(text);
}

function annotationPath({ project, source = 'webhook', externalId }: t.AnnotationRef): string {
  return `/projects/${part(project)}/annotations/${part(source)}/${part(externalId)}`;
}

function queryText(query: Query): string {
  const text = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) text.set(key, String(value));
  return text.size === 0 ? '' : `?${text.toString()}`;
}
