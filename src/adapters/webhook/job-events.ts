/** A job's progress as it happens, for whoever listens. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BatchRecord } from '../../service/ports/batches.ts';
import type { ServerEvent } from '../http/route.ts';
import { jobOf } from './job-response.ts';

export interface JobEventOptions {
  /** Id of the last event somebody saw before the connection broke; -1 for none. */
  seen: number;
  pollMs: number;
  signal: AbortSignal;
}

/** An event's id is the number of images settled by then, so that nothing is told twice after a break. Any process may do the work: the store is asked. */
export async function* jobEvents(
  first: BatchRecord,
  read: (id: string) => Promise<BatchRecord | undefined>,
  { seen, pollMs, signal }: JobEventOptions,
): AsyncGenerator<ServerEvent> {
  let told = seen;
  let batch: BatchRecord | undefined = first;
  while (batch !== undefined && !signal.aborted) {
    const settled = batch.done + batch.failed;
    if (settled > told) {
      told = settled;
      yield { event: 'progress', data: jobOf(batch), id: String(settled) };
    }
    if (batch.endedMs !== undefined) {
      yield { event: 'end', data: jobOf(batch), id: String(settled) };
      return;
    }
    await pause(pollMs, undefined, { signal }).catch(() => undefined);
    batch = await read(first.id);
  }
}
