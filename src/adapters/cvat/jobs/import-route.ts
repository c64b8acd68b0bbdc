/** Route that reads finished jobs of a project or a task back, however long ago people were done with them. */
import { z } from 'zod';
import { mayUse } from '../../http/guard.ts';
import { route, type Route } from '../../http/route.ts';
import { projectNameOf } from '../names.ts';
import type { CvatApi } from '../types.ts';
import { isDone } from './job-events.ts';
import type { Intake } from './job-intake.ts';

const id = z.int().min(0);
const importBody = z.union([z.strictObject({ project: id }), z.strictObject({ task: id })]);
const importResponse = z.object({
  /** Project here that learns from them. */
  project: z.string(),
  jobs: z.int(),
  finished: z.int(),
  /** Finished jobs that were not taken before. */
  taken: z.int(),
});

export interface ImportRouteParts {
  api: Pick<CvatApi, 'jobs' | 'task' | 'labels'>;
  take: Intake['take'];
  /** Name of the CVAT installation. */
  name: string;
}

export function importRoute({ api, take, name }: ImportRouteParts): Route {
  return route({
    method: 'post',
    path: '/import',
    summary: 'Reads the finished jobs of a CVAT project or task back, in the background: 202 with their number',
    access: 'write',
    body: importBody,
    response: importResponse,
    async handle({ body, caller, signal }) {
      const call = { signal };
      const place = 'project' in body ? { project_id: body.project, task_id: 0 } : await taskPlace(body.task);
      const project = projectNameOf(name, place);
      mayUse(caller, project);
      // A project that is not there has no labels to ask for, and an answer that says so.
      if ('project' in body) await api.labels({ project: body.project }, call);
      const filter = JSON.stringify({ and: [{ '==': [{ var: 'project_id' }, place.project_id] }] });
      const listed = await api.jobs('project' in body ? { filter, sort: 'updated_date' } : { task: body.task }, call);
      const jobs = 'project' in body ? listed.filter((job) => job.project_id === body.project) : listed;
      const finished = jobs.filter(isDone);
      let taken = 0;
      for (const { id: job, task_id: task, updated_date: updated = '' } of finished) if (await take({ job, task, updated })) taken++;
      return { status: 202, json: { project, jobs: jobs.length, finished: finished.length, taken } };

      async function taskPlace(task: number) {
        return { project_id: (await api.task(task, call)).project_id, task_id: task };
      }
    },
  });
}
