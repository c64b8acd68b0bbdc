/** Predictions that were ready when nobody waited for them any more: pushed to Label Studio, or kept until it asks again. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import type { MlResponse } from './protocol/responses.ts';
import type { Connection, LabelStudioApi } from './types.ts';

export interface DeferredPrediction {
  connection: Connection;
  task: number | string;
  response: MlResponse;
}

export interface DeferredPredictions {
  add(late: DeferredPrediction): void;
  /** Takes the prediction kept for this task and version; it is handed out once. */
  take(project: string, task: number | string, version: string): MlResponse | undefined;
  /** Resolves when nothing waits to be pushed. */
  flush(): Promise<void>;
}

/** Approximate bound on the bytes of kept masks. */
const MAX_KEPT_BYTES = 64 * 2 ** 20;
/** Assumed bytes of everything but masks. */
const MIN_BYTES = 1000;
/** In one request. */
const PUSHED_AT_ONCE = 20;

export function createDeferredPredictions(parts: {
  api?: LabelStudioApi;
  log: Log;
  signal: AbortSignal;
  delayMs?: number;
}): DeferredPredictions {
  const { api, log, signal, delayMs = 500 } = parts;
  const kept = createLruMap<string, MlResponse>({ max: MAX_KEPT_BYTES, sizeOf: bytesOf });
  let waiting: DeferredPrediction[] = [];
  let pushing: Promise<void> | undefined;
  const keyOf = (project: string, task: number | string, version: string): string => JSON.stringify([project, String(task), version]);
  const keep = ({ connection, task, response }: DeferredPrediction): void =>
    kept.set(keyOf(connection.project, task, response.modelVersion), response);
  const push = async (group: readonly DeferredPrediction[]): Promise<void> => {
    const [{ connection }] = group as [DeferredPrediction];
    const predictions = group.map(({ task, response }) => ({
      task,
      result: response.result,
      score: response.score,
      model_version: response.modelVersion,
    }));
    try {
      signal.throwIfAborted();
      await api?.pushPredictions(connection, predictions, { signal });
      log.info({ project: connection.project, tasks: group.length }, 'predictions that came late are pushed');
    } catch (error) {
      group.forEach(keep);
      log.warn(
        { project: connection.project, tasks: group.length, error: messageOf(error) },
        'predictions cannot be pushed; they are kept until Label Studio asks again',
      );
    }
  };
  const pushAll = async (): Promise<void> => {
    // Those of one batch come shortly after each other.
    await new Promise<void>((resume) => setTimeout(resume, delayMs));
    while (waiting.length > 0) {
      const { connection } = waiting[0] as DeferredPrediction;
      const own = waiting.filter((one) => one.connection.project === connection.project).slice(0, PUSHED_AT_ONCE);
      waiting = waiting.filter((one) => !own.includes(one));
      await push(own);
    }
    pushing = undefined;
  };
  return {
    add(late) {
      if (api === undefined) {
        keep(late);
        return;
      }
      waiting.push(late);
      pushing ??= pushAll();
    },
    take(project, task, version) {
      const key = keyOf(project, task, version);
      const response = kept.peek(key);
      kept.delete(key);
      return response;
    },
    flush: async () => pushing,
  };
}

function bytesOf({ result }: MlResponse): number {
  const lengthOf = (value: unknown): number => (value instanceof Uint8Array || typeof value === 'string' ? value.length : 0);
  return result.reduce((sum, { value }) => sum + MIN_BYTES + lengthOf(value.rle) + lengthOf(value.imageDataURL), MIN_BYTES);
}
