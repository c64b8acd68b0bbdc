/** How projects stand: what to label next, what was learned, what the service is doing. */
import { imageType } from '../../core/image/node/thumbnail.ts';
import type { Service } from '../../service/types.ts';
import { route, type Route } from '../http/route.ts';
import { projectAnswer, projectsAnswer, queueAnswer, runsAnswer, startedAnswer, statusAnswer } from './responses.ts';
import { pageOf } from './page.ts';
import { imageParams, imageQuery, limitQuery, projectParams, queueQuery } from './schemas.ts';

export function projectRoutes({ service }: { service: Service }): Route[] {
  return [
    route({
      method: 'get',
      path: '/projects',
      summary: 'Names of all projects',
      access: 'read',
      answer: projectsAnswer,
      async handle({ caller }) {
        const projects = await service.projects();
        return { json: { projects: projects.filter((project) => caller.projects?.includes(project) ?? true) } };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project',
      summary: 'How a project stands: labels, references, version, newest training run',
      access: 'read',
      params: projectParams,
      answer: projectAnswer,
      async handle({ params }) {
        return { json: await service.project(params.project) };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project/queue',
      summary: 'What to label next: images nobody has annotated, most uncertain first',
      access: 'read',
      params: projectParams,
      query: queueQuery,
      answer: queueAnswer,
      async handle({ params, query }) {
        const images = await service.unlabelled(params.project, query);
        const rows = images.map(({ sha256, width, height, externalId, uncertainty, createdMs }) => ({
          ...{ sha256, width, height, createdMs },
          ...(externalId !== undefined && { externalId }),
          ...(uncertainty !== undefined && { uncertainty }),
        }));
        return { json: { images: rows, ...pageOf(images, query.limit, () => query.offset + images.length) } };
      },
    }),
    route({
      method: 'post',
      path: '/projects/:project/train',
      summary: 'Ask the learner for a run now, whatever its policy; answers at once',
      access: 'write',
      params: projectParams,
      answer: startedAnswer,
      async handle({ params }) {
        await service.train(params.project);
        return { status: 202, json: { project: params.project, requested: true } };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project/runs',
      summary: 'Training runs, newest first',
      access: 'read',
      params: projectParams,
      query: limitQuery,
      answer: runsAnswer,
      async handle({ params, query }) {
        return { json: { runs: await service.runs({ project: params.project, limit: query.limit }) } };
      },
    }),
    route({
      method: 'get',
      path: '/images/:sha256',
      summary: 'Bytes of an image the project has seen',
      access: 'read',
      params: imageParams,
      query: imageQuery,
      answers: ['image/jpeg', 'image/png', 'image/webp', 'image/tiff', 'image/avif', 'image/gif'],
      async handle({ params, query }) {
        const bytes = await service.imageBytes(query.project, params.sha256);
        return { bytes, type: imageType(bytes), headers: { 'cache-control': 'private, max-age=31536000, immutable' } };
      },
    }),
    route({
      method: 'get',
      path: '/status',
      summary: 'Whether the service is ready, what does not work, and what waits',
      access: 'read',
      answer: statusAnswer,
      async handle({ caller }) {
        const status = await service.status();
        return { json: { ...status, serving: status.serving.filter(({ project }) => caller.projects?.includes(project) ?? true) } };
      },
    }),
  ];
}
