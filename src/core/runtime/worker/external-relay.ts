/**
 * Messages to a system outside, on their way through the process that asks: a worker that computes is deaf for seconds, and one that is
 * stopped would leave behind what it has started.
 */
import { ProsamError } from '../../common/errors.ts';
import type { ExternalTransport } from '../../engine/methods/external/port.ts';
import { receivedError, sendableError, type FromWorker, type ToWorker } from './protocol.ts';

type Asked = Extract<FromWorker, { kind: 'external' | 'externalAbort' }>;
type Answered = Extract<ToWorker, { kind: 'externalAnswer' | 'externalError' }>;

export interface WorkerRelay {
  transport: ExternalTransport;
  receive(message: Answered): void;
}

/** The worker's end. */
export function createWorkerRelay(send: (message: Asked) => void): WorkerRelay {
  const waiting = new Map<number, { resolve: (answer: Uint8Array) => void; reject: (reason: Error) => void }>();
  let last = 0;
  return {
    transport: {
      exchange: (message, signal) =>
        new Promise((resolve, reject) => {
          signal?.throwIfAborted();
          const ask = ++last;
          const giveUp = (): void => {
            waiting.delete(ask);
            send({ kind: 'externalAbort', ask });
            reject(signal?.reason as Error);
          };
          signal?.addEventListener('abort', giveUp, { once: true });
          const over = (): void => signal?.removeEventListener('abort', giveUp);
          waiting.set(ask, {
            resolve(answer) {
              over();
              resolve(answer);
            },
            reject(reason) {
              over();
              reject(reason);
            },
          });
          send({ kind: 'external', ask, message });
        }),
      // What is open belongs to the other end.
      close: () => Promise.resolve(),
    },
    receive(message) {
      const asked = waiting.get(message.ask);
      waiting.delete(message.ask);
      if (message.kind === 'externalAnswer') asked?.resolve(message.answer);
      else asked?.reject(receivedError(message.error));
    },
  };
}

export interface ParentRelay {
  /** Messages of the worker that have no answer yet. */
  readonly open: number;
  receive(message: Asked): void;
  /** The worker is gone: nobody waits for the answers. */
  stop(): void;
}

/** The end of the process that asks, for one worker. onAnswered: called before an answer is sent. */
export function createParentRelay(
  transport: ExternalTransport | undefined,
  { send, onAnswered }: { send: (message: Answered) => void; onAnswered: () => void },
): ParentRelay {
  const running = new Map<number, AbortController>();
  const answer = async (ask: number, message: Uint8Array, { signal }: AbortController): Promise<Answered> => {
    try {
      if (transport === undefined)
        throw new ProsamError('METHOD_UNAVAILABLE', 'expected an engine with a system outside, got one without.');
      return { kind: 'externalAnswer', ask, answer: await transport.exchange(message, signal) };
    } catch (error) {
      return { kind: 'externalError', ask, error: sendableError(error) };
    }
  };
  return {
    get open() {
      return running.size;
    },
    receive(message) {
      const { ask } = message;
      if (message.kind === 'externalAbort') {
        running.get(ask)?.abort(new Error('nobody waits for it'));
        running.delete(ask);
        return;
      }
      const abort = new AbortController();
      running.set(ask, abort);
      void answer(ask, message.message, abort).then((answered) => {
        if (!running.delete(ask)) return;
        onAnswered();
        send(answered);
      });
    },
    stop() {
      for (const abort of running.values()) abort.abort(new Error('the worker is gone'));
      running.clear();
    },
  };
}
