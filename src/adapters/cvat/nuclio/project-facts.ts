/** Facts that CVAT knows of a project here: its name for people, and the forms its labels take. */
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { declaredForms, type ShapeForm } from '../annotate/new-shapes.ts';
import { cvatPlaceOf } from '../names.ts';
import type { CvatApi } from '../types.ts';
import { createPatientLookup } from './patient-lookup.ts';

export interface ProjectFacts {
  /** Name of the project or task in CVAT. */
  title: string;
  /** Form by label; undefined: the label takes nothing that can be drawn. */
  forms: ReadonlyMap<string, ShapeForm | undefined>;
}

export interface ProjectFactsOptions {
  api: Pick<CvatApi, 'project' | 'task' | 'labels'>;
  /** Name of the CVAT installation. */
  name: string;
  log: Log;
  /** Time for which an answer is reused. @default 60,000 */
  freshMs?: number;
  /** Longest wait for CVAT, which may itself be waiting for this list; what comes later is used the next time. @default 1500 */
  patienceMs?: number;
  /** Milliseconds that only go forward. */
  clockMs?: () => number;
}

/** Resolves to what is known, undefined for projects that are not CVAT's or that CVAT does not tell of. Never rejects. */
export type FactsOf = (project: string) => Promise<ProjectFacts | undefined>;

export function createProjectFacts({ api, name, log, freshMs = 60_000, ...options }: ProjectFactsOptions): FactsOf {
  const lookUp = createPatientLookup<ProjectFacts | undefined>({
    ...options,
    freshMs,
    async ask(project) {
      const place = cvatPlaceOf(name, project);
      if (place === undefined) return undefined;
      const about = 'project' in place ? api.project(place.project) : api.task(place.task);
      const [{ name: title }, labels] = await Promise.all([about, api.labels(place)]);
      return { title, forms: declaredForms(labels) };
    },
    onError: (project, error) => log.warn({ project }, `cvat: the labels of a project cannot be looked at: ${messageOf(error)}`),
  });
  return (project) => lookUp(project);
}
