/** Callbacks that were sent, wait, or were given up. */
import type { DeliveryRecord } from '../../service/ports/batches.ts';
import { ProsamError } from '../../core/common/errors.ts';
import { mayUse } from '../http/guard.ts';
import { route, type Route } from '../http/route.ts';
import { deliveriesResponse, deliveryResponse } from './responses.ts';
import { deliveryMessage } from './deliveries.ts';
import { listedProject } from './page.ts';
import type { WebhookParts } from './parts.ts';
import { deliveriesQuery, idParams } from './schemas.ts';

export function deliveryRoutes({ deliveries, queue }: WebhookParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/deliveries',
      summary: 'Callbacks, newest first; those with state=dead were given up',
      access: 'read',
      query: deliveriesQuery,
      response: deliveriesResponse,
      async handle({ query, caller }) {
        const project = listedProject(caller, query.project);
        const { limit, state } = query;
        const list = await deliveries.list({ limit, ...(state && { state }), ...(project !== undefined && { project }) });
        return { json: { deliveries: list.map(deliveryOf) } };
      },
    }),
    route({
      method: 'post',
      path: '/deliveries/:id/retry',
      summary: 'Try a callback that was given up once more, with as many tries as at first',
      access: 'write',
      params: idParams,
      response: deliveryResponse,
      async handle({ params, caller }) {
        const delivery = await deliveries.get(params.id);
        if (delivery === undefined) throw new ProsamError('DELIVERY_NOT_FOUND', 'No delivery has this id. GET /v1/deliveries lists them.');
        mayUse(caller, delivery.project);
        if (delivery.state === 'delivered') {
          throw new ProsamError(
            'REQUEST_INVALID',
            'Expected a delivery that was given up, but this one has arrived. GET /v1/deliveries?state=dead lists them.',
          );
        }
        if (delivery.state === 'dead') await queue.send(deliveryMessage({ id: delivery.id, attempt: 1, again: true }));
        return { status: 202, json: deliveryOf(delivery) };
      },
    }),
  ];
}

/** Delivery as admins see it. Only the host of its address is shown; the rest may be a key. */
function deliveryOf({ id, project, url, state, attempts, createdMs, lastError }: DeliveryRecord) {
  return { id, project, url: `${new URL(url).origin}/...`, state, attempts, createdMs, ...(lastError !== undefined && { lastError }) };
}
