/** Facts that CVAT knows of a project here: its name for people, and the forms its labels take. */
import { messageOf } from '../../../core/common/errors.ts';
import { createLruMap } from '../../../core/common/lru-map.ts';
import type { Log } from '../../../service/ports/log.ts';
import { declaredForms, type ShapeForm } from '../annotate/new-shapes.ts';
import { cvatPlaceOf } from '../names.ts';
import type { CvatApi } from '../types.ts';

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

const MAX_PROJECTS = 1000;

export function createProjectFacts({ api, name, log, ...options }: ProjectFactsOptions): FactsOf {
  const { freshMs = 60_000, patienceMs = 1500, clockMs = () => performance.now() } = options;
  const known = createLruMap<string, { facts?: ProjectFacts; atMs: number; asking?: Promise<void> }>({ max: MAX_PROJECTS });
  let waitsFromMs = -Infinity;
  const ask = async (place: { project: number } | { task: number }): Promise<ProjectFacts> => {
    const about = 'project' in place ? api.project(place.project) : api.task(place.task);
    const [{ name: title }, labels] = await Promise.all([about, api.labels(place)]);
    return { title, forms: declaredForms(labels) };
  };
  return async (project) => {
    const place = cvatPlaceOf(name, project);
    if (place === undefined) return undefined;
    const entry = known.get(project) ?? { atMs: -Infinity };
    known.set(project, entry);
    if (clockMs() - entry.atMs >= freshMs) {
      entry.asking ??= ask(place)
        .then((facts) => void (entry.facts = facts))
        // What was known stays: CVAT may be starting, or the token may have been changed.
        .catch((error: unknown) => log.warn({ project }, `cvat: the labels of a project cannot be looked at: ${messageOf(error)}`))
        .finally(() => {
          entry.atMs = clockMs();
          delete entry.asking;
        });
      // Hundreds of projects must not wait one after another for a CVAT that does not answer.
      if (clockMs() >= waitsFromMs && (await Promise.race([entry.asking.then(() => false), patience(patienceMs)])))
        waitsFromMs = clockMs() + freshMs;
    }
    return entry.facts;
  };
}

/** Resolves to true once the time is over. */
function patience(ms: number): Promise<boolean> {
  return new Promise((resolve) => void setTimeout(() => resolve(true), ms).unref());
}
