/** Route that lists why jobs teach nothing, for `prosam cvat doctor` and other readers. */
import { z } from 'zod';
import { route, type Route } from '../http/route.ts';
import type { ReviewNotes } from './jobs/review-notes.ts';

const count = z.int().min(0);

export function statusRoute(notes: ReviewNotes): Route {
  return route({
    method: 'get',
    path: '/status',
    summary: 'Machine-made shapes that wait for review, and masks that are kept although their shapes vanished',
    access: 'read',
    response: z.object({
      problems: z.array(z.string()),
      jobs: z.array(z.object({ task: count, job: count, waiting: count, replaced: count, doubted: count })),
    }),
    // Jobs may be of any project.
    handle: ({ caller: { projects } }) =>
      Promise.resolve({
        json: {
          problems: projects ? [] : notes.sentences(),
          jobs: (projects ? [] : notes.list()).map(({ task, job, waiting, replaced, doubted }) => ({
            task,
            job,
            waiting,
            replaced,
            doubted,
          })),
        },
      }),
  });
}
