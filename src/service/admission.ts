/** The bounded queue in front of the engine: who may compute, who waits, who is told to come back later. */
import { ProsamError } from '../core/common/errors.ts';

export interface AdmissionOptions {
  /** Calls computing at the same time. @default 2 */
  concurrency?: number;
  /** Calls waiting; one more is refused. @default 128 */
  waiting?: number;
  /** Largest share of the waiting places one client may hold, 0..1. @default 0.5 */
  clientShare?: number;
}

export interface AdmissionRequest {
  client: string;
  priority: 'interactive' | 'batch';
  signal?: AbortSignal | undefined;
}

export interface Admission {
  /** waitedMs: in the queue. @throws SERVICE_BUSY, CLIENT_BUSY, SERVICE_CLOSING, the signal's reason */
  run<T>(request: AdmissionRequest, work: (waitedMs: number) => Promise<T>): Promise<T>;
  state(): { running: number; waiting: number; limit: number };
  /** Refuses what waits and what comes; resolves when nothing runs any more. */
  close(): Promise<void>;
}

interface Place {
  client: string;
  start: () => void;
  refuse: (reason: Error) => void;
}

const FIRST_GUESS_MS = 200;
/** Weight of the newest call in the running average. */
const FOLLOW = 0.1;

export function createAdmission({ concurrency = 2, waiting: limit = 128, clientShare = 0.5 }: AdmissionOptions = {}): Admission {
  const queues: Record<AdmissionRequest['priority'], Set<Place>> = { interactive: new Set(), batch: new Set() };
  const perClient = new Map<string, number>();
  const mostPerClient = Math.max(1, Math.ceil(limit * clientShare));
  let running = 0;
  let averageMs = FIRST_GUESS_MS;
  let closing: (() => void) | undefined;
  let closed = false;

  const waitingCount = (): number => queues.interactive.size + queues.batch.size;
  const leave = (place: Place, priority: AdmissionRequest['priority']): void => {
    if (!queues[priority].delete(place)) return;
    const left = (perClient.get(place.client) ?? 1) - 1;
    if (left > 0) perClient.set(place.client, left);
    else perClient.delete(place.client);
  };
  const refusal = (code: 'SERVICE_BUSY' | 'CLIENT_BUSY', problem: string): ProsamError => {
    const retryAfterMs = Math.max(1000, Math.ceil((averageMs * (waitingCount() + 1)) / concurrency));
    return new ProsamError(code, `${problem}. Try again in ${Math.ceil(retryAfterMs / 1000)} s.`, { retryAfterMs });
  };
  const next = (): void => {
    for (const priority of ['interactive', 'batch'] as const) {
      for (const place of queues[priority]) {
        if (running >= concurrency) return;
        leave(place, priority);
        running++;
        place.start();
      }
    }
    if (closed && running === 0) closing?.();
  };
  const turn = ({ client, priority, signal }: AdmissionRequest): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => {
        leave(place, priority);
        reject(signal?.reason as Error);
      };
      const settled = (how: () => void): void => {
        signal?.removeEventListener('abort', giveUp);
        how();
      };
      const place: Place = { client, start: () => settled(resolve), refuse: (reason) => settled(() => reject(reason)) };
      queues[priority].add(place);
      perClient.set(client, (perClient.get(client) ?? 0) + 1);
      signal?.addEventListener('abort', giveUp, { once: true });
      next();
    });

  return {
    async run(request, work) {
      request.signal?.throwIfAborted();
      if (closed)
        throw new ProsamError('SERVICE_CLOSING', 'the service is shutting down. Try again when it is back.', { retryAfterMs: 5000 });
      if (running >= concurrency && waitingCount() >= limit)
        throw refusal('SERVICE_BUSY', `all ${limit} places in front of the engine are taken`);
      if (running >= concurrency && (perClient.get(request.client) ?? 0) >= mostPerClient)
        throw refusal('CLIENT_BUSY', `${request.client} has ${mostPerClient} requests waiting, which is its share of the ${limit} places`);
      const asked = performance.now();
      await turn(request);
      const started = performance.now();
      try {
        return await work(started - asked);
      } finally {
        averageMs += FOLLOW * (performance.now() - started - averageMs);
        running--;
        next();
      }
    },
    state: () => ({ running, waiting: waitingCount(), limit }),
    async close() {
      closed = true;
      const reason = new ProsamError('SERVICE_CLOSING', 'the service is shutting down. Try again when it is back.', { retryAfterMs: 5000 });
      for (const priority of ['interactive', 'batch'] as const) {
        for (const place of [...queues[priority]]) {
          leave(place, priority);
          place.refuse(reason);
        }
      }
      if (running > 0) await new Promise<void>((resolve) => (closing = resolve));
    },
  };
}
