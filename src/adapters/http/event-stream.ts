/** Server-sent events: written as they happen, kept alive in between, ended when nobody listens. */
import type { ServerResponse } from 'node:http';
import type { ServerEvent } from './route.ts';

export interface StreamOptions {
  /** Aborts when the client goes away, at the deadline, and when the service closes. */
  signal: AbortSignal;
  /** Between comments that keep proxies from hanging up. @default 15,000 */
  heartbeatMs?: number;
  /** A client that takes nothing for so long is dropped. @default 60,000 */
  stalledMs?: number;
}

/** Resolves when the stream is over, however it ended. Rejects where the source fails; by then the answer is under way. */
export async function sendEvents(response: ServerResponse, events: AsyncIterable<ServerEvent>, options: StreamOptions): Promise<void> {
  const { signal, heartbeatMs = 15_000, stalledMs = 60_000 } = options;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // Proxies that collect answers would hold every event back.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs);
  const source = events[Symbol.asyncIterator]();
  const over = new Promise<'over'>((resolve) => {
    if (signal.aborted) resolve('over');
    signal.addEventListener('abort', () => resolve('over'), { once: true });
  });
  try {
    for (;;) {
      const next = source.next();
      // After the end nobody waits for it any more, and it may still fail.
      next.catch(() => undefined);
      const result = await Promise.race([next, over]);
      if (result === 'over' || result.done === true) break;
      if (!response.write(frame(result.value)) && !(await drained(response, over, stalledMs))) break;
    }
  } finally {
    clearInterval(heartbeat);
    // Not awaited: a generator that waits for its next event only ends with it.
    void Promise.resolve(source.return?.()).catch(() => undefined);
  }
  // Not where the source failed: a stream that breaks off is not taken for one that is complete.
  response.end();
}

function frame({ event, data, id }: ServerEvent): string {
  const lines = [`event: ${oneLine(event)}`, ...(id === undefined ? [] : [`id: ${oneLine(id)}`]), `data: ${JSON.stringify(data)}`];
  return `${lines.join('\n')}\n\n`;
}

/** A line break would begin another field. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ');
}

/** False where the client stopped reading; its connection is closed then. */
async function drained(response: ServerResponse, over: Promise<'over'>, stalledMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<'stalled'>((resolve) => {
    timer = setTimeout(() => resolve('stalled'), stalledMs);
  });
  const ready = new Promise<'ready'>((resolve) => response.once('drain', () => resolve('ready')));
  const first = await Promise.race([ready, stalled, over]);
  clearTimeout(timer);
  if (first === 'stalled') response.destroy();
  return first === 'ready';
}
