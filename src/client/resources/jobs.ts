/** `client.jobs`: masks in many images, computed in the background. */
import { segment, type Calls, type PageOptions } from '../calls.ts';
import { jobEvents } from '../events.ts';
import type { CallOptions } from '../send.ts';
import type { Job, JobEvent, JobItem } from '../types/predictions.ts';
import type { JobRequest } from '../types/requests.ts';

export interface JobsClient {
  /** Starts a job and returns immediately. Not retried automatically: every call creates a job. */
  create(request: JobRequest, options?: CallOptions): Promise<Job>;
  /** State of a job, with a page of its results where asked for. */
  get(
    id: string,
    options?: PageOptions & {
      /** Return a page of results. @default false */
      results?: boolean;
      /** Index of the last result of the page before, from -1. @default -1 */
      after?: number;
    },
  ): Promise<Job>;
  /** All results there are, in order; pages are fetched as they are needed. */
  results(id: string, options?: PageOptions): AsyncIterable<JobItem>;
  /** Progress until the job ends; a connection that breaks is opened again. */
  events(id: string, options?: CallOptions): AsyncIterable<JobEvent>;
  /** Cancels a job: finished images stay, the rest is given up. */
  cancel(id: string, options?: CallOptions): Promise<Job>;
}

export function jobsClient({ send, get, post, change }: Calls): JobsClient {
  const job: JobsClient['get'] = (id, { results, after, limit, ...call } = {}) =>
    get(`/jobs/${segment(id)}`, call, { results, after, limit });
  return {
    create: (request, call) => post('/jobs', request, false, call),
    get: job,
    async *results(id, call) {
      for (let after: number | undefined = -1; after !== undefined;) {
        const page: Job = await job(id, { ...call, results: true, after });
        yield* page.results ?? [];
        after = page.next;
      }
    },
    events: (id, call = {}) => jobEvents(send, id, call),
    cancel: (id, call) => change('DELETE', `/jobs/${segment(id)}`, undefined, call),
  };
}
