/** Routes for people and the command line: what is wrong with a project's annotations, and a look at Label Studio now. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { mayUse } from '../../http/guard.ts';
import { route, type Caller, type Route } from '../../http/route.ts';
import { projectKey } from '../protocol/request-schemas.ts';
import type { ConnectionApi } from './connection-api.ts';
import { projectName, type Connections } from './connections.ts';
import type { Connection } from '../types.ts';

export interface SyncRoutesParts {
  api: Pick<ConnectionApi, 'reconcile' | 'problem'>;
  connections: Pick<Connections, 'all'>;
  /** Begins the names of projects. */
  name: string;
}

/** A first look fetches every annotation there is. */
const DEADLINE_MS = 600_000;

/** key: `<id>.<seconds>` of the project, as Label Studio writes it; `project` would be its name here. */
const syncBody = z.strictObject({ key: projectKey, acceptRemovals: z.boolean().default(false), restore: z.boolean().default(false) });
const count = z.int().min(0);
const syncResponse = z.object({
  ...{ project: z.string(), tasks: count, annotations: count, stored: count, removed: count, missing: count, failed: count },
  failure: z.string().optional(),
  refused: z.string().optional(),
});
const problemResponse = z.object({ project: z.string(), problem: z.string().nullable() });

export function syncRoutes({ api, connections, name }: SyncRoutesParts): Route[] {
  const find = (key: string, caller: Caller): Connection => {
    mayUse(caller, projectName(name, key));
    const found = connections.all().find((one) => one.key === key);
    if (found !== undefined && found.hostname !== '') return found;
    throw new ProsamError(
      'REQUEST_INVALID',
      `key: expected a project that Label Studio has introduced, got ${JSON.stringify(key)}. Open its Settings > Model there once.`,
    );
  };
  return [
    route({
      method: 'get',
      path: '/sync',
      summary: "What was wrong when a project's annotations were last compared with Label Studio",
      access: 'write',
      query: z.strictObject({ key: projectKey }),
      response: problemResponse,
      handle({ query: { key }, caller }) {
        const connection = find(key, caller);
        return Promise.resolve({ json: { project: connection.project, problem: api.problem(connection)?.message ?? null } });
      },
    }),
    route({
      method: 'post',
      path: '/sync',
      summary:
        'Compare the annotations of a project with Label Studio now. acceptRemovals: all that is missing there is gone; restore: what is shown there counts again although it was removed here',
      access: 'write',
      body: syncBody,
      deadlineMs: DEADLINE_MS,
      response: syncResponse,
      async handle({ body: { key, acceptRemovals, restore }, caller, signal }) {
        const connection = find(key, caller);
        return { json: { project: connection.project, ...(await api.reconcile(connection, { acceptRemovals, restore, signal })) } };
      },
    }),
  ];
}
