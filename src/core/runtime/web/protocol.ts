/** Messages between a page and the worker that computes for it. */
import type { LoadProgress } from '../../checkpoint/web/fetch-file.ts';
import type { ImageLimits } from '../../image/image-limits.ts';
import type { EngineInfo, TriedDevice } from '../../engine/types.ts';
import type { WebDevice } from './device.ts';
import type { EngineRequest, SentError } from '../worker/protocol.ts';

/** Options of the worker: plain data, addresses absolute. */
export interface WebOpenOptions {
  /** URL of a model's manifest, or of the folder it lies in. */
  model: string;
  /** @default 'auto' */
  device?: WebDevice | 'auto';
  wasmPaths?: string;
  threads?: 'auto' | number;
  cacheBytes?: number;
  limits?: WebLimits;
}

export interface WebLimits extends ImageLimits {
  /** Largest weight file of a model, bytes. @default 2 GiB */
  maxModelFileBytes?: number;
}

export interface WebEngineInfo extends EngineInfo {
  device: WebDevice;
  /** The devices that were looked at, and why the others do not compute. */
  devices: readonly TriedDevice[];
}

export type ToWebWorker =
  | { kind: 'open'; options: WebOpenOptions }
  | { kind: 'call'; id: number; request: EngineRequest }
  | { kind: 'abort'; id: number }
  | { kind: 'close' };

export type FromWebWorker =
  | { kind: 'progress'; progress: LoadProgress }
  | { kind: 'opened'; info: WebEngineInfo }
  | { kind: 'refused'; error: SentError }
  | { kind: 'result'; id: number; value: unknown }
  /** broken: no answer of the engine's own, so what it holds may be damaged. */
  | { kind: 'error'; id: number; error: SentError; broken: boolean }
  /** Everything that ran has ended. */
  | { kind: 'closed' };

/** Buffers of a result that can be handed over instead of copied. */
export function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) buffersOf(item, found);
  return found;
}
