/** `prosam/web`: the engine in a browser, and what a page needs to show and keep its masks. */
import { createWorkerEngine, type WebEngine, type WebEngineOptions } from './core/runtime/web/create-engine.ts';
import type { WorkerLike } from './core/common/web-globals.ts';

declare const Worker: new (address: URL | string, options: { type: 'module'; name: string }) => WorkerLike;

/**
 * Opens a model by URL and starts a worker for it. What was loaded once opens again without a network, and is loaded anew when the
 * manifest names another hash.
 *
 * @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_HASH_MISMATCH, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, DEVICE_UNAVAILABLE,
 * PACKAGE_MISSING, OPTION_INVALID, ENGINE_FAILED
 */
export async function createWebEngine({ worker, ...options }: WebEngineOptions): Promise<WebEngine> {
  const start = (): WorkerLike => {
    if (typeof worker === 'function') return worker();
    if (worker !== undefined) return new Worker(worker, { type: 'module', name: 'prosam' });
    // Written out like this, bundlers see the worker's script and bring it along.
    return new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module', name: 'prosam' });
  };
  return createWorkerEngine(start, options);
}

export * from './core/public.ts';
export type { WebEngine, WebEngineOptions, WebReference } from './core/runtime/web/create-engine.ts';
export type { WebEngineInfo, WebLimits } from './core/runtime/web/protocol.ts';
export type { WebDevice } from './core/runtime/web/device.ts';
export type { LoadProgress } from './core/checkpoint/web/fetch-file.ts';
export type { WebImageInput } from './core/image/web/source.ts';
export type { BitmapLike, WorkerLike } from './core/common/web-globals.ts';
