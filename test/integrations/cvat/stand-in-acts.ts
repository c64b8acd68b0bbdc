/** What people and machines do in CVAT, as the stand-in does it: each save dates the job and is told to webhooks. */
import { jobJson, taskJson, type Job, type StandInShape, type Task } from './stand-in-forms.ts';

export interface StandInHands {
  tasks: Task[];
  nextId: () => number;
  stamp: () => string;
  update: (job: Job, changed: Partial<Job>) => Promise<unknown>;
  tell: (event: string, what: (url: string) => object) => Promise<void>;
}

type DrawnShape = Pick<StandInShape, 'frame' | 'type' | 'points'> & { label: string; source?: string };

export function standInActs({ tasks, nextId, stamp, update, tell }: StandInHands) {
  const stored = (task: Task, { label, ...shape }: DrawnShape, source: string): StandInShape => ({
    ...{ rotation: 0, occluded: false, outside: false, z_order: 0, group: 0, attributes: [], elements: [], source },
    ...{ ...shape, label_id: task.labels.find(({ name }) => name === label)?.id ?? -1, id: nextId() },
  });
  const taskOf = (job: Job): Task => tasks.find(({ id }) => id === job.task_id) as Task;
  return {
    /** A person moves a job to another state or stage. */
    async move(job: Job, changed: { state?: string; stage?: string }): Promise<void> {
      await update(job, changed);
    },
    /** Another job with the frames of the first one. */
    addJob(task: Task, changes: Partial<Job> = {}): Job {
      const [first] = task.jobs as [Job];
      const job = { ...first, state: 'new', stage: 'annotation', ...changes, shapes: [], tracks: [], id: nextId(), updated_date: stamp() };
      task.jobs.push(job);
      return job;
    },
    /** A person draws these in a job and saves. */
    async draw(job: Job, ...shapes: DrawnShape[]): Promise<StandInShape[]> {
      const added = shapes.map((shape) => stored(taskOf(job), shape, 'manual'));
      job.shapes.push(...added);
      await update(job, {});
      return added;
    },
    /** A person changes a shape and saves: it gets another id. */
    async edit(job: Job, id: number, changes: Partial<StandInShape>): Promise<StandInShape> {
      const at = job.shapes.findIndex((one) => one.id === id);
      const before = job.shapes[at] as StandInShape;
      const source = before.source === 'manual' ? 'manual' : 'semi-auto';
      const edited = { ...before, source, ...changes, id: nextId() };
      job.shapes.splice(at, 1, edited);
      await update(job, {});
      return edited;
    },
    async erase(job: Job, ...ids: number[]): Promise<void> {
      job.shapes = job.shapes.filter(({ id }) => !ids.includes(id));
      await update(job, {});
    },
    /** CVAT's own automatic annotation of a task; cleanup: "clean old annotations". */
    async autoAnnotate(task: Task, shapes: readonly DrawnShape[], { cleanup = false } = {}): Promise<void> {
      for (const job of task.jobs) {
        if (cleanup) Object.assign(job, { shapes: [], tracks: [] });
        const own = shapes.filter(({ frame }) => job.start_frame <= frame && frame <= job.stop_frame);
        job.shapes.push(...own.map((shape) => stored(task, shape, 'auto')));
        await update(job, {});
      }
    },
    async deleteTask(task: Task): Promise<void> {
      tasks.splice(tasks.indexOf(task), 1);
      await tell('delete:task', (url) => ({ task: taskJson(url, task) }));
    },
    /** Moves a task: its labels become those of the other project, under other ids, and no job is dated anew. */
    moveTask(task: Task, project: number | null): void {
      const ids = new Map(task.labels.map((label) => [label.id, nextId()]));
      const labelled = <T extends { label_id: number }>(one: T): T => ({ ...one, label_id: ids.get(one.label_id) ?? -1 });
      task.project_id = project;
      task.labels = task.labels.map((label) => ({ ...label, id: ids.get(label.id) ?? -1 }));
      for (const job of task.jobs) Object.assign(job, { project_id: project, shapes: job.shapes.map(labelled) });
    },
    async deleteJob(job: Job): Promise<void> {
      const { jobs } = taskOf(job);
      jobs.splice(jobs.indexOf(job), 1);
      await tell('delete:job', (url) => ({ job: jobJson(url, job) }));
    },
  };
}
