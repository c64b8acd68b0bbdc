/** Works batches off, a slice at a time: whatever is settled stays settled when the process dies in between. */
import type { BatchItem, BatchRecord } from '../../service/ports/batches.ts';
import { backoffMs, wait } from '../../core/common/retry.ts';
import { transienceOf } from '../../core/common/transient-errors.ts';
import { isOwnError, messageOf, ProsamError, type ErrorCode } from '../../core/common/errors.ts';
import type { WorkContext } from '../../service/ports/storage.ts';
import type { ServicePredictRequest } from '../../service/types.ts';
import { endMessages } from './batch-ended.ts';
import { requestOf, type StoredImage } from './batch-request.ts';
import { addDelivery } from './deliveries.ts';
import { itemOf } from './job-response.ts';
import { BATCH, type IdMessage, type WebhookParts } from './parts.ts';
import { readAs } from '../http/images/image-input.ts';
import { withoutReading, writeResponse } from './predict-routes.ts';

/** Images of one batch in front of the engine together: one computes while the next is read. */
const LANES = 2;
/** A message is handled for so long at most, then another goes on: a dead process holds a batch up no longer than that. */
const SLICE_MS = 10_000;
const ITEM_TIMEOUT_MS = 300_000;
/** From this attempt at a message on its images are tried one at a time: the first that waits is then the one that ends the process. */
const CAREFUL_ATTEMPT = 8;
/** At this attempt everything that is left of the batch fails, and the batch ends. */
export const LAST_ATTEMPT = 12;
const PAGE = 20;

/** May or may not be over soon, like a worker that crashed: tried a few times. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set(['ENGINE_FAILED', 'URL_FAILED']);
const DOUBTFUL_TRIES = 3;

export function createBatchHandler(parts: WebhookParts) {
  const { batches, queue, nowMs } = parts;
  return async (data: unknown, { signal, attempt }: WorkContext): Promise<void> => {
    const { id, givenUp = false } = data as BatchMessage;
    const batch = await batches.get(id);
    if (batch === undefined || batch.endedMs !== undefined) return;
    const until = performance.now() + SLICE_MS;
    const over = new AbortController();
    const stopped = AbortSignal.any([signal, over.signal]);
    const mayGoOn = (): boolean => !stopped.aborted && performance.now() < until;
    let latest = batch;
    const items = waitingItems(parts, id, mayGoOn);
    const isOver = givenUp || attempt >= LAST_ATTEMPT;
    let isSuspect = attempt > CAREFUL_ATTEMPT;
    const lane = async (): Promise<void> => {
      for await (const item of items) {
        const isHopeless = isOver || isSuspect;
        isSuspect = false;
        const outcome = await (isHopeless ? settle(parts, latest, item, HOPELESS) : settleOne(parts, latest, item, { stopped, mayGoOn }));
        if (outcome !== undefined) latest = outcome;
        if (latest.endedMs !== undefined) over.abort();
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: attempt < CAREFUL_ATTEMPT ? LANES : 1 }, lane));
    const broken = lanes.find((one) => one.status === 'rejected');
    if (broken) throw broken.reason;
    // The queue hands the message to another process then.
    if (signal.aborted) throw new ProsamError('SERVICE_CLOSING', 'Stopped in the middle of a batch.');
    // Another key than this message's own, which may still count as waiting.
    const next: BatchMessage = { id, ...(isOver && { givenUp: true }) };
    if (latest.endedMs === undefined) await queue.send({ name: BATCH, data: next, key: `${id}/${nowMs()}`, delayMs: 50 });
  };
}

interface BatchMessage extends IdMessage {
  /** True where everything that is left fails. */
  givenUp?: boolean;
}

const HOPELESS = failed(
  'ENGINE_FAILED',
  `Given up: ${CAREFUL_ATTEMPT} tries ended the process, or their result could not be stored. The log of the service tells more.`,
);

/** Items nobody has settled yet, each handed out once. Several lanes may take from it at the same time. */
function waitingItems({ batches }: WebhookParts, id: string, mayGoOn: () => boolean): AsyncIterable<BatchItem> {
  let after = -1;
  let page: BatchItem[] = [];
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    page = await batches.items(id, { state: 'waiting', after, limit: PAGE });
    after = page.at(-1)?.index ?? Infinity;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        while (mayGoOn()) {
          const value = page.shift();
          if (value !== undefined) return { value, done: false };
          if (after === Infinity) break;
          await (loading ??= load().finally(() => (loading = undefined)));
        }
        return { value: undefined, done: true };
      },
    }),
  };
}

interface Turn {
  stopped: AbortSignal;
  mayGoOn: () => boolean;
}

/** undefined: the item waits on. */
async function settleOne(parts: WebhookParts, batch: BatchRecord, item: BatchItem, turn: Turn): Promise<BatchRecord | undefined> {
  const settled = await resultOf(parts, batch, item, turn);
  return settled && settle(parts, batch, item, settled);
}

async function settle(
  { batches, deliveries, log, nowMs }: WebhookParts,
  batch: BatchRecord,
  item: BatchItem,
  settled: Settled,
): Promise<BatchRecord> {
  const request = requestOf(batch);
  if (settled.state === 'failed') log.warn({ batch: batch.id, index: item.index, code: settled.result.code }, 'an image of a batch failed');
  // Before the item is settled: dying in between costs a repetition, the other way round it would cost the message.
  if (request.callback?.events === 'each') {
    const body = { event: 'job.item', job: batch.id, project: batch.project, item: itemOf({ ...item, ...settled }) };
    await addDelivery(deliveries, {
      id: `${batch.id}-${item.index}`,
      project: batch.project,
      url: request.callback.url,
      body,
      nowMs: nowMs(),
    });
  }
  return batches.settle(batch.id, item.index, { ...settled, nowMs: nowMs() }, endMessages(batch));
}

type Settled = { state: 'done'; result: unknown } | { state: 'failed'; result: { code: string; message: string } };

async function resultOf(
  parts: WebhookParts,
  batch: BatchRecord,
  item: BatchItem,
  { stopped, mayGoOn }: Turn,
): Promise<Settled | undefined> {
  const { log, random } = parts;
  for (let tries = 1; ; tries++) {
    const late = AbortSignal.timeout(ITEM_TIMEOUT_MS);
    try {
      return { state: 'done', result: await predictItem(parts, batch, item, AbortSignal.any([stopped, late])) };
    } catch (error) {
      if (stopped.aborted) return undefined;
      if (late.aborted) return failed('DEADLINE_EXCEEDED', `The image took longer than ${ITEM_TIMEOUT_MS / 1000} s.`);
      if (!isOwnError(error)) {
        log.error({ batch: batch.id, index: item.index, error: messageOf(error) }, 'an image of a batch met a defect');
        return failed('ENGINE_FAILED', 'Something unexpected happened; the log of the service tells more.');
      }
      const transience = transienceOf(error.code);
      const isDoubtful = transience === 'crashed' || DOUBTFUL.has(error.code);
      const again = isDoubtful ? tries < DOUBTFUL_TRIES : transience !== undefined;
      // Messages of errors inside the service may name its files.
      if (!again)
        return failed(
          error.code,
          error.status < 500 || error.code === 'URL_FAILED' ? error.message : 'It failed inside the service; its log tells more.',
        );
      const waitMs = error.retryAfterMs ?? backoffMs(tries, { firstMs: 500, maxMs: 4000, random });
      await wait(waitMs, stopped).catch(() => undefined);
      if (!mayGoOn()) return undefined;
    }
  }
}

function failed(code: string, message: string): Settled {
  return { state: 'failed', result: { code, message } };
}

async function predictItem({ service, images }: WebhookParts, batch: BatchRecord, item: BatchItem, signal: AbortSignal) {
  const { labels, options, encoderVersion, client, format, tolerance, holes } = requestOf(batch);
  const image = await images.read(readAs(item.input as StoredImage, options ?? {}), { signal });
  const request: ServicePredictRequest = {
    project: batch.project,
    image,
    priority: 'batch',
    ...(labels && { labels }),
    ...(options && { options: withoutReading(options) }),
    ...(encoderVersion !== undefined && { encoderVersion }),
    ...(client !== undefined && { client }),
  };
  return writeResponse(await service.predictions.predict(request, { signal }), { format, tolerance, holes }, signal);
}
