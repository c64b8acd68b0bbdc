/** Routes that say what came, and one that fails. */
import { z } from 'zod';
import { route, type Route } from '../../../../src/adapters/http/route.ts';

export const echo = route({
  method: 'post',
  path: '/projects/:project/things',
  summary: 'Says what came',
  access: 'write',
  params: z.strictObject({ project: z.string().max(50) }),
  query: z.strictObject({ limit: z.coerce.number().int().max(10).default(5) }),
  body: z.strictObject({ name: z.string(), sizes: z.array(z.strictObject({ width: z.number() })).optional() }),
  multipart: true,
  handle: ({ params, query, body, files, caller, requestId }) =>
    Promise.resolve({
      status: 201,
      headers: { 'x-extra': 'yes' },
      json: {
        params,
        query,
        body,
        files: [...files].map(([name, all]) => [name, all.map((one) => one.byteLength)]),
        caller: caller.name,
        requestId,
      },
    }),
});

/** `make` makes what is thrown. */
export function failing(make: () => unknown, more: Partial<Route> = {}): Route {
  return route({ method: 'get', path: '/fail', summary: 'Fails', access: 'read', handle: () => Promise.reject(make() as Error), ...more });
}
