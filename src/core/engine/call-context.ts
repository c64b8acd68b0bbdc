/** State of one call on its way through the stages: its signal, and the time each stage took. */
import type { MethodContext } from './methods/method.ts';
import type { StageTimes } from './types.ts';

export interface CallContext extends Omit<MethodContext, 'lap'> {
  lap(stage: Exclude<keyof StageTimes, 'total'>): void;
  /** Milliseconds so far. */
  times(): StageTimes;
}

export function callContext(
  signal: AbortSignal | undefined,
  { networks, geometry }: Pick<MethodContext, 'networks' | 'geometry'>,
): CallContext {
  const started = performance.now();
  const times: StageTimes = {};
  let last = started;
  const shared = new Map<string, Promise<unknown>>();
  return {
    networks,
    geometry,
    once<T>(key: string, work: () => Promise<T>) {
      const found = shared.get(key) ?? work();
      shared.set(key, found);
      return found as Promise<T>;
    },
    checkpoint: () => signal?.throwIfAborted(),
    lap(stage) {
      const now = performance.now();
      times[stage] = (times[stage] ?? 0) + now - last;
      last = now;
      signal?.throwIfAborted();
    },
    times: () => ({ ...times, total: performance.now() - started }),
  };
}
