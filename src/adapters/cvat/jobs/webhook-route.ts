/** Route for CVAT's webhooks about jobs: verified, answered at once, processed later. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { route, type Route } from '../../http/route.ts';
import type { Intake } from './job-intake.ts';
import { deletedOf, isDone, startedJobOf, toldJobOf, type StartedJob } from './job-events.ts';
import { checkWebhookHeader, checkWebhookSignature } from './webhook-signature.ts';

export interface WebhookRouteParts extends Pick<Intake, 'take' | 'takeDeleted' | 'changed'> {
  /** Secrets of CVAT's webhooks; without one every webhook is refused. */
  secrets: readonly string[];
  /** Called when work on a job begins. */
  started: (job: StartedJob) => void;
}

/** CVAT's events hold a job or a task, never annotations. */
const MAX_BODY_BYTES = 2 ** 20;

export function webhookRoute({ secrets, take, takeDeleted, changed, started }: WebhookRouteParts): Route {
  return route({
    method: 'post',
    path: '/webhook',
    summary:
      'Takes the webhooks of CVAT: 200 for a ping and what changes nothing, 202 for a job that will be read back, or work that was deleted',
    // The signature says who it is.
    access: 'open',
    rawBody: true,
    maxBodyBytes: MAX_BODY_BYTES,
    errorsInStatusLine: true,
    response: z.object({ taken: z.boolean(), why: z.string().optional() }),
    checkHead: (headers) => void checkWebhookHeader(secrets, headers['x-signature-256']),
    async handle({ rawBody = new Uint8Array(), headers }) {
      checkWebhookSignature(secrets, headers['x-signature-256'], rawBody);
      const body = parsed(rawBody);
      const begun = startedJobOf(body);
      if (begun) started(begun);
      const deleted = deletedOf(body);
      if (deleted) {
        await takeDeleted(deleted);
        return { status: 202, json: { taken: true } };
      }
      const told = toldJobOf(body);
      if (told === undefined || !isDone(told.now)) {
        if (told) await changed(told.job);
        return { json: { taken: false, why: 'nobody is done with a job' } };
      }
      if (await take(told.job)) return { status: 202, json: { taken: true } };
      return { json: { taken: false, why: 'it was taken before' } };
    },
  });
}

/** The bytes that were signed, and nothing written anew from them. */
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new ProsamError(
      'REQUEST_INVALID',
      'Expected JSON, got text that is not. Set the content type of the webhook to application/json.',
    );
  }
}
