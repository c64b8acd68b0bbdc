/** Serves functions of CVAT Enterprise or Online: waits for requests, has them answered, reports. Experimental: tried on recordings only. */
import { setTimeout as wait } from 'node:timers/promises';
import { isProsamError, messageOf } from '../../../core/common/errors.ts';
import type { AgentApi, AgentKind, RequestCategory } from './api.ts';

export interface AgentRequest {
  kind: AgentKind;
  /** Parameters, exactly as CVAT sent them. */
  params: Readonly<Record<string, unknown>> & { type: string };
  signal: AbortSignal;
  /** share: 0..1 */
  onProgress: (share: number) => void;
}
/** -> what belongs to the request besides the agent's id. */
export type ResponseRequest = (request: AgentRequest) => Promise<Record<string, unknown>>;

export interface AgentOptions {
  api: AgentApi;
  functions: readonly { id: number | string; kind: AgentKind }[];
  response: ResponseRequest;
  signal: AbortSignal;
  /** Between two looks where nothing tells of new requests. @default 60,000 */
  pollMs?: number;
  /** Between two signs of life while a request is worked on. @default 30,000 */
  reportMs?: number;
  /** Before trying again after CVAT could not be reached. @default 5000 */
  pauseMs?: number;
  onDone?: (event: { kind: AgentKind; type: string; milliseconds: number; error?: unknown }) => void;
  onProblem?: (error: unknown) => void;
}

/** Times in a row that a function may seem not to be there: a minute. */
const MAX_ABSENCES = 12;

/** Longest text that is shown to whoever asked. */
const MAX_REASON = 1000;

/** Until the signal fires; rejects with CVAT_REFUSED where the token no longer counts, with CVAT_FAILED where a function was deleted. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const loops = options.functions.flatMap((one) => {
    const bells = { interactive: bell(), batch: bell() };
    const serving = (['interactive', 'batch'] as const).map((category) => serve({ ...options, signal }, one, category, bells[category]));
    return [...serving, watch({ ...options, signal }, one.id, bells)];
  });
  try {
    await Promise.all(loops);
  } catch (error) {
    if (options.signal.aborted) return;
    throw error;
  } finally {
    ended.abort();
    await Promise.allSettled(loops);
  }
}

/** Rings once for however many calls came meanwhile. */
function bell() {
  let ring: (() => void) | undefined;
  let rung = false;
  return {
    ring(): void {
      rung = true;
      ring?.();
    },
    async heard(ms: number, signal: AbortSignal): Promise<void> {
      if (!rung) {
        const stop = new AbortController();
        const called = new Promise<void>((done) => (ring = done));
        await Promise.race([called, wait(ms, undefined, { signal: AbortSignal.any([signal, stop.signal]) })]).finally(() => stop.abort());
      }
      rung = false;
    },
  };
}
type Bell = ReturnType<typeof bell>;

async function serve(
  options: AgentOptions,
  { id, kind }: { id: number | string; kind: AgentKind },
  category: RequestCategory,
  heard: Bell,
): Promise<void> {
  const { api, signal, pollMs = 60_000, pauseMs = 5000, onProblem } = options;
  let absences = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      const request = await api.acquire(id, category, signal);
      absences = 0;
      if (request === undefined) await heard.heard(pollMs, signal);
      else await work(options, id, kind, request.ar_id, request.ar_params);
    } catch (error) {
      signal.throwIfAborted();
      // Without the right to ask, or without the function, asking again is of no use; but whoever stands before CVAT answers 404, too.
      absences = (error as { answered?: number }).answered === 404 ? absences + 1 : 0;
      if ((isProsamError(error) && error.code === 'CVAT_REFUSED') || absences > MAX_ABSENCES) throw error;
      onProblem?.(error);
      await wait(pauseMs, undefined, { signal });
    }
  }
}

async function work(
  options: AgentOptions,
  id: number | string,
  kind: AgentKind,
  request: string,
  params: AgentRequest['params'],
): Promise<void> {
  const { api, response, signal, reportMs = 30_000, onDone, onProblem } = options;
  const started = performance.now();
  let progress = 0;
  // CVAT gives a request that nobody speaks of any more to another agent.
  const alive = setInterval(() => void api.update(id, request, progress, signal).catch((error: unknown) => onProblem?.(error)), reportMs);
  let failure: unknown;
  try {
    const result = await response({ kind, params, signal, onProgress: (share) => (progress = share) });
    await api.complete(id, request, result, signal);
  } catch (error) {
    signal.throwIfAborted();
    failure = error;
    // Where CVAT itself does not answer, there is nobody to tell.
    await api.fail(id, request, reasonOf(error), signal);
  } finally {
    clearInterval(alive);
  }
  onDone?.({ kind, type: params.type, milliseconds: performance.now() - started, ...(failure !== undefined && { error: failure }) });
}

/** Our own errors say what to do; others are of no use to people who annotate. */
function reasonOf(error: unknown): string {
  return isProsamError(error) ? messageOf(error).slice(0, MAX_REASON) : 'prosam met an error of its own; its log says more.';
}

/** Rings when CVAT tells of new requests. Servers that have no such channel are asked every minute instead. */
async function watch(options: AgentOptions, id: number | string, bells: Record<RequestCategory, Bell>): Promise<void> {
  const { api, signal, pauseMs = 5000, onProblem } = options;
  let retryMs = pauseMs;
  const everyone = (): void => {
    bells.interactive.ring();
    bells.batch.ring();
  };
  for (;;) {
    signal.throwIfAborted();
    try {
      for await (const event of await api.watch(id, signal)) {
        if (event.retryMs !== undefined) retryMs = event.retryMs;
        if (event.event !== 'newrequest') continue;
        if (event.data.includes('"interactive"')) bells.interactive.ring();
        else if (event.data.includes('"batch"')) bells.batch.ring();
        else everyone();
      }
      // Something may have come between two connections.
      everyone();
    } catch (error) {
      signal.throwIfAborted();
      if ((error as { answered?: number }).answered === 404) return;
      onProblem?.(error);
    }
    await wait(retryMs, undefined, { signal });
  }
}
