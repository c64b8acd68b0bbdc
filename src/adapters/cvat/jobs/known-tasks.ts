/** Tasks of CVAT that taught something here, and the project each did it for. */
import { everyAnnotation } from '../../../service/every-annotation.ts';
import type { Service } from '../../../service/types.ts';
import { cvatPlaceOf } from '../names.ts';
import { taskOfLesson } from './counted-lessons.ts';

/** A task and a project of the service that has lessons of it, or had some while this process ran. */
export interface KnownTask {
  task: number;
  project: string;
}

/** Reads all annotations once, and only those that were added since with each further call. name: of the installation. */
export function createKnownTasks(service: Pick<Service, 'annotations' | 'projects'>, name: string): () => Promise<KnownTask[]> {
  const known = new Map<string, { upTo: number; tasks: Set<number> }>();
  return async () => {
    for (const project of await service.projects.list()) {
      if (cvatPlaceOf(name, project) === undefined) continue;
      const { upTo, tasks } = known.get(project) ?? { upTo: 0, tasks: new Set<number>() };
      let newest = upTo;
      for await (const { source, externalId, sequence } of everyAnnotation(service, project)) {
        if (sequence <= upTo) break;
        newest = Math.max(newest, sequence);
        const task = source === name ? taskOfLesson(externalId) : undefined;
        if (task !== undefined) tasks.add(task);
      }
      known.set(project, { upTo: newest, tasks });
    }
    return [...known].flatMap(([project, { tasks }]) => [...tasks].map((task) => ({ task, project })));
  };
}
