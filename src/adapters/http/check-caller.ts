/** Whether callers may do what a route does, with the projects a request names; for a signature, before it is known whose it is. */
import { ProsamError } from '../../core/common/errors.ts';
import { allows, mayUse, type Guard } from './guard.ts';
import type { Caller, Route } from './route.ts';

/** @throws UNAUTHORIZED, FORBIDDEN */
export function checkAccess(caller: Caller, route: Route, guard: Guard): void {
  if (allows(caller.access, route.access)) return;
  const wanted = `This needs ${route.access} access`;
  // Who has not said who they are may still do so.
  if (caller.name === 'anonymous' && guard.kinds.length > 0)
    throw new ProsamError('UNAUTHORIZED', `${wanted}. Send credentials that have it.`);
  throw new ProsamError('FORBIDDEN', `${wanted}, ${caller.name} has ${caller.access} access. Use other credentials.`);
}

/** Refuses callers restricted to other projects, wherever a request names one. @throws FORBIDDEN */
export function checkProject(caller: Caller, ...inputs: readonly unknown[]): void {
  for (const project of inputs.flatMap(projectOf)) mayUse(caller, project);
}

/**
 * Nothing of a body is read for a signature that could not open this route whoever made it. Names nobody: it is not known who asks.
 * @throws FORBIDDEN
 */
export function checkCandidates(candidates: readonly Caller[], route: Route, ...inputs: readonly unknown[]): void {
  const projects = inputs.flatMap(projectOf);
  const able = candidates.filter(({ access }) => allows(access, route.access));
  if (able.length === 0)
    throw new ProsamError('FORBIDDEN', `This needs ${route.access} access, which no secret of signatures has here. Use other credentials.`);
  if (able.some((one) => projects.every((project) => one.projects?.includes(project) ?? true))) return;
  throw new ProsamError('FORBIDDEN', 'No secret of signatures may use this project. Use other credentials.');
}

function projectOf(input: unknown): string[] {
  if (typeof input !== 'object' || input === null || !('project' in input)) return [];
  return typeof input.project === 'string' ? [input.project] : [];
}
