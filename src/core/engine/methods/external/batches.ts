/** Targets that wait while a message is under way go into the next one together, where they share their references. */
import { MAX_MESSAGE_BYTES, sizeOfBatch } from './messages.ts';
import type { ExternalImage, ExternalMask, ExternalReference, ExternalSegmenter } from './port.ts';

/** One target and what to look for in it. */
export interface ExternalRequest {
  label: string;
  references: readonly ExternalReference[];
  /** The same for the same label and references. */
  group: string;
  target: ExternalImage;
}

interface Waiting {
  request: ExternalRequest;
  resolve: (mask: ExternalMask) => void;
  reject: (reason: Error) => void;
  /** Given up by its caller. */
  gone: boolean;
  onGone: () => void;
}

/** One message at a time: a system with one device computes no faster for being asked twice at once. */
export function createBatches(segmenter: ExternalSegmenter): (request: ExternalRequest, signal?: AbortSignal) => Promise<ExternalMask> {
  let queue: Waiting[] = [];
  let busy = false;

  const take = (maxBatch: number): Waiting[] => {
    const [first] = queue;
    if (first === undefined) return [];
    const { references, group } = first.request;
    const batch: Waiting[] = [];
    let bytes = sizeOfBatch({ references, targets: [] });
    for (const waiting of queue) {
      if (batch.length === maxBatch) break;
      if (waiting.request.group !== group) continue;
      bytes += waiting.request.target.rgb.length;
      if (batch.length > 0 && bytes > MAX_MESSAGE_BYTES) break;
      batch.push(waiting);
    }
    queue = queue.filter((waiting) => !batch.includes(waiting));
    return batch;
  };

  const send = async (batch: readonly Waiting[]): Promise<void> => {
    const [{ request }] = batch as [Waiting];
    const all = new AbortController();
    // The message is given up once nobody waits for any of its masks.
    const onGone = (): void => {
      if (batch.every(({ gone }) => gone)) all.abort(new Error('nobody waits for it'));
    };
    for (const waiting of batch) waiting.onGone = onGone;
    try {
      const targets = batch.map((waiting) => waiting.request.target);
      const results = await segmenter.segment({ label: request.label, references: request.references, targets }, all.signal);
      batch.forEach(({ resolve, reject }, i) => {
        const result = results[i] as ExternalMask | Error;
        if (result instanceof Error) reject(result);
        else resolve(result);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error as Error);
    }
  };

  const run = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (queue.length > 0) {
      const described = await segmenter.describe().catch((error: unknown) => error as Error);
      if (described instanceof Error) {
        for (const { reject } of queue.splice(0)) reject(described);
        continue;
      }
      const batch = take(described.maxBatch);
      if (batch.length > 0) await send(batch);
    }
    busy = false;
  };

  return (request, signal) => {
    signal?.throwIfAborted();
    return new Promise<ExternalMask>((resolve, reject) => {
      const giveUp = (): void => {
        waiting.gone = true;
        queue = queue.filter((other) => other !== waiting);
        reject(signal?.reason as Error);
        waiting.onGone();
      };
      const settled = (): void => signal?.removeEventListener('abort', giveUp);
      const waiting: Waiting = {
        request,
        resolve(mask) {
          settled();
          resolve(mask);
        },
        reject(reason) {
          settled();
          reject(reason);
        },
        gone: false,
        onGone: () => undefined,
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      queue.push(waiting);
      void run();
    });
  };
}
