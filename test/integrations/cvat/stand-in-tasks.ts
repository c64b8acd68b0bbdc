/** Tasks of the stand-in CVAT, made and filled by tests. */
import type { Job, StandInFrame, StandInShape, Task } from './stand-in-forms.ts';
import type { StandInHands } from './stand-in-acts.ts';

export function standInTasks({ tasks, nextId, stamp }: Pick<StandInHands, 'tasks' | 'nextId' | 'stamp'>) {
  return {
    /** Frames of one task in jobs of a size; shapes are added to the jobs afterwards. */
    addTask(options: {
      frames: StandInFrame[];
      labels: { name: string; type?: string; attributes?: object[] }[];
      jobSize?: number;
      overlap?: number;
      deleted?: number[];
      video?: boolean;
      project?: number | null;
    }): Task {
      const { frames, labels, jobSize = frames.length, overlap = 0, deleted = [], video = false, project = null } = options;
      const task: Task = {
        id: nextId(),
        name: 'stand-in',
        project_id: project,
        frames,
        deleted,
        video,
        labels: labels.map(({ name, type = 'any', attributes = [] }) => ({ id: nextId(), name, type, attributes })),
        jobs: [],
      };
      for (let from = 0; from < frames.length; from += jobSize - overlap) {
        const to = Math.min(frames.length, from + jobSize) - 1;
        task.jobs.push({
          id: nextId(),
          task_id: task.id,
          project_id: project,
          type: 'annotation',
          start_frame: from,
          stop_frame: to,
          state: 'new',
          stage: 'annotation',
          updated_date: stamp(),
          shapes: [],
          tracks: [],
        });
        if (to === frames.length - 1) break;
      }
      tasks.push(task);
      return task;
    },
    /** As drawn by a person, unless told otherwise. */
    addShape(
      task: Task,
      shape: { type: string; frame: number; label: string; points: number[]; source?: string; rotation?: number },
    ): StandInShape {
      const { label, source = 'manual', rotation = 0, ...rest } = shape;
      const job = task.jobs.find(({ start_frame: from, stop_frame: to }) => from <= shape.frame && shape.frame <= to) as Job;
      const stored = {
        id: nextId(),
        label_id: task.labels.find(({ name }) => name === label)?.id ?? -1,
        ...rest,
        source,
        rotation,
        occluded: false,
        outside: false,
        z_order: 0,
        group: 0,
        attributes: [],
        elements: [],
      };
      job.shapes.push(stored);
      return stored;
    },
  };
}
