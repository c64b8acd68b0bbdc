/** The engine as callers in Node get it: everything is computed in a worker process, the calling thread only waits. */
import { ProsamError } from '../../common/errors.ts';
import { pathOf } from '../../image/node/source.ts';
import type { Engine, PredictOptions } from '../../engine/types.ts';
import type { EngineOptions } from './open-engine.ts';
import { superviseWorker } from '../worker/supervise-worker.ts';
import type { EngineRequest } from '../worker/protocol.ts';

const TEN_MINUTES_MS = 600_000;
const LONGEST_HANG_MS = 2 ** 31 - 1;

/**
 * Opens a model in a process of its own. A worker that dies or hangs is replaced: the call it computed for is refused, all others
 * go to the next one. Images given as bytes or pixels are read until their call is answered and must not change before.
 *
 * @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, OPTION_INVALID, ENGINE_FAILED
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { hangMs = TEN_MINUTES_MS } = options;
  if (!(hangMs >= 1 && hangMs <= LONGEST_HANG_MS))
    throw new ProsamError('OPTION_INVALID', `hangMs: expected a number from 1 to ${LONGEST_HANG_MS}, got ${hangMs}.`);
  const worker = await superviseWorker({ ...options }, hangMs);
  const ask = (request: EngineRequest, signal?: AbortSignal): Promise<unknown> => worker.ask(plain(request), signal);
  const withoutSignal = ({ signal, ...rest }: PredictOptions) => ({ signal, rest });

  return {
    get info() {
      return worker.info;
    },
    worker: worker.state,
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
    close: () => worker.close(),
  };
}

/** URLs do not survive the crossing; paths do. */
function plain<T>(value: T): T {
  if (value instanceof URL) return pathOf(value) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])) as T;
}
