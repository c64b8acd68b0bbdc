/** Server-sent events read from a response, and a job's events over broken connections. */
import { ProsamClientError } from './client-error.ts';
import { wait, type CallOptions, type Send } from './send.ts';
import type { Job, JobEvent } from './types.ts';

export interface StreamEvent {
  event: string;
  data: string;
  /** Id of this event, or of the last one that had any. */
  id: string;
}

/** No sign of life for so long: the connection is dead. The service sends one every 15 seconds. */
const SILENCE_MS = 60_000;

/** Ends with the stream; what was cut off in the middle of an event is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>, silenceMs = SILENCE_MS): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let fields = { event: '', data: [] as string[] };
  let id = '';
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), silenceMs);
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A carriage return at the end may be the first half of a line break.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (fields.data.length > 0) yield { event: fields.event === '' ? 'message' : fields.event, data: fields.data.join('\n'), id };
          fields = { event: '', data: [] };
          continue;
        }
        const [, name = '', content = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (name === 'data') fields.data.push(content);
        else if (name === 'event') fields.event = content;
        else if (name === 'id') id = content;
      }
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
