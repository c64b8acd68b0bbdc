/** Routes of every service: liveness, readiness, metrics, and its own description. */
import { z } from 'zod';
import type { Metrics } from './metrics.ts';
import { visibleTo } from './guard.ts';
import { route, type Access, type Route } from './route.ts';

/** Answer of /ready. */
export interface Readiness {
  ready: boolean;
  /** Names of parts that do not work, without their insides: anybody may ask. */
  failing?: readonly string[];
}

export type AskReady = () => boolean | Readiness | Promise<boolean | Readiness>;

export interface StandingOptions {
  ready: AskReady;
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
    summary: 'Whether requests will be served: 200 where they will, if only in part ("failing"), 503 where not',
    access: 'open',
    response: z.object({ ready: z.boolean(), failing: z.array(z.string()).exactOptional() }),
    handle: async () => {
      const { ready: yes, failing = [] } = await answered(ready);
      const json = { ready: yes, ...(failing.length > 0 && { failing }) };
      return { status: yes ? 200 : 503, json, ...(yes ? {} : { headers: { 'retry-after': '1' } }) };
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

async function answered(ready: AskReady): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_MS);
  });
  try {
    const response = await Promise.race([Promise.resolve().then(ready), late]);
    return typeof response === 'boolean' ? { ready: response } : response;
  } catch {
    return { ready: false };
  } finally {
    clearTimeout(timer);
  }
}
