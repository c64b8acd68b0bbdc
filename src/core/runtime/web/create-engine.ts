/** The engine as a page gets it: everything is computed in a worker, which is replaced when it fails. */
import type { LoadProgress } from '../../checkpoint/web/fetch-file.ts';
import { disposable } from '../../common/disposable.ts';
import { ProsamError } from '../../common/errors.ts';
import type { WebImageInput } from '../../image/web/source.ts';
import { createConcept } from '../../engine/concept.ts';
import { predictMany } from '../../engine/predict-many.ts';
import type { Engine, ImageInput, Reference } from '../../engine/types.ts';
import { web, type WorkerLike } from '../../common/web-globals.ts';
import { openWebLink, type WebLink } from './link.ts';
import type { WebDevice } from './device.ts';
import type { WebEngineInfo, WebLimits, WebOpenOptions } from './protocol.ts';
import type { EngineRequest } from '../worker/protocol.ts';

/** An image with the object annotated. */
export type WebReference = Reference<WebImageInput>;

/** The same engine as in Node, for URLs of the page's own origin instead of paths, and for ImageBitmap too. */
export interface WebEngine extends Engine<WebImageInput> {
  readonly info: WebEngineInfo;
}

export interface WebEngineOptions {
  /** URL of a model's manifest.json, or of the folder it lies in; the weights lie beside it. */
  model: string | URL;
  /** 'auto' takes WebGPU where a real graphics processor proves that it works, else WebAssembly. @default 'auto' */
  device?: WebDevice | 'auto';
  /** Folder that ONNX Runtime's .wasm and .mjs files are served from. @default where the bundler put them, beside the script */
  wasmPaths?: string | URL;
  /** Threads on WebAssembly, in a page that is isolated (COOP and COEP headers); 1 elsewhere. 'auto': one per core, at most 4. @default 'auto' */
  threads?: 'auto' | number;
  /** Address of the worker's script, or a function that starts one. @default web-worker.js beside this script */
  worker?: string | URL | (() => WorkerLike);
  /** Bytes of image features kept in memory. @default 128 MiB */
  cacheBytes?: number;
  /** Bounds on images and on the model's files. @default 64 MiB, 100 million pixels, 2 GiB */
  limits?: WebLimits;
  /** Called while the model is loaded. */
  onProgress?: (progress: LoadProgress) => void;
  /** Ends the opening; each call takes a signal of its own. */
  signal?: AbortSignal;
}

/** startWorker: a new worker each time it is called. @throws as `createWebEngine` */
export async function createWorkerEngine(startWorker: () => WorkerLike, options: Omit<WebEngineOptions, 'worker'>): Promise<WebEngine> {
  const { onProgress, signal, model, wasmPaths, ...plain } = options;
  const open: WebOpenOptions = {
    ...plain,
    model: absolute(model),
    ...(wasmPaths !== undefined && { wasmPaths: absolute(wasmPaths).replace(/\/?$/, '/') }),
  };
  const encoders = new Map<string, Uint8Array>();
  let closed = false;

  const first = await openWebLink(startWorker(), { open, ...(signal && { signal }), ...(onProgress && { onProgress }) });
  let info = first.info;
  let link: Promise<WebLink> = Promise.resolve(first);
  /** A worker in place of one that failed, with the same model and the same prompt encoders. */
  const replace = async (): Promise<WebLink> => {
    const fresh = await openWebLink(startWorker(), { open });
    info = fresh.info;
    for (const [id, file] of encoders) await fresh.call({ name: 'loadPromptEncoder', id, file });
    return fresh;
  };
  const usable = async (): Promise<WebLink> => {
    const asked = link;
    const current = await asked.catch(() => undefined);
    if (current?.broken === false) return current;
    // Whoever comes first replaces it for all who wait.
    if (link === asked) link = replace();
    return link;
  };
  const run = async (request: EngineRequest, given?: AbortSignal): Promise<unknown> => {
    given?.throwIfAborted();
    if (closed) throw new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.');
    const worker = await usable();
    given?.throwIfAborted();
    return worker.call(request, given);
  };
  const running = new Set<Promise<unknown>>();
  const ask = async <T>(request: EngineRequest, given?: AbortSignal): Promise<T> => {
    const mine = run(request, given);
    running.add(mine);
    try {
      return (await mine) as T;
    } finally {
      running.delete(mine);
    }
  };

  const engine: Omit<WebEngine, typeof Symbol.asyncDispose> = {
    get info() {
      return info;
    },
    prepare: (image, { signal: given, ...reading } = {}) => ask({ name: 'prepare', image: sendable(image), reading }, given),
    predict(target, references, { signal: given, ...rest } = {}) {
      return ask({ name: 'predict', target: sendable(target), references: references.map(sendableReference), options: rest }, given);
    },
    predictMany: (targets, references, given = {}) =>
      predictMany((target, each) => engine.predict(target, references, each), targets, given),
    concept: (references, given = {}) => createConcept(engine, references, given),
    refine: (image, prompts, { signal: given, ...reading } = {}) =>
      ask({ name: 'refine', image: sendable(image), prompts, reading }, given),
    track(target, first, { signal: given, recent, ...rest } = {}) {
      const options = { ...rest, ...(recent && { recent: sendableReference(recent) }) };
      return ask({ name: 'track', target: sendable(target), first: sendableReference(first), options }, given);
    },
    referenceMask(reference, { signal: given, ...rest } = {}) {
      return ask({ name: 'referenceMask', reference: sendableReference(reference), options: rest }, given);
    },
    selfCheck(references, { signal: given, ...rest } = {}) {
      return ask({ name: 'selfCheck', references: references.map(sendableReference), options: rest }, given);
    },
    fit(references, { signal: given, ...rest } = {}) {
      return ask({ name: 'fit', references: references.map(sendableReference), options: rest }, given);
    },
    embedObject(reference, { signal: given, ...rest } = {}) {
      return ask({ name: 'embedObject', reference: sendableReference(reference), options: rest }, given);
    },
    async loadPromptEncoder(id, file) {
      await ask({ name: 'loadPromptEncoder', id, file });
      encoders.set(id, file);
    },
    async unloadPromptEncoder(id) {
      encoders.delete(id);
      await ask({ name: 'unloadPromptEncoder', id });
    },
    forget: (hashes) => ask({ name: 'forget', hashes }),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running);
      await (await link.catch(() => undefined))?.close();
    },
  };
  return disposable(engine);
}

/** A worker resolves addresses against its own script, a page against itself. */
function absolute(address: string | URL): string {
  const base = (globalThis as { document?: { baseURI?: string } }).document?.baseURI ?? web.location?.href;
  return new URL(address, base).href;
}

/** Addresses made absolute; all else the browser can send as it is. */
function sendable(image: WebImageInput): ImageInput {
  return (typeof image === 'string' || image instanceof URL ? absolute(image) : image) as ImageInput;
}

function sendableReference(reference: WebReference): Reference {
  const fields = { ...reference, image: sendable(reference.image) } as Record<string, unknown>;
  for (const key of ['mask', 'scribble'] as const) {
    const value = fields[key];
    if (typeof value === 'string' || value instanceof URL) fields[key] = absolute(value);
  }
  return fields as unknown as Reference;
}
