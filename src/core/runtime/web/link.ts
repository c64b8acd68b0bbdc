/** One worker of a page: opened, asked, and given up when it fails. */
import type { LoadProgress } from '../../checkpoint/web/fetch-file.ts';
import { ProsamError } from '../../common/errors.ts';
import type { WorkerLike } from '../../common/web-globals.ts';
import type { FromWebWorker, ToWebWorker, WebEngineInfo, WebOpenOptions } from './protocol.ts';
import { receivedError, type EngineRequest } from '../worker/protocol.ts';

export interface WebLink {
  info: WebEngineInfo;
  /** True once the worker is of no more use. */
  readonly broken: boolean;
  call(request: EngineRequest, signal?: AbortSignal): Promise<unknown>;
  /** Waits for running calls. */
  close(): Promise<void>;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}

export interface LinkOptions {
  open: WebOpenOptions;
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

/** Resolves when the model is open. @throws what opening throws, ENGINE_FAILED, the signal's reason; ENGINE_CRASHED from `call` */
export async function openWebLink(worker: WorkerLike, { open, signal, onProgress }: LinkOptions): Promise<WebLink> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let opened = false;
  let broken = false;
  let closed: (() => void) | undefined;

  const post = (message: ToWebWorker): void => {
    worker.postMessage(message);
  };
  const end = (reason: Error): void => {
    if (broken) return;
    broken = true;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
    closed?.();
  };
  const settle = (id: number, how: (call: Waiting) => void): void => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (call) how(call);
  };

  const info = await new Promise<WebEngineInfo>((resolve, reject) => {
    const fail = (reason: Error): void => {
      end(reason);
      reject(reason);
    };
    const died = (what: string): void =>
      fail(opened ? crashed(what) : new ProsamError('ENGINE_FAILED', `the inference worker failed: ${what}.`));
    const giveUp = (): void => fail(signal?.reason as Error);
    if (signal?.aborted === true) {
      giveUp();
      return;
    }
    signal?.addEventListener('abort', giveUp, { once: true });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // A script that cannot be loaded is an error without words.
      died(event.message ?? 'its script did not load; check that it is served, as JavaScript, from this origin');
    });
    worker.addEventListener('messageerror', () => died('what it sent cannot be read'));
    worker.addEventListener('message', (event) => {
      const message = event.data as FromWebWorker;
      if (message.kind === 'progress') onProgress?.(message.progress);
      else if (message.kind === 'refused') fail(receivedError(message.error));
      else if (message.kind === 'result') settle(message.id, (call) => call.resolve(message.value));
      else if (message.kind === 'error') {
        settle(message.id, (call) => call.reject(receivedError(message.error)));
        if (message.broken) died('a call before this one failed in a way that may have damaged it');
      } else if (message.kind === 'closed') end(new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.'));
      else {
        opened = true;
        signal?.removeEventListener('abort', giveUp);
        resolve(message.info);
      }
    });
    post({ kind: 'open', options: open });
  });

  return {
    info,
    get broken() {
      return broken;
    },
    close() {
      if (broken) return Promise.resolve();
      post({ kind: 'close' });
      return new Promise((resolve) => (closed = resolve));
    },
    call(request, callSignal) {
      if (broken) return Promise.reject(crashed('it ended before it was asked'));
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          post({ kind: 'abort', id });
          settle(id, (call) => call.reject(callSignal?.reason as Error));
        };
        const done =
          <T>(how: (value: T) => void) =>
          (value: T): void => {
            callSignal?.removeEventListener('abort', giveUp);
            how(value);
          };
        waiting.set(id, { resolve: done(resolve), reject: done(reject) });
        callSignal?.addEventListener('abort', giveUp, { once: true });
        try {
          post({ kind: 'call', id, request });
        } catch (cause) {
          const reason = new ProsamError(
            'OPTION_INVALID',
            'expected images and options that can be sent to a worker, got something that cannot.',
            { cause },
          );
          settle(id, (call) => call.reject(reason));
        }
      });
    },
  };
}

/** Error of every call it was answering. */
function crashed(what: string): ProsamError {
  return new ProsamError(
    'ENGINE_CRASHED',
    `expected an answer, but the inference worker failed: ${what}. The next call starts another one: ask again.`,
  );
}
