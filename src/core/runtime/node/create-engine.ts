/** The engine as callers in Node get it: everything is computed in a worker process, the calling thread only waits. */
import { disposable } from '../../common/disposable.ts';
import { ProsamError } from '../../common/errors.ts';
import { createConcept } from '../../engine/concept.ts';
import { DEFAULT_INFERENCE_TIMEOUT_MS } from '../../engine/defaults.ts';
import { predictMany } from '../../engine/predict-many.ts';
import type { Engine, PredictOptions } from '../../engine/types.ts';
import { DEFAULT_LIMITS } from '../../image/node/decode.ts';
import type { EngineRequest } from '../worker/protocol.ts';
import { superviseWorker } from '../worker/supervise-worker.ts';
import type { EngineOptions } from './open-engine.ts';
import { sendable } from './sendable.ts';

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Opens a model in a process of its own. A worker that dies or hangs is replaced: the call it computed for is refused, all others
 * go to the next one. Images given as bytes or pixels are read until their call is answered and must not change before.
 *
 * @throws MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE, OPTION_INVALID, ENGINE_FAILED
 * @example
 * await using engine = await createEngine({ model: 'small' });
 * for await (const { target, prediction } of engine.predictMany(files, [{ image: 'cup.jpg', box: [40, 60, 180, 210] }])) save(target, prediction);
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { inferenceTimeoutMs = DEFAULT_INFERENCE_TIMEOUT_MS, priority = 'normal', limits } = options;
  if (!(inferenceTimeoutMs >= 1 && inferenceTimeoutMs <= MAX_TIMEOUT_MS))
    throw new ProsamError(
      'OPTION_INVALID',
      `inferenceTimeoutMs: expected a number from 1 to ${MAX_TIMEOUT_MS}, got ${inferenceTimeoutMs}.`,
    );
  if (!['normal', 'low'].includes(priority))
    throw new ProsamError('OPTION_INVALID', `priority: expected normal or low, got ${JSON.stringify(priority)}.`);
  const { external, ...forWorker } = options;
  const transport = external?.open();
  const worker = await superviseWorker(forWorker, inferenceTimeoutMs, transport).catch(async (error: unknown) => {
    await transport?.close();
    throw error;
  });
  const maxBytes = limits?.maxBytes ?? DEFAULT_LIMITS.maxBytes;
  const ask = (request: EngineRequest, signal?: AbortSignal): Promise<unknown> => {
    const plain = sendable(request, maxBytes);
    return plain instanceof Promise ? plain.then((read) => worker.ask(read, signal)) : worker.ask(plain, signal);
  };
  const withoutSignal = ({ signal, ...rest }: PredictOptions) => ({ signal, rest });

  const engine: Omit<Engine, typeof Symbol.asyncDispose> = {
    get info() {
      return worker.info;
    },
    worker: worker.state,
    async prepare(image, { signal, ...reading } = {}) {
      return (await ask({ name: 'prepare', image, reading }, signal)) as Awaited<ReturnType<Engine['prepare']>>;
    },
    async predict(target, references, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'predict', target, references, options: rest }, signal)) as Awaited<ReturnType<Engine['predict']>>;
    },
    predictMany: (targets, references, given = {}) =>
      predictMany((target, each) => engine.predict(target, references, each), targets, given),
    concept: (references, given = {}) => createConcept(engine, references, given),
    async refine(image, prompts, { signal, ...reading } = {}) {
      return (await ask({ name: 'refine', image, prompts, reading }, signal)) as Awaited<ReturnType<Engine['refine']>>;
    },
    async track(target, first, { signal, ...rest } = {}) {
      return (await ask({ name: 'track', target, first, options: rest }, signal)) as Awaited<ReturnType<Engine['track']>>;
    },
    async referenceMask(reference, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'referenceMask', reference, options: rest }, signal)) as Awaited<ReturnType<Engine['referenceMask']>>;
    },
    async selfCheck(references, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'selfCheck', references, options: rest }, signal)) as Awaited<ReturnType<Engine['selfCheck']>>;
    },
    async fit(references, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'fit', references, options: rest }, signal)) as Awaited<ReturnType<Engine['fit']>>;
    },
    async embedObject(reference, given = {}) {
      const { signal, rest } = withoutSignal(given);
      return (await ask({ name: 'embedObject', reference, options: rest }, signal)) as Float32Array;
    },
    async loadPromptEncoder(id, file) {
      await ask({ name: 'loadPromptEncoder', id, file });
    },
    async unloadPromptEncoder(id) {
      await ask({ name: 'unloadPromptEncoder', id });
    },
    async forget(hashes) {
      await ask({ name: 'forget', hashes });
    },
    async close() {
      await worker.close();
      await transport?.close();
    },
  };
  return disposable(engine);
}
