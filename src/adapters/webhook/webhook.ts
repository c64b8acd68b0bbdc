/** The generic adapter: any tool that speaks HTTP asks for masks, hands back what people accepted, and is told of results. */
import { ProsamError } from '../../core/common/errors.ts';
import { silentLog } from '../../service/ports/log.ts';
import type { Route } from '../http/route.ts';
import { annotationRoutes } from './annotation-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { createEndedHandler } from './batch-ended.ts';
import { createBatchHandler } from './batch-worker.ts';
import { createCallbackSender } from './callback-sender.ts';
import { createDeliveryHandler } from './deliveries.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { versionRoutes } from './version-routes.ts';
import { BATCH, BATCH_ENDED, DELIVERY, type WebhookOptions, type WebhookParts } from './parts.ts';
import { predictRoutes } from './predict-routes.ts';
import { projectRoutes } from './project-routes.ts';

export interface Webhook {
  /** For the path /v1. */
  routes: readonly Route[];
  /** Starts to work batches off and to send callbacks; resolves to what stops that. Any number of processes may do so. */
  work(): Promise<() => Promise<void>>;
  /** Lets go of connections; workers are stopped before. */
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID for a secret that is too short */
export function webhook(options: WebhookOptions): Webhook {
  const { secret, attempts = 8, backoffMs = 2000, timeoutMs = 10_000, ...reach } = options.callbacks ?? {};
  if (secret !== undefined && secret.length < 16) {
    throw new ProsamError(
      'CONFIG_INVALID',
      `The secret of callbacks: expected at least 16 characters, got ${secret.length}. Make a longer one, at random.`,
    );
  }
  const parts: WebhookParts = {
    log: silentLog,
    nowMs: Date.now,
    random: Math.random,
    pollMs: 500,
    ...options,
    callbacks: { attempts, backoffMs, timeoutMs, sender: createCallbackSender(reach), ...(secret !== undefined && { secret }) },
  };
  const routes = [
    ...predictRoutes(parts),
    ...jobRoutes(parts),
    ...annotationRoutes(parts),
    ...projectRoutes(parts),
    ...versionRoutes(parts),
    ...deliveryRoutes(parts),
  ];
  const work = async (): Promise<() => Promise<void>> => {
    const { queue } = parts;
    const stops = await Promise.all([
      // What is given up here would be left halfway for good; the handlers themselves bring to an end what fails again and again.
      queue.work(BATCH, createBatchHandler(parts), { attempts: Infinity, concurrency: 2 }),
      queue.work(BATCH_ENDED, createEndedHandler(parts), { attempts: Infinity }),
      queue.work(DELIVERY, createDeliveryHandler(parts), { attempts: Infinity, concurrency: 4 }),
    ]);
    return async () => {
      await Promise.all(stops.map((stop) => stop()));
    };
  };
  return { routes, work, close: () => parts.callbacks.sender.close() };
}
