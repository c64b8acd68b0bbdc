/** Server-sent events read from a response, and a job's events over broken connections. */
import { readEventStream, type StreamEvent } from '../core/common/event-stream.ts';
import { wait } from '../core/common/retry.ts';
import { ProsamClientError } from './client-error.ts';
import type { CallOptions, Send } from './send.ts';
import type { Job, JobEvent } from './types/predictions.ts';

/** No sign of life for so long: the connection is dead. The service sends one every 15 seconds. */
const SILENCE_MS = 60_000;

/** Ends with the stream; an event that was cut off is dropped. @throws ProsamClientError with TIMED_OUT, ANSWER_UNREADABLE */
export function readEvents(body: ReadableStream<Uint8Array>, silenceMs = SILENCE_MS): AsyncGenerator<StreamEvent> {
  const tooLarge = (message: string): Error => new ProsamClientError({ code: 'ANSWER_UNREADABLE', message });
  return readEventStream(piecesOf(body, silenceMs), { tooLarge });
}

/** Chunks of the body, each within the time. */
async function* piecesOf(body: ReadableStream<Uint8Array>, silenceMs: number): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), silenceMs);
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProsamClientError({ code: 'TIMED_OUT', message: `Nothing came for ${ms / 1000} s.` })), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const PAUSE_MS = 1000;

/** Until the job ends. A connection that breaks is opened again and goes on after the last event. */
export async function* jobEvents(
  send: Send,
  id: string,
  { signal, tries = 5 }: CallOptions & { tries?: number },
): AsyncGenerator<JobEvent> {
  let last = '';
  for (let broken = 0; ;) {
    const response = await send({
      method: 'GET',
      path: `/v1/jobs/${encodeURIComponent(id)}/events`,
      headers: { accept: 'text/event-stream', ...(last !== '' && { 'last-event-id': last }) },
      repeatable: true,
      timeoutMs: 0,
      ...(signal && { signal }),
    });
    try {
      for await (const { event, data, id: eventId } of readEvents(response.body as ReadableStream<Uint8Array>)) {
        broken = 0;
        last = eventId;
        if (event !== 'progress' && event !== 'end') continue;
        yield { event, job: JSON.parse(data) as Job };
        if (event === 'end') return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (broken >= tries) throw error;
    }
    if (broken++ >= tries) {
      throw new ProsamClientError({
        code: 'NETWORK_FAILED',
        message: `The events of the job broke off ${tries} times. Ask for the job instead.`,
      });
    }
    await wait(PAUSE_MS * broken, signal);
  }
}
