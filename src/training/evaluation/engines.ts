/** The engines an evaluation has open: those of the fold at hand. */
import type { Engine } from '../../core/engine/types.ts';

export interface EngineShelf {
  /** Closes what these models do not need, opens what they lack. -> engine by model */
  use(models: readonly string[]): Promise<ReadonlyMap<string, Engine>>;
  close(): Promise<void>;
}

export function createEngineShelf(open: (model: string) => Promise<Engine>): EngineShelf {
  const engines = new Map<string, Engine>();
  const keep = async (models: readonly string[]): Promise<void> => {
    for (const [model, engine] of engines) {
      if (models.includes(model)) continue;
      engines.delete(model);
      await engine.close();
    }
  };
  return {
    async use(models) {
      await keep(models);
      for (const model of models) if (!engines.has(model)) engines.set(model, await open(model));
      return engines;
    },
    close: () => keep([]),
  };
}
