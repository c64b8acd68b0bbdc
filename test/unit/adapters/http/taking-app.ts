/** App whose routes take any body, and what they took. */
import { z } from 'zod';
import { route } from '../../../../src/adapters/http/route.ts';
import { closedApps, type Options, type RunningApp } from './running-app.ts';

/** Bodies that handlers got since the last start. */
export const bodies: unknown[] = [];

const take = route({
  method: 'post',
  path: '/take',
  summary: 'x',
  access: 'write',
  body: z.unknown(),
  multipart: true,
  handle: ({ body }) => {
    bodies.push(body);
    return Promise.resolve({ json: {} });
  },
});
const small = route({ ...take, path: '/small', maxBodyBytes: 100 });
const bodyless = route({ method: 'post', path: '/bodyless', summary: 'x', access: 'write', handle: () => Promise.resolve({ json: {} }) });

/** Registers what closes the apps after each test. */
export function takingApps(): (options?: Options) => Promise<RunningApp> {
  const start = closedApps();
  return (options) => {
    bodies.length = 0;
    return start([take, small, bodyless], options);
  };
}
