/** Small data, a small budget and the built-in model: what every study is run with here. */
import { loadTrainingEngine, type TrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import type { Dataset, Episode, Fold } from '../../../../src/training/types.ts';
import type { StudyOptions } from '../../../../src/training/study/study-options.ts';
import { nodeEngineHere } from '../node-engine.ts';
import { sceneData } from '../evaluation/scene-data.ts';

/** The scenes of the evaluation's tests, with training episodes: every image of a base class is a target once an epoch. */
export async function studyData(folder: string, name = 'scenes'): Promise<Dataset> {
  const dataset = await sceneData(folder);
  const whole = dataset.fold('all').testEpisodes(1000, 1);
  const byClass = (classId: number): Episode[] => {
    const seen = new Map<string, Episode>();
    for (const episode of whole) if (episode.classId === classId) seen.set(episode.target.key, episode);
    return [...seen.values()];
  };
  const trainable = (fold: Fold): Fold => ({
    ...fold,
    base: fold.name === 'all' ? fold.novel : fold.base,
    trainingEpisodes: (epoch) => {
      const episodes = (fold.name === 'all' ? fold.novel : fold.base).flatMap(byClass);
      return [...episodes.slice(epoch % episodes.length), ...episodes.slice(0, epoch % episodes.length)];
    },
  });
  return { ...dataset, name, fold: (index) => trainable(dataset.fold(index)) };
}

let engine: Promise<TrainingEngine> | undefined;
/** The fastest there is; wasm does, too. */
export function testEngine(): Promise<TrainingEngine> {
  return (engine ??= loadTrainingEngine(nodeEngineHere ? 'node' : 'wasm'));
}

/** The smallest study: two steps, four pairs, one fold. */
export function smallStudy(dataset: Dataset, out: string, more: Partial<StudyOptions> = {}): StudyOptions {
  return {
    dataset,
    out,
    engine: testEngine,
    folds: [0],
    steps: 2,
    batch: 2,
    samples: 2,
    pairs: 4,
    device: 'cpu',
    threads: 1,
    models: ['tiny'],
    ...more,
  };
}
