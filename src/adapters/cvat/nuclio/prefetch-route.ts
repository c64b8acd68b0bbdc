/** Starts to fetch a task's frames; what has been fetched by then is used by the next click. */
import { z } from 'zod';
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { mayUse } from '../../http/guard.ts';
import { route, type Route } from '../../http/route.ts';
import { projectNameOf } from '../names.ts';
import type { CvatApi } from '../types.ts';
import type { Prefetched, PrefetchRequest } from './prefetch.ts';

const prefetchBody = z.strictObject({
  task: z.int().min(0),
  frames: z.array(z.int().min(0)).max(100_000).optional().describe('@default all'),
});

export interface PrefetchRouteParts {
  prefetch: (request: PrefetchRequest) => Promise<Prefetched>;
  api: Pick<CvatApi, 'task'>;
  /** Name of the CVAT installation. */
  name: string;
  log: Log;
  closing: AbortSignal;
}

export function prefetchRoute({ prefetch, api, name, log, closing }: PrefetchRouteParts): Route {
  const running = new Set<number>();
  return route({
    method: 'post',
    path: '/prefetch',
    summary: 'Fetches frames of a task from CVAT and computes their features, in the background: 202 started, 200 running already',
    access: 'write',
    body: prefetchBody,
    response: z.object({ started: z.boolean() }),
    async handle({ body: { task, frames }, caller, signal }) {
      // Which project a task belongs to only CVAT knows; whoever may use all need not wait for it.
      if (caller.projects) {
        const { project_id } = await api.task(task, { signal });
        mayUse(caller, projectNameOf(name, { project_id, task_id: task }));
      }
      if (running.has(task)) return { json: { started: false } };
      running.add(task);
      void prefetch({ task, ...(frames && { frames }), signal: closing })
        .then((done) => log.info({ task, ...done }, 'cvat: frames are fetched'))
        .catch((error: unknown) => {
          if (!closing.aborted) log.warn({ task }, `cvat: frames could not be fetched: ${messageOf(error)}`);
        })
        .finally(() => running.delete(task));
      return { status: 202, json: { started: true } };
    },
  });
}
