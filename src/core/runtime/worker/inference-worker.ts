/** The process that computes: ONNX Runtime blocks the thread it runs on, so nothing else lives here. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Socket } from 'node:net';
import type { Engine } from '../../engine/types.ts';
import { openEngine } from '../node/open-engine.ts';
import { createWorkerRelay } from './external-relay.ts';
import { endWithParent } from './parent-watch.ts';
import type { Watch } from './watched-runtime.ts';
import { createWorkerLink } from './ipc-channel.ts';
import { perform, sendableError, type FromWorker, type ToWorker } from './protocol.ts';

/** The pipe to the process that asks. */
const PIPE = 3;

/** Ctrl-C reaches every process of a terminal; when this one ends is for the one that asks to say. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const link = createWorkerLink<FromWorker>(new Socket({ fd: PIPE, readable: true, writable: true }), {
  onMessage: (message) => receive(message as ToWorker),
  // Nobody is left to compute for. What is half done is worth nothing, and ending in an orderly way could take long.
  onEnd: () => process.kill(process.pid, 'SIGKILL'),
});
const aborts = new Map<number, AbortController>();
/** Id of the call that the current work belongs to. */
const calls = new AsyncLocalStorage<number>();
let engine: Engine | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** One network at a time, as they block each other anyway, and never before results and the announcement have left the process. */
const watch: Watch = (work) => {
  const id = calls.getStore();
  const run = async () => {
    await link.flushed();
    link.send({ kind: 'running', id });
    try {
      return await work();
    } finally {
      link.send({ kind: 'ran' });
    }
  };
  const result = turn.then(run);
  const over = (): void => undefined; // what it gave is not held until the next
  turn = result.then(over, over);
  return result;
};

const relay = createWorkerRelay((message) => link.send(message));

async function open({ options, external, promptEncoders, parent }: ToWorker & { kind: 'open' }): Promise<void> {
  try {
    const opened = await openEngine(options, watch, external ? relay.transport : undefined);
    for (const { id, file } of promptEncoders) await opened.loadPromptEncoder(id, file);
    engine = opened;
    link.send({ kind: 'opened', info: opened.info, residentBytes: process.memoryUsage.rss() });
    setImmediate(endWithParent, parent);
  } catch (error) {
    link.send({ kind: 'refused', error: sendableError(error) });
  }
}

async function call({ id, request, folder }: ToWorker & { kind: 'call' }): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  const residentBytes = (): number => process.memoryUsage.rss();
  try {
    if (engine === undefined) throw new Error('the engine is not open');
    if (folder !== undefined) enter(folder);
    const value = await perform(engine, request, abort.signal);
    link.send({ kind: 'result', id, value, residentBytes: residentBytes() });
  } catch (error) {
    link.send({ kind: 'error', id, error: sendableError(error), residentBytes: residentBytes() });
  } finally {
    aborts.delete(id);
  }
}

function enter(folder: string): void {
  try {
    if (folder !== process.cwd()) process.chdir(folder);
  } catch {
    // Gone by now: a relative path will not be found, and nothing else cares.
  }
}

async function close(): Promise<void> {
  await engine?.close().catch((error: unknown) => console.error(error));
  link.send({ kind: 'closed' });
}

function receive(message: ToWorker): void {
  if (message.kind === 'open') void open(message);
  else if (message.kind === 'call') calls.run(message.id, () => void call(message));
  else if (message.kind === 'abort') aborts.get(message.id)?.abort();
  else if (message.kind === 'externalAnswer' || message.kind === 'externalError') relay.receive(message);
  else void close();
}
