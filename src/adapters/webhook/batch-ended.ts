/** Tells somebody that a batch ended, finished or cancelled. */
import type { BatchRecord, BatchStore } from '../../service/ports/batches.ts';
import type { Message } from '../../service/ports/storage.ts';
import { requestOf } from './batch-request.ts';
import { addDelivery } from './deliveries.ts';
import { itemOf, jobOf } from './job-response.ts';
import { BATCH_ENDED, type IdMessage, type WebhookParts } from './parts.ts';

/** Results that one callback carries, in characters; the rest is fetched page by page. */
const RESULT_TEXT = 4 * 2 ** 20;
const PAGE = 100;

/** Messages to be sent with the end of a batch, in the same transaction. */
export function endMessages(batch: BatchRecord): Message[] {
  return requestOf(batch).callback ? [{ name: BATCH_ENDED, data: { id: batch.id }, key: batch.id }] : [];
}

export function createEndedHandler({ batches, deliveries, nowMs }: WebhookParts) {
  return async (data: unknown): Promise<void> => {
    const { id } = data as IdMessage;
    const batch = await batches.get(id);
    if (batch === undefined) return;
    const { callback } = requestOf(batch);
    if (callback === undefined) return;
    const job = { ...jobOf(batch), ...(callback.events === 'finished' && (await firstResults(batches, id))) };
    const body = { event: 'job.end', job };
    await addDelivery(deliveries, { id: `${id}-end`, project: batch.project, url: callback.url, body, nowMs: nowMs() });
  };
}

/** next: GET /v1/jobs/{id}?results=true&after= goes on there. */
async function firstResults(batches: BatchStore, id: string): Promise<{ results: unknown[]; next?: number }> {
  const results: unknown[] = [];
  let after = -1;
  let length = 0;
  for (;;) {
    const items = await batches.items(id, { after, limit: PAGE });
    for (const item of items) {
      length += JSON.stringify(item.result ?? null).length;
      if (length > RESULT_TEXT) return { results, next: after };
      results.push(itemOf(item));
      after = item.index;
    }
    if (items.length < PAGE) return { results };
  }
}
