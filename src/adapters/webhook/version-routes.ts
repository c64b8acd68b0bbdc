/** Versions of the prompt encoder: listed, deployed and rolled back. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Service } from '../../service/types.ts';
import { mayUse } from '../http/guard.ts';
import { route, type Caller, type Route } from '../http/route.ts';
import { versionResponse, versionsResponse, promotedResponse } from './responses.ts';
import { listedProject } from './page.ts';
import { idParams, versionsQuery, projectParams, promoteSchema, rollbackSchema } from './schemas.ts';

export function versionRoutes({ service }: { service: Pick<Service, 'projects' | 'versions'> }): Route[] {
  return [
    route({
      method: 'get',
      path: '/versions',
      summary: 'Versions, newest first',
      access: 'read',
      query: versionsQuery,
      response: versionsResponse,
      async handle({ query, caller }) {
        const project = listedProject(caller, query.project);
        return { json: { versions: await service.versions.list({ limit: query.limit, ...(project !== undefined && { project }) }) } };
      },
    }),
    route({
      method: 'get',
      path: '/versions/:id',
      summary: 'One version with the metrics of its gate',
      access: 'read',
      params: idParams,
      response: versionResponse,
      async handle({ params, caller }) {
        const version = await service.versions.get(params.id);
        mayUse(caller, version.project);
        return { json: version };
      },
    }),
    route({
      method: 'post',
      path: '/versions/:id/promote',
      summary: 'Put a version into service, or "base": the model\'s own prompt encoder',
      access: 'admin',
      params: idParams,
      body: promoteSchema,
      response: promotedResponse,
      async handle({ params, body, caller }) {
        const project = await projectOf(service, params.id, body.project, caller);
        await service.versions.promote(project, params.id, body.reason);
        return { json: { project, encoderVersion: params.id } };
      },
    }),
    route({
      method: 'post',
      path: '/projects/:project/rollback',
      summary: 'Put the version before the current one back into service',
      access: 'admin',
      params: projectParams,
      body: rollbackSchema,
      response: promotedResponse,
      async handle({ params, body }) {
        const { encoderVersion } = await service.projects.rollback(params.project, body.reason);
        return { json: { project: params.project, encoderVersion } };
      },
    }),
  ];
}

/** The project whose version is meant; asked of the version where the request does not say. */
async function projectOf(service: Pick<Service, 'versions'>, id: string, asked: string | undefined, caller: Caller): Promise<string> {
  if (id === 'base') {
    if (asked === undefined)
      throw new ProsamError('REQUEST_INVALID', 'Expected a project with "base", got none: every project has its own pointer.');
    return asked;
  }
  const { project } = await service.versions.get(id);
  mayUse(caller, project);
  if (asked === undefined || asked === project) return project;
  throw new ProsamError(
    'VERSION_NOT_FOUND',
    `Expected a version of the project ${asked}, but this one belongs to another. GET /v1/versions lists them.`,
  );
}
