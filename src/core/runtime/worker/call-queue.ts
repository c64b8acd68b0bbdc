/** The calls an engine has not answered yet: which may go to the worker, and what becomes of each when that worker dies. */
import type { EngineRequest } from './protocol.ts';

export interface WaitingCall {
  readonly id: number;
  readonly request: EngineRequest;
  /** The present worker has it. */
  sent: boolean;
  /** Workers that died while they had it. */
  losses: number;
}

export interface WaitingCalls {
  /** Sent calls whose answer is awaited. */
  readonly sent: number;
  some(condition: (request: EngineRequest) => boolean): boolean;
  /** Rejects with the signal's reason when it aborts; onAbort is called then where the worker had the call. */
  add(id: number, request: EngineRequest, options: { signal: AbortSignal | undefined; onAbort: () => void }): Promise<unknown>;
  /** -> the request, where it was still waiting */
  resolve(id: number, value: unknown): EngineRequest | undefined;
  reject(id: number, reason: Error): void;
  rejectAll(reason: Error): void;
  /** Those that may be sent now, in the order they came. */
  sendable(): WaitingCall[];
  /**
   * The worker died while it computed for the call `running`. That one is refused, and those that died with several workers;
   * everything else is to be sent again.
   */
  lost(running: number | undefined, refusal: (call: WaitingCall) => Error): void;
  /** Resolves once, when nothing waits any more. */
  idle(): Promise<void>;
}

/** A call goes to so many workers after the first; then it is taken for what kills them. */
export const MAX_REPEATS = 2;

export function createWaitingCalls(): WaitingCalls {
  interface Entry extends WaitingCall {
    resolve: (value: unknown) => void;
    reject: (reason: Error) => void;
  }
  const entries = new Map<number, Entry>();
  let onIdle: (() => void)[] = [];
  let letGo: (() => void) | undefined;

  const settle = (id: number, how: (entry: Entry) => void): void => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    how(entry);
    if (entries.size > 0) return;
    letGo?.();
    letGo = undefined;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  };
  const reject = (id: number, reason: Error): void => settle(id, (entry) => entry.reject(reason));

  return {
    get sent() {
      return [...entries.values()].filter(({ sent }) => sent).length;
    },
    some: (condition) => [...entries.values()].some(({ request }) => condition(request)),
    add: (id, request, { signal, onAbort }) =>
      new Promise((resolve, rejectCall) => {
        const giveUp = (): void => {
          const wasSent = entries.get(id)?.sent === true;
          reject(id, signal?.reason as Error);
          if (wasSent) onAbort();
        };
        const settled = (): void => signal?.removeEventListener('abort', giveUp);
        entries.set(id, {
          ...{ id, request, sent: false, losses: 0 },
          resolve(value) {
            settled();
            resolve(value);
          },
          reject(reason) {
            settled();
            rejectCall(reason);
          },
        });
        signal?.addEventListener('abort', giveUp, { once: true });
        letGo ??= keepAwake();
      }),
    resolve(id, value) {
      const request = entries.get(id)?.request;
      settle(id, (entry) => entry.resolve(value));
      return request;
    },
    reject,
    rejectAll(reason) {
      for (const id of [...entries.keys()]) reject(id, reason);
    },
    sendable() {
      const all = [...entries.values()];
      const unsent = all.filter(({ sent }) => !sent);
      // Among calls that were with a dead worker may be the one that killed it: one at a time they show which.
      if (!all.some(({ losses }) => losses > 0)) return unsent;
      return unsent.length < all.length ? [] : unsent.slice(0, 1);
    },
    lost(running, refusal) {
      for (const entry of [...entries.values()]) {
        if (!entry.sent) continue;
        entry.sent = false;
        entry.losses++;
        if (entry.id === running || entry.losses > MAX_REPEATS) reject(entry.id, refusal(entry));
      }
    },
    idle: () => (entries.size === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
  };
}

/** Worker and pipe keep no process alive; somebody who waits for an answer does. -> ends it */
function keepAwake(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}

/** The same for other things that are waited for. */
export async function whileAwake<T>(work: Promise<T>): Promise<T> {
  const letGo = keepAwake();
  try {
    return await work;
  } finally {
    letGo();
  }
}
