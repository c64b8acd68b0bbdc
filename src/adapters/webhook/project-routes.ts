/** Projects: their state, the next images to label, training, and the status of the service. */
import { imageType } from '../../core/image/node/thumbnail.ts';
import { createAdmission } from '../../service/admission.ts';
import type { Service } from '../../service/types.ts';
import { visibleTo } from '../http/guard.ts';
import { route, type Route } from '../http/route.ts';
import {
  erasedResponse,
  projectResponse,
  projectsResponse,
  nextImagesResponse,
  runsResponse,
  startedResponse,
  statusResponse,
} from './responses.ts';
import { pageOf } from './page.ts';
import { imageParams, imageQuery, limitQuery, projectParams, nextImagesQuery } from './schemas.ts';

const NOTHING_ERASED = { annotations: 0, predictions: 0, results: 0, versions: [] };

/** Whole files are in memory until they are on their way. */
const FILES_AT_ONCE = 8;
const FILES_WAITING = 1000;

export function projectRoutes({ service }: { service: Pick<Service, 'projects' | 'status'> }): Route[] {
  const files = createAdmission({ concurrency: FILES_AT_ONCE, waiting: FILES_WAITING, clientShare: 1 });
  return [
    route({
      method: 'get',
      path: '/projects',
      summary: 'Names of all projects',
      access: 'read',
      response: projectsResponse,
      async handle({ caller }) {
        const projects = await service.projects.list();
        return { json: { projects: projects.filter((project) => caller.projects?.includes(project) ?? true) } };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project',
      summary: 'How a project stands: labels, references, version, newest training run',
      access: 'read',
      params: projectParams,
      response: projectResponse,
      async handle({ params }) {
        return { json: await service.projects.get(params.project) };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project/next-images',
      summary: 'Images to label next: those without an annotation, those first that are expected to teach most',
      access: 'read',
      params: projectParams,
      query: nextImagesQuery,
      response: nextImagesResponse,
      async handle({ params, query }) {
        const images = await service.projects.nextImages(params.project, query);
        const rows = images.map(({ sha256, width, height, externalId, uncertainty, presence, createdMs }) => ({
          ...{ sha256, width, height, createdMs },
          ...(externalId !== undefined && { externalId }),
          ...(uncertainty !== undefined && { uncertainty }),
          ...(presence !== undefined && { presence }),
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
      response: startedResponse,
      async handle({ params }) {
        await service.projects.train(params.project);
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
      response: runsResponse,
      async handle({ params, query }) {
        return { json: { runs: await service.projects.runs(params.project, query) } };
      },
    }),
    route({
      method: 'get',
      path: '/images/:sha256',
      summary: 'Bytes of an image the project has seen',
      access: 'read',
      params: imageParams,
      query: imageQuery,
      responseTypes: ['image/jpeg', 'image/png', 'image/webp', 'image/tiff', 'image/avif', 'image/gif'],
      async handle({ params, query, caller, signal }) {
        const read = () => service.projects.imageBytes(query.project, params.sha256);
        const bytes = await files.run({ client: caller.name, priority: 'interactive', signal }, read);
        return { bytes, type: imageType(bytes), headers: { 'cache-control': 'private, max-age=31536000, immutable' } };
      },
    }),
    route({
      method: 'delete',
      path: '/images/:sha256',
      summary: 'Erase an image of a project and all that came of it. The same call may be repeated',
      access: 'write',
      params: imageParams,
      query: imageQuery,
      response: erasedResponse,
      async handle({ params, query }) {
        const erased = await service.projects.eraseImage(query.project, params.sha256);
        return { json: erased === undefined ? { erased: false, ...NOTHING_ERASED } : { erased: true, ...erased } };
      },
    }),
    route({
      method: 'get',
      path: '/status',
      summary: 'Whether the service is ready, what does not work, and what waits',
      access: 'read',
      response: statusResponse,
      async handle({ caller }) {
        return { json: await service.status(visibleTo(caller)) };
      },
    }),
  ];
}
