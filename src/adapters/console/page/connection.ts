/** Requests of the page: the API through the typed client, and the console's own routes. */
import { createClient, type ProsamClient } from '../../../client/client.ts';
import { createSend } from '../../../client/send.ts';
import type { OverviewResponse, PredictionsResponse, ProjectResponse } from '../responses.ts';

export interface Connection {
  /** Everything under /v1. */
  readonly client: ProsamClient;
  overview(): Promise<OverviewResponse>;
  /** All that the page shows of a project, in one request: it asks again every few seconds. */
  project(project: string): Promise<ProjectResponse>;
  /** known: `newest` of the response before. */
  predictions(project: string, known: string): Promise<PredictionsResponse>;
  /** A small version of an image. */
  thumbnail(project: string, sha256: string): Promise<Blob>;
}

/** Key in the storage of the tab. */
const TOKEN_KEY = 'prosam-token';

let current: Connection | undefined;

/** The connection with the token of this tab. */
export function connection(): Connection {
  return (current ??= connect(token()));
}

export function token(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? '';
}

/** Keeps the token in this tab alone; an empty one removes it. */
export function keepToken(value: string): void {
  if (value === '') sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, value);
  current = undefined;
}

function connect(bearer: string): Connection {
  // Never repeated by itself: the page asks again soon, and says so when nobody answers.
  const options = { url: new URL('.', location.href).href, retries: 0, ...(bearer !== '' && { token: bearer }) };
  const send = createSend(options);
  const get = (path: string): Promise<Response> => send({ method: 'GET', path: `/console${path}`, repeatable: true });
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
  const of = encodeURIComponent;
  return {
    client: createClient(options),
    overview: () => json('/overview'),
    project: (project) => json(`/projects/${of(project)}`),
    predictions: (project, known) => json(`/projects/${of(project)}/predictions?known=${of(known)}`),
    thumbnail: async (project, sha256) => (await get(`/images/${of(sha256)}?project=${of(project)}`)).blob(),
  };
}
