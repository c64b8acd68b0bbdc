/**
 * Looks whether tasks that taught something are where they were: for installations that cannot send webhooks, and because none tells of a
 * move. Nothing is taken away here; suspicions are handed on, to be checked one by one.
 */
import type { Log } from '../../../service/ports/log.ts';
import type { CvatJob } from '../api/types.ts';
import { projectNameOf } from '../names.ts';
import type { CvatApi } from '../types.ts';
import type { KnownTask } from './known-tasks.ts';

/** A task whose jobs CVAT does not list any more, or lists in another project. from: project of the service its lessons count in. */
export interface Strayed {
  strayed: 'vanished' | 'moved' | 'back';
  task: number;
  from: string;
}

export interface FollowOptions {
  api: Pick<CvatApi, 'jobs'>;
  known: () => Promise<KnownTask[]>;
  /** Resolves once it is kept. */
  take: (what: Strayed) => Promise<void>;
  name: string;
  log: Log;
}

/** Tasks asked for in one list. */
const TASKS_AT_ONCE = 50;
/** Tasks of one project that may vanish at once without being most of them: as shapes of a job. */
const FEW = 5;

/** Whether so many tasks vanished at once that CVAT is not believed. */
export function isTooMuch(vanished: readonly unknown[], all: readonly unknown[]): boolean {
  return vanished.length >= FEW && 2 * vanished.length > all.length;
}

/** One look. What was handed on is handed on again once the task's jobs changed. @throws CVAT_*, what reading annotations throws */
export function createTaskFollower({ api, known, take, name, log }: FollowOptions): (signal?: AbortSignal) => Promise<void> {
  /** By task and project: state of its jobs at the last look. */
  const told = new Map<string, string>();
  return async (signal) => {
    const tasks = await known();
    const jobs = await jobsOf(api, [...new Set(tasks.map(({ task }) => task))], signal);
    for (const [project, own] of grouped(tasks)) {
      const vanished = own.filter((task) => !jobs.has(task));
      const isDoubted = isTooMuch(vanished, own);
      if (isDoubted && told.get(project) !== String(vanished.length))
        log.warn({ project, tasks: vanished.length }, 'cvat: most tasks of a project vanished at once: what was learned from them stays');
      told.set(project, isDoubted ? String(vanished.length) : '');
      for (const task of own) {
        const there = jobs.get(task);
        if (there === undefined && isDoubted) continue;
        const key = `${task} ${project}`;
        const before = told.get(key);
        const strayed = there === undefined ? 'vanished' : there.some((job) => projectNameOf(name, job) !== project) ? 'moved' : undefined;
        const state = strayed === undefined ? '' : `${strayed} ${(there ?? []).map(stateOf).join()}`;
        if (before === state || (before === undefined && state === '')) continue;
        const what = strayed ?? (before?.startsWith('vanished') === true ? 'back' : undefined);
        if (what !== undefined) await take({ strayed: what, task, from: project });
        told.set(key, state);
      }
    }
  };
}

function stateOf({ id, project_id: project, state, stage, updated_date: date }: CvatJob): string {
  return [id, project, state, stage, date].join(' ');
}

/** Jobs of tasks, by task; a task without any is not listed. @throws CVAT_* */
export async function jobsOf(api: Pick<CvatApi, 'jobs'>, tasks: readonly number[], signal?: AbortSignal): Promise<Map<number, CvatJob[]>> {
  const found = new Map<number, CvatJob[]>();
  for (let from = 0; from < tasks.length; from += TASKS_AT_ONCE) {
    const or = tasks.slice(from, from + TASKS_AT_ONCE).map((task) => ({ '==': [{ var: 'task_id' }, task] }));
    for (const job of await api.jobs({ filter: JSON.stringify({ or }), sort: 'id' }, signal ? { signal } : {}))
      found.set(job.task_id, [...(found.get(job.task_id) ?? []), job]);
  }
  return found;
}

function grouped(tasks: readonly KnownTask[]): Map<string, number[]> {
  const projects = new Map<string, number[]>();
  for (const { task, project } of tasks) projects.set(project, [...(projects.get(project) ?? []), task]);
  return projects;
}
