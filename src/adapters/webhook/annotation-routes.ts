/** Accepted, corrected and rejected annotations: stored before they are acknowledged. */
import { checkAnnotationKey } from '../../core/common/limits.ts';
import type { Notice } from '../../core/common/notice.ts';
import { ProsamError } from '../../core/common/errors.ts';
import type { AcceptRequest, Service } from '../../service/types.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import { route, type Route } from '../http/route.ts';
import { acceptResponse, annotationsResponse, flaggedResponse, removedResponse } from './responses.ts';
import { checkAbsence, checkMaskCount } from '../../service/ports/provenance.ts';
import { annotationFrom } from './request-annotations.ts';
import { pageOf } from './page.ts';
import { MAX_BODY_BYTES, withNotices } from './predict-routes.ts';
import { annotationParams, annotationSchema, annotationsQuery, flagSchema, projectParams, revisionQuery } from './schemas.ts';

export function annotationRoutes({ service, images }: { service: Pick<Service, 'annotations'>; images: ImageSources }): Route[] {
  return [
    route({
      method: 'post',
      path: '/annotations',
      summary: 'Store an annotation: 201 stored, 200 known already or outdated. The same one may be sent again at any time',
      access: 'write',
      body: annotationSchema,
      multipart: true,
      maxBodyBytes: MAX_BODY_BYTES,
      response: acceptResponse,
      async handle({ body, files, signal }) {
        // Before an image is read for it.
        checkAnnotationKey(body);
        checkMaskCount(body.provenance, body.masks.length);
        checkAbsence(
          body.provenance,
          body.absent ?? [],
          body.masks.map(({ label }) => label),
        );
        const { image: input, masks, ...rest } = body;
        const found: Notice[] = [];
        const image = await images.read(input, { files, signal, onNotice: (notice) => found.push(notice) });
        const request: AcceptRequest = {
          ...rest,
          image,
          masks: masks.map(({ label, ...fields }) => ({ label, ...annotationFrom(fields, files) })),
        };
        const { notices, ...accepted } = await service.annotations.accept(request, { signal });
        return { status: accepted.outcome === 'stored' ? 201 : 200, json: { ...accepted, ...withNotices(found, notices) } };
      },
    }),
    route({
      method: 'get',
      path: '/projects/:project/annotations',
      summary: 'Annotations that count, newest first',
      access: 'read',
      params: projectParams,
      query: annotationsQuery,
      response: annotationsResponse,
      async handle({ params, query }) {
        const annotations = await service.annotations.list(params.project, query);
        return { json: { annotations, ...pageOf(annotations, query.limit, (last) => last.sequence) } };
      },
    }),
    route({
      method: 'delete',
      path: '/projects/:project/annotations/:source/:externalId',
      summary: 'Remove an annotation: it leaves the references at once. Without a revision no later one brings it back',
      access: 'write',
      params: annotationParams,
      query: revisionQuery,
      response: removedResponse,
      async handle({ params, query }) {
        return { json: { removed: await service.annotations.delete(params, query.revision) } };
      },
    }),
    route({
      method: 'put',
      path: '/projects/:project/annotations/:source/:externalId/flag',
      summary: 'Use an annotation as a reference before all others, or no longer',
      access: 'write',
      params: annotationParams,
      body: flagSchema,
      response: flaggedResponse,
      async handle({ params, body }) {
        if (await service.annotations.flag(params, body.flagged)) return { json: { flagged: body.flagged } };
        throw new ProsamError(
          'ANNOTATION_NOT_FOUND',
          `Expected an annotation that counts, found none with source ${JSON.stringify(params.source)} and this id. Check project, source and id.`,
        );
      },
    }),
  ];
}
