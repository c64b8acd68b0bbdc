/** The worker that computes for a page. It is started by `createWebEngine`; its script is built as a file of its own. */
import * as z from 'zod';
import { isProsamError } from './core/common/errors.ts';
import { createIdleWork } from './core/runtime/web/idle-work.ts';
import { buffersOf, type FromWebWorker, type ToWebWorker, type WebOpenOptions } from './core/runtime/web/protocol.ts';
import { perform, sendableError, type EngineRequest } from './core/runtime/worker/protocol.ts';
import type { Engine } from './core/engine/types.ts';

interface WorkerScope {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
const aborts = new Map<number, AbortController>();
const idle = createIdleWork();
let engine: Engine | undefined;

function send(message: FromWebWorker, transfer: Iterable<ArrayBuffer> = []): void {
  scope.postMessage(message, [...transfer]);
}

async function open(options: WebOpenOptions): Promise<void> {
  try {
    // Pages with a strict policy forbid compiling text; zod would try to, and the browser would report it. Said before any schema is made.
    z.config({ jitless: true });
    const { openWebEngine } = await import('./core/runtime/web/engine.ts');
    const opened = await openWebEngine(options, (progress) => send({ kind: 'progress', progress }));
    engine = opened.engine;
    send({ kind: 'opened', info: opened.info });
    idle.add(opened.ahead);
  } catch (error) {
    send({ kind: 'refused', error: sendableError(error) });
  }
}

async function call(id: number, request: EngineRequest): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    if (engine === undefined) throw new Error('the engine is not open');
    const value = await perform(engine, request, abort.signal);
    send({ kind: 'result', id, value }, buffersOf(value));
  } catch (error) {
    // Memory that ran out or a device that went away leaves sessions behind that answer nothing any more.
    const broken = !isProsamError(error) && !abort.signal.aborted;
    send({ kind: 'error', id, error: sendableError(error), broken });
  } finally {
    aborts.delete(id);
  }
}

/** The page ends this worker when it hears of it. */
async function close(): Promise<void> {
  idle.stop();
  await engine?.close();
  send({ kind: 'closed' });
}

scope.addEventListener('message', ({ data }) => {
  const message = data as ToWebWorker;
  if (message.kind === 'open') void open(message.options);
  else if (message.kind === 'call') void idle.first(() => call(message.id, message.request));
  else if (message.kind === 'abort') aborts.get(message.id)?.abort();
  else void close();
});
