/** Results pushed to addresses of users: signed, tried again with growing pauses, kept where nobody takes them. */
import type { DeliveryRecord, DeliveryStore } from '../../service/ports/batches.ts';
import { backoffMs } from '../../core/common/retry.ts';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import type { Message } from '../../service/ports/storage.ts';
import { SIGNATURE_HEADER, signBody } from '../http/signature.ts';
import { DELIVERY, type IdMessage, type WebhookParts } from './parts.ts';

/** Receivers do everything once per value of this header. */
const DELIVERY_HEADER = 'x-prosam-delivery';

/** Longest wait before the next attempt. */
const MAX_BACKOFF_MS = 3_600_000;

interface DeliveryMessage extends IdMessage {
  /** From 1 to the most tries; counts anew when somebody asks for another series. */
  attempt: number;
  /** Given up before, wanted again. */
  again?: boolean;
}

/** Once per id, however often it is asked for. */
export async function addDelivery(
  deliveries: DeliveryStore,
  { id, project, url, body, nowMs }: { id: string; project: string; url: string; body: unknown; nowMs: number },
): Promise<void> {
  if ((await deliveries.get(id)) !== undefined) return;
  await deliveries.add({ id, project, url, body, createdMs: nowMs }, deliveryMessage({ id, attempt: 1 }));
}

export function deliveryMessage(data: DeliveryMessage, delayMs?: number): Message {
  return { name: DELIVERY, data, key: `${data.id}/${data.attempt}`, ...(delayMs !== undefined && { delayMs }) };
}

export function createDeliveryHandler(parts: WebhookParts) {
  const { deliveries, callbacks, log } = parts;
  return async (data: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
    const message = data as DeliveryMessage;
    const delivery = await deliveries.get(message.id);
    if (delivery === undefined || delivery.state === 'delivered' || (delivery.state === 'dead' && message.again !== true)) return;
    const problem = await tryOnce(parts, delivery, signal);
    // Stopped in the middle: nobody knows whether it arrived, so it is tried again and counts once.
    if (signal.aborted && problem !== undefined) throw new ProsamError('SERVICE_CLOSING', 'Stopped while a callback was under way.');
    const { id, project } = delivery;
    const { attempt } = message;
    if (problem === undefined) {
      log.info({ delivery: id, project, attempt }, 'callback delivered');
      await deliveries.attempted(id, { state: 'delivered' }, []);
      return;
    }
    const last = attempt >= callbacks.attempts || problem.final;
    log.warn({ delivery: id, project, attempt, problem: problem.logged, ...(last && { dead: true }) }, 'callback not delivered');
    const backoff = { firstMs: callbacks.backoffMs, maxMs: MAX_BACKOFF_MS, random: parts.random };
    const next = last ? [] : [deliveryMessage({ id, attempt: attempt + 1 }, Math.round(backoffMs(attempt, backoff)))];
    await deliveries.attempted(id, { state: last ? 'dead' : 'waiting', lastError: problem.text }, next);
  };
}

/** Addresses may hold keys: what is logged names none. */
interface Problem {
  text: string;
  logged: string;
  /** No further try will help. */
  final: boolean;
}

/** undefined: somebody took it. */
async function tryOnce(parts: WebhookParts, delivery: DeliveryRecord, stopped: AbortSignal): Promise<Problem | undefined> {
  const { callbacks, nowMs } = parts;
  const { sender, secret, timeoutMs } = callbacks;
  if (secret === undefined) return problemOf('no secret is configured to sign with', false);
  const body = JSON.stringify(delivery.body);
  const headers = {
    'content-type': 'application/json',
    [DELIVERY_HEADER]: delivery.id,
    // Signed anew at each try: a signature is good for a few minutes only.
    [SIGNATURE_HEADER]: signBody(secret, body, nowMs()),
  };
  try {
    const status = await sender.post(delivery.url, { headers, body, signal: AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]) });
    // Gone: the receiver says that it will never take any.
    return status >= 200 && status < 300 ? undefined : problemOf(`the address answered ${status}`, status === 410);
  } catch (error) {
    if (!isProsamError(error)) return problemOf(messageOf(error), false);
    return { text: `${error.code}: ${error.message}`, logged: error.code, final: error.code === 'URL_REFUSED' };
  }
}

function problemOf(text: string, final: boolean): Problem {
  return { text, logged: text, final };
}
