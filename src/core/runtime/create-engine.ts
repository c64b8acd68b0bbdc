/** The engine as callers in Node get it: everything is computed in a worker, the calling thread only waits. */
import { Worker } from 'node:worker_threads';
import { ProsamError } from '../errors.ts';
import { pathOf } from '../image/node-source.ts';
import type { Engine, EngineInfo, PredictOptions } from '../types.ts';
import type { EngineOptions } from './open-engine.ts';
import { receivedError, type EngineRequest, type FromWorker, type ToWorker } from './worker-protocol.ts';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}

/**
 * Opens a model and starts its worker.
 *
 * @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, OPTION_INVALID
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  // Flags of the calling process (--input-type, --test, loaders) are not meant for this thread.
  const worker = new Worker(workerFile(), { execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let ended: Error | undefined;

  const post = (message: ToWorker): void => {
    worker.postMessage(message);
  };
  const end = (reason: Error): void => {
    ended ??= reason;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const settle = (id: number, how: (call: Waiting) => void): void => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (call) how(call);
    // An idle engine keeps no process alive.
    if (waiting.size === 0) worker.unref();
  };

  const info = await new Promise<EngineInfo>((resolve, reject) => {
    const died = (cause?: unknown): void => {
      const reason = new ProsamError('ENGINE_FAILED', 'the inference worker ended unexpectedly. Create a new engine.', { cause });
      reject(reason);
      end(reason);
    };
    worker.on('error', died);
    worker.on('exit', () => died());
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'opened') resolve(message.info);
      else if (message.kind === 'refused') reject(receivedError(message.error));
      else if (message.kind === 'result') settle(message.id, (call) => call.resolve(message.value));
      else settle(message.id, (call) => call.reject(receivedError(message.error)));
    });
    post({ kind: 'open', options: { ...options } });
  });
  worker.unref();

  const ask = (request: EngineRequest, signal?: AbortSignal): Promise<unknown> => {
    signal?.throwIfAborted();
    if (ended) throw ended;
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        post({ kind: 'abort', id });
        settle(id, (call) => call.reject(signal?.reason as Error));
      };
      waiting.set(id, {
        resolve(value) {
          signal?.removeEventListener('abort', giveUp);
          resolve(value);
        },
        reject(reason) {
          signal?.removeEventListener('abort', giveUp);
          reject(reason);
        },
      });
      signal?.addEventListener('abort', giveUp, { once: true });
      worker.ref();
      post({ kind: 'call', id, request: plain(request) });
    });
  };
  const withoutSignal = ({ signal, ...rest }: PredictOptions) => ({ signal, rest });

  return {
    info,
    async embed(image, { signal } = {}) {
      return (await ask({ name: 'embed', image }, signal)) as Awaited<ReturnType<Engine['embed']>>;
    },
    async predict(target, references, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'predict', target, references, options: rest }, signal)) as Awaited<ReturnType<Engine['predict']>>;
    },
    async refine(image, prompts, { signal } = {}) {
      return (await ask({ name: 'refine', image, prompts }, signal)) as Awaited<ReturnType<Engine['refine']>>;
    },
    async referenceMask(reference, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'referenceMask', reference, options: rest }, signal)) as Awaited<ReturnType<Engine['referenceMask']>>;
    },
    async selfCheck(references, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'selfCheck', references, options: rest }, signal)) as Awaited<ReturnType<Engine['selfCheck']>>;
    },
    async describe(reference, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'describe', reference, options: rest }, signal)) as Float32Array;
    },
    async loadPromptEncoder(id, file) {
      await ask({ name: 'loadPromptEncoder', id, file });
    },
    async unloadPromptEncoder(id) {
      await ask({ name: 'unloadPromptEncoder', id });
    },
    async close() {
      if (ended) return;
      const closing = ask({ name: 'close' });
      ended = new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.');
      await closing;
    },
  };
}

/** Beside this file: as source, or as one of the two builds. */
function workerFile(): URL {
  const extension = /\.(ts|cjs|js)$/.exec(import.meta.url)?.[0] ?? '.js';
  return new URL(`./inference-worker${extension}`, import.meta.url);
}

/** URLs do not survive the crossing; paths do. */
function plain<T>(value: T): T {
  if (value instanceof URL) return pathOf(value) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])) as T;
}
