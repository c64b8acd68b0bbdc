/** Routes of every service: liveness, readiness, metrics, and its own description. */
import { z } from 'zod';
import type { Metrics } from './metrics.ts';
import { visibleTo } from './guard.ts';
import { route, type Access, type Route } from './route.ts';

export interface StandingOptions {
  ready: () => boolean | Promise<boolean>;
  metrics: Metrics | undefined;
  metricsAccess: Access;
  /** prefix: path of the service in its proxy's address, '' for none. */
  describe: (prefix: string) => unknown;
}

/** A question about readiness that takes longer is a no. */
const READY_MS = 5000;

export function standingRoutes({ ready, metrics, metricsAccess, describe }: StandingOptions): Route[] {
  const health = route({
    method: 'get',
    path: '/health',
    summary: 'Whether the process answers',
    access: 'open',
    response: z.object({ alive: z.literal(true) }),
    handle: () => Promise.resolve({ json: { alive: true } }),
  });
  const readiness = route({
    method: 'get',
    path: '/ready',
    summary: 'Whether requests will be served: 200 where they will, 503 where not',
    access: 'open',
    response: z.object({ ready: z.boolean() }),
    handle: async () => {
      const yes = await answered(ready);
      return { status: yes ? 200 : 503, json: { ready: yes }, ...(yes ? {} : { headers: { 'retry-after': '1' } }) };
    },
  });
  const scraped = route({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus',
    access: metricsAccess,
    responseTypes: ['text/plain'],
    handle: async ({ caller }) => ({
      bytes: Buffer.from((await metrics?.text(visibleTo(caller))) ?? ''),
      type: metrics?.contentType ?? 'text/plain; charset=utf-8',
    }),
  });
  const description = route({
    method: 'get',
    path: '/openapi.json',
    summary: 'This description, in OpenAPI 3.1',
    access: 'open',
    handle: ({ prefix }) => Promise.resolve({ json: describe(prefix) }),
  });
  return [health, readiness, ...(metrics ? [scraped] : []), description];
}

async function answered(ready: StandingOptions['ready']): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(ready), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
