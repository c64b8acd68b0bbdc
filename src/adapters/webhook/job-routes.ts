/** Jobs: masks in many images, computed in the background; read, followed or cancelled by id. */
import { randomUUID } from 'node:crypto';
import type { BatchRecord } from '../../service/ports/batches.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { mayUse } from '../http/guard.ts';
import { route, type Caller, type Route } from '../http/route.ts';
import { jobResponse } from './responses.ts';
import { endMessages } from './batch-ended.ts';
import { storedImages, storedRequest } from './batch-request.ts';
import { itemOf, jobOf } from './job-response.ts';
import { jobEvents } from './job-events.ts';
import { pageOf } from './page.ts';
import { BATCH, type WebhookParts } from './parts.ts';
import { clientOf, MAX_BODY_BYTES } from './predict-routes.ts';
import { jobSchema, idParams, jobQuery } from './schemas.ts';

/** Up to a hundred images are made ready before the answer. */
const ACCEPT_DEADLINE_MS = 600_000;

export function jobRoutes(parts: WebhookParts): Route[] {
  const { batches, callbacks, nowMs, pollMs } = parts;
  const owned = async (id: string, caller: Caller): Promise<BatchRecord> => {
    const batch = await batches.get(id);
    if (batch === undefined) throw new ProsamError('BATCH_NOT_FOUND', 'No job has this id. Use the one that POST /v1/jobs responded with.');
    mayUse(caller, batch.project);
    return batch;
  };
  return [
    route({
      method: 'post',
      path: '/jobs',
      summary: 'Masks in many images: answers at once with a job',
      access: 'write',
      body: jobSchema,
      multipart: true,
      maxBodyBytes: MAX_BODY_BYTES,
      deadlineMs: ACCEPT_DEADLINE_MS,
      response: jobResponse,
      async handle({ body, files, caller, signal }) {
        if (body.callback) {
          if (callbacks.secret === undefined) {
            throw new ProsamError(
              'REQUEST_INVALID',
              'callback: this service has no secret to sign with, so it sends none. Configure one, or ask GET /v1/jobs/{id}.',
            );
          }
          callbacks.sender.check(body.callback.url);
        }
        const client = clientOf(caller);
        const inputs = await storedImages(body, parts, { files, signal, ...client });
        const request = { ...storedRequest(body), ...client };
        const id = randomUUID();
        await batches.create({ id, project: body.project, createdMs: nowMs(), request }, inputs, { name: BATCH, data: { id }, key: id });
        return { status: 202, json: jobOf(await owned(id, caller)) };
      },
    }),
    route({
      method: 'get',
      path: '/jobs/:id',
      summary: 'How far a job is, and its results',
      access: 'read',
      params: idParams,
      query: jobQuery,
      response: jobResponse,
      async handle({ params, query, caller }) {
        const job = jobOf(await owned(params.id, caller));
        if (query.results === 'false') return { json: job };
        const items = await batches.items(params.id, { after: query.after, limit: query.limit });
        return { json: { ...job, results: items.map(itemOf), ...pageOf(items, query.limit, (last) => last.index) } };
      },
    }),
    route({
      method: 'get',
      path: '/jobs/:id/events',
      summary: 'Progress of a job as server-sent events: "progress" as images are done, "end" last',
      access: 'read',
      params: idParams,
      deadlineMs: 0,
      responseTypes: ['text/event-stream'],
      async handle({ params, caller, headers, signal }) {
        const first = await owned(params.id, caller);
        const lastEventId = headers['last-event-id'];
        const seen = typeof lastEventId === 'string' && /^\d{1,9}$/.test(lastEventId) ? Number(lastEventId) : -1;
        return { events: jobEvents(first, (id) => batches.get(id), { seen, pollMs, signal }) };
      },
    }),
    route({
      method: 'delete',
      path: '/jobs/:id',
      summary: 'Cancel a job: what is done stays, the rest is given up',
      access: 'write',
      params: idParams,
      response: jobResponse,
      async handle({ params, caller }) {
        const before = await owned(params.id, caller);
        return { json: jobOf((await batches.cancel(params.id, nowMs(), endMessages(before))) ?? before) };
      },
    }),
  ];
}
