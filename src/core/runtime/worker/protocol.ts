/** Messages between the process that asks and the worker that computes. */
import { ERROR_STATUS, messageOf, ProsamError, type ErrorCode } from '../../common/errors.ts';
import type { Engine, EngineInfo, ImageInput, PredictOptions, Reference, RefinePrompts, TrackOptions } from '../../engine/types.ts';
import type { ImageReading } from '../../image/values/reading.ts';
import type { EngineOptions } from '../node/open-engine.ts';

type SentOptions = Omit<PredictOptions, 'signal'>;

/** One call of the engine as plain data. */
export type EngineRequest =
  | { name: 'prepare'; image: ImageInput; reading?: ImageReading }
  | { name: 'predict'; target: ImageInput; references: readonly Reference[]; options: SentOptions }
  | { name: 'refine'; image: ImageInput; prompts: RefinePrompts; reading?: ImageReading }
  | { name: 'track'; target: ImageInput; first: Reference; options: Omit<TrackOptions, 'signal'> }
  | { name: 'referenceMask'; reference: Reference; options: SentOptions }
  | { name: 'selfCheck'; references: readonly Reference[]; options: SentOptions }
  | { name: 'fit'; references: readonly Reference[]; options: SentOptions }
  | { name: 'embedObject'; reference: Reference; options: SentOptions }
  | { name: 'loadPromptEncoder'; id: string; file: Uint8Array }
  | { name: 'unloadPromptEncoder'; id: string }
  | { name: 'forget'; hashes: readonly string[] };

export function perform(engine: Engine, request: EngineRequest, signal: AbortSignal): Promise<unknown> {
  switch (request.name) {
    case 'prepare':
      return engine.prepare(request.image, { ...request.reading, signal });
    case 'predict':
      return engine.predict(request.target, request.references, { ...request.options, signal });
    case 'refine':
      return engine.refine(request.image, request.prompts, { ...request.reading, signal });
    case 'track':
      return engine.track(request.target, request.first, { ...request.options, signal });
    case 'referenceMask':
      return engine.referenceMask(request.reference, { ...request.options, signal });
    case 'selfCheck':
      return engine.selfCheck(request.references, { ...request.options, signal });
    case 'fit':
      return engine.fit(request.references, { ...request.options, signal });
    case 'embedObject':
      return engine.embedObject(request.reference, { ...request.options, signal });
    case 'loadPromptEncoder':
      return engine.loadPromptEncoder(request.id, request.file);
    case 'unloadPromptEncoder':
      return engine.unloadPromptEncoder(request.id);
    case 'forget':
      return engine.forget(request.hashes);
  }
}

/** A prompt encoder put beside the model's own. */
export interface NamedPromptEncoder {
  id: string;
  file: Uint8Array;
}

export type ToWorker =
  /** external: there is a system outside, reached through this process. */
  | { kind: 'open'; options: EngineOptions; external: boolean; promptEncoders: readonly NamedPromptEncoder[]; parent: number }
  /** folder: where relative paths begin. */
  | { kind: 'call'; id: number; request: EngineRequest; folder: string | undefined }
  | { kind: 'abort'; id: number }
  | { kind: 'externalAnswer'; ask: number; answer: Uint8Array }
  | { kind: 'externalError'; ask: number; error: SentError }
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'opened'; info: EngineInfo; residentBytes: number }
  | { kind: 'refused'; error: SentError }
  /** A network is loaded or runs from now on, for this call or, without one, for opening: nothing else is heard until 'ran'. */
  | { kind: 'running'; id: number | undefined }
  | { kind: 'ran' }
  /** A message to the system outside. */
  | { kind: 'external'; ask: number; message: Uint8Array }
  | { kind: 'externalAbort'; ask: number }
  | { kind: 'result'; id: number; value: unknown; residentBytes: number }
  | { kind: 'error'; id: number; error: SentError; residentBytes: number }
  | { kind: 'closed' };

/** An error as plain data: a class does not survive the crossing. */
export interface SentError {
  code?: ErrorCode;
  message: string;
  stack?: string;
}

export function sendableError(error: unknown): SentError {
  const code = (error as { code?: unknown } | null)?.code;
  return {
    message: messageOf(error),
    ...(typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code) && { code: code as ErrorCode }),
    ...(error instanceof Error && error.stack !== undefined && { stack: error.stack }),
  };
}

export function receivedError({ code, message, stack }: SentError): ProsamError {
  if (code) return new ProsamError(code, message, { cause: stack });
  return new ProsamError('ENGINE_FAILED', `the engine failed: ${message}. This is a defect; please report it with its cause.`, {
    cause: stack,
  });
}
