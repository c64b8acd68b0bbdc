/** The thread that computes: ONNX Runtime blocks the thread it runs on, so nothing else lives here. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { Engine } from '../types.ts';
import { openEngine } from './open-engine.ts';
import { perform, sendableError, transferable, type EngineRequest, type FromWorker, type ToWorker } from './worker-protocol.ts';

if (parentPort === null) throw new Error('the inference worker must be started by an engine');
const port = parentPort;
const aborts = new Map<number, AbortController>();
let engine: Engine | undefined;

function send(message: FromWorker, transfer: Iterable<ArrayBuffer> = []): void {
  port.postMessage(message, [...transfer]);
}

/** A third of the time where others want it; ONNX Runtime's threads inherit it from the one that starts them. */
const LOW = 5;

/** Of this thread alone, which only Linux can do. */
function lowerPriority(): void {
  try {
    const [, thread] = /task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    if (thread !== undefined) setPriority(Number(thread), LOW);
  } catch {
    // Not here, or not allowed: it computes all the same.
  }
}

async function open(options: (ToWorker & { kind: 'open' })['options']): Promise<void> {
  try {
    if (options.lowPriority === true) lowerPriority();
    engine = await openEngine(options);
    send({ kind: 'opened', info: engine.info });
  } catch (error) {
    send({ kind: 'refused', error: sendableError(error) });
    port.close();
  }
}

async function call(id: number, request: EngineRequest): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    if (engine === undefined) throw new Error('the engine is not open');
    const value = await perform(engine, request, abort.signal);
    send({ kind: 'result', id, value }, transferable(value));
  } catch (error) {
    send({ kind: 'error', id, error: sendableError(error) });
  } finally {
    aborts.delete(id);
    // Sessions are closed by now, so nothing is running that an exit could cut off.
    if (request.name === 'close') port.close();
  }
}

port.on('message', (message: ToWorker) => {
  if (message.kind === 'open') void open(message.options);
  else if (message.kind === 'call') void call(message.id, message.request);
  else aborts.get(message.id)?.abort();
});
