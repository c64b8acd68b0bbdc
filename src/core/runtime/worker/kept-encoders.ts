/** The prompt encoders a worker was given, kept for the one that may have to take its place. */
import type { EngineRequest, NamedPromptEncoder } from './protocol.ts';

export interface KeptEncoders {
  /** A call succeeded. */
  done(request: EngineRequest): void;
  all(): NamedPromptEncoder[];
  /** Forgets those that were unloaded and that no waiting call began with. -> their ids */
  forgetUnused(waiting: (condition: (request: EngineRequest) => boolean) => boolean): string[];
}

export function createKeptEncoders(): KeptEncoders {
  const kept = new Map<string, { file: Uint8Array; unloaded: boolean }>();
  return {
    done(request) {
      if (request.name === 'unloadPromptEncoder') {
        const entry = kept.get(request.id);
        if (entry) entry.unloaded = true;
      } else if (request.name === 'loadPromptEncoder' && kept.get(request.id)?.unloaded !== false) {
        kept.set(request.id, { file: request.file.slice(), unloaded: false });
      }
    },
    all: () => [...kept].map(([id, { file }]) => ({ id, file })),
    forgetUnused(waiting) {
      const unused = [...kept].filter(([id, { unloaded }]) => unloaded && !waiting((request) => uses(request, id))).map(([id]) => id);
      for (const id of unused) kept.delete(id);
      return unused;
    },
  };
}

function uses(request: EngineRequest, id: string): boolean {
  return request.name === 'loadPromptEncoder'
    ? request.id === id
    : 'options' in request && 'promptEncoder' in request.options && request.options.promptEncoder === id;
}
