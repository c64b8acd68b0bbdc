/** Route that lists why jobs teach nothing, for `prosam cvat doctor` and other readers. */
import { z } from 'zod';
import { route, type Route } from '../http/route.ts';
import type { LearningLine } from '../../service/learning/lines.ts';
import { visibleTo } from '../http/guard.ts';
import type { ReviewNotes } from './jobs/review-notes.ts';

const count = z.int().min(0);

/** learning: activity of the learner, or what it waits for */
export function statusRoute(
  notes: ReviewNotes,
  learning: (visible?: (project: string) => boolean) => Promise<readonly LearningLine[]> = () => Promise.resolve([]),
): Route {
  return route({
    method: 'get',
    path: '/status',
    summary: 'Machine-made shapes that wait for review, and masks that are kept although their shapes vanished',
    access: 'read',
    response: z.object({
      problems: z.array(z.string()),
      learning: z.array(z.object({ project: z.string(), line: z.string() })),
      jobs: z.array(z.object({ task: count, job: count, waiting: count, replaced: count, doubted: count })),
    }),
    // Jobs may be of any project.
    handle: async ({ caller }) => {
      const { projects } = caller;
      return {
        json: {
          learning: [...(await learning(visibleTo(caller)))],
          problems: projects ? [] : notes.sentences(),
          jobs: (projects ? [] : notes.list()).map(({ task, job, waiting, replaced, doubted }) => ({
            task,
            job,
            waiting,
            replaced,
            doubted,
          })),
        },
      };
    },
  });
}
