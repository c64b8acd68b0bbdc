/** Lists in pages, and who may see which project's. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Caller } from '../http/route.ts';

/** Page of a list, with the position of the next one if this one is full. */
export function pageOf<T>(items: readonly T[], limit: number, placeOf: (last: T) => number): { next?: number } {
  const last = items.at(-1);
  return last === undefined || items.length < limit ? {} : { next: placeOf(last) };
}

/** The project to list (the shell has checked a named one), undefined for all. @throws FORBIDDEN where a caller held to some projects asks for all */
export function listedProject(caller: Caller, project: string | undefined): string | undefined {
  if (project !== undefined || caller.projects === undefined) return project;
  const [only, another] = caller.projects;
  if (only !== undefined && another === undefined) return only;
  throw new ProsamError('FORBIDDEN', `${caller.name} may not list all projects. Name one with ?project=.`);
}
