/** Calls about this Label Studio, its tokens and its projects. */
import { z } from 'zod';
import * as responses from './responses.ts';
import { pages } from './pages.ts';
import type { CallOptions, Transport } from './transport.ts';

export function projectCalls(call: Transport) {
  return {
    /** Needs no credentials. Undefined where the server answers, but not as a Label Studio. */
    version: async ({ signal }: CallOptions = {}): Promise<string> =>
      (await call({ method: 'GET', path: '/api/version', response: responses.versionSchema, signal })).release,
    whoami: ({ signal }: CallOptions = {}) =>
      call({
        method: 'GET',
        path: '/api/current-user/whoami',
        response: z.object({ id: z.int(), email: z.string().max(1000).catch('') }),
        signal,
      }),
    /** Token kinds the organization accepts; undefined where this Label Studio does not say. */
    tokenSettings: ({ signal }: CallOptions = {}): Promise<responses.TokenSettings | undefined> =>
      call({
        ...{ method: 'GET', path: '/api/jwt/settings', response: responses.tokenSettingsSchema.optional() },
        ...{ missing: undefined, missingInAnyWords: true, signal },
      }),
    /** @throws LABEL_STUDIO_REFUSED where the caller owns no organization */
    setTokenSettings: (settings: responses.TokenSettings, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: '/api/jwt/settings', json: settings, repeatable: true, signal }),
    async *projects({ signal }: CallOptions = {}): AsyncGenerator<responses.ApiProject> {
      yield* pages('GET /api/projects', async (page) => {
        const found = await call({
          method: 'GET',
          path: '/api/projects',
          query: { page, page_size: 100 },
          response: responses.projectPageSchema.optional(),
          ...(page > 1 && { missing: undefined }),
          signal,
        });
        return found && { total: found.count, items: found.results };
      });
    },
    project: (id: number, { signal }: CallOptions = {}) =>
      call({ method: 'GET', path: `/api/projects/${id}`, response: responses.projectSchema, signal }),
    createProject: (project: { title: string; label_config: string }, { signal }: CallOptions = {}) =>
      call({ method: 'POST', path: '/api/projects/', json: project, response: responses.projectSchema, signal }),
    updateProject: (id: number, changes: Readonly<Record<string, unknown>>, { signal }: CallOptions = {}) =>
      call({ method: 'PATCH', path: `/api/projects/${id}/`, json: changes, response: responses.projectSchema, signal }),
    deleteProject: (id: number, { signal }: CallOptions = {}) => call({ method: 'DELETE', path: `/api/projects/${id}/`, signal }),
    /** Versions of the project's stored predictions, and how many there are of each. */
    modelVersions: (project: number, { signal }: CallOptions = {}): Promise<Record<string, number>> =>
      call({ method: 'GET', path: `/api/projects/${project}/model-versions/`, response: z.record(z.string(), z.number()), signal }),
  };
}
