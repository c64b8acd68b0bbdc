/** Options of the webhook adapter, and the names of its messages. */
import type { BatchStore, DeliveryStore } from '../../service/ports/batches.ts';
import type { Log } from '../../service/ports/log.ts';
import type { Service } from '../../service/types.ts';
import type { Queue } from '../../service/ports/storage.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import type { CallbackSender, SenderOptions } from './callback-sender.ts';

export interface CallbackOptions extends SenderOptions {
  /** Signs what is sent; without one callbacks are refused. At least 16 characters. */
  secret?: string;
  /** Tries before a delivery is given up. @default 8 */
  attempts?: number;
  /** Before the second try; doubles with each, up to an hour, plus or minus a quarter. @default 2,000 */
  backoffMs?: number;
  /** For an answer. @default 10,000 */
  timeoutMs?: number;
}

export interface WebhookOptions {
  service: Omit<Service, 'errors'>;
  images: ImageSources;
  batches: BatchStore;
  deliveries: DeliveryStore;
  queue: Queue;
  callbacks?: CallbackOptions;
  /** @default silent */
  log?: Log;
  /** Milliseconds since 1970. @default Date.now */
  nowMs?: () => number;
  /** 0 to 1. @default Math.random */
  random?: () => number;
  /** Between two looks at a batch for its event stream. @default 500 */
  pollMs?: number;
}

/** The same with every default in place. */
export interface WebhookParts extends Required<Omit<WebhookOptions, 'callbacks'>> {
  callbacks: Required<Pick<CallbackOptions, 'attempts' | 'backoffMs' | 'timeoutMs'>> & { secret?: string; sender: CallbackSender };
}

/** Names of messages. */
export const BATCH = 'webhook-batch';
export const BATCH_ENDED = 'webhook-batch-ended';
export const DELIVERY = 'webhook-delivery';

/** Ids in messages that only this adapter sends. */
export interface IdMessage {
  id: string;
}
