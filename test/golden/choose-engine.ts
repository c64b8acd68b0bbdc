/** The training engine a golden runner is told to use. */
import { messageOf } from '../../src/core/common/errors.ts';
import { loadTrainingEngine, TRAINING_ENGINES, type TrainingEngine } from '../../src/training/tfjs/engine.ts';

/** What `--engine` takes. */
export const ENGINE_CHOICES = ['auto', ...TRAINING_ENGINES, 'none'].join('|');

/** `auto` does without an engine, and says why, where none loads; one asked for by name must load. */
export async function chooseEngine(choice: string): Promise<TrainingEngine | undefined> {
  if (choice === 'none') return undefined;
  try {
    return await loadTrainingEngine(choice as Parameters<typeof loadTrainingEngine>[0]);
  } catch (error) {
    if (choice !== 'auto') throw error;
    console.log(messageOf(error));
    return undefined;
  }
}
