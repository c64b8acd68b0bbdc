/** Engine of the built-in model, and scenes that show one concept. */
import { afterAll, beforeAll } from 'vitest';
import { createEngine, isProsamError, type Engine, type PredictOptions, type Reference } from '../../../../src/index.ts';
import { sceneWith, type SceneWithTruth } from '../../../../src/scenes/scene-with.ts';

const CONCEPT = 31;
export const scenes = Array.from({ length: 5 }, (_, i) => {
  let seed = 100 * (i + 1);
  return sceneWith(CONCEPT, () => seed++);
}) as [SceneWithTruth, SceneWithTruth, SceneWithTruth, SceneWithTruth, SceneWithTruth];
export const reference = ({ image, truth }: SceneWithTruth, label?: string): Reference => ({
  image,
  mask: truth,
  ...(label !== undefined && { label }),
});
export const target = scenes[4];

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing thrown',
    (error: unknown) => (isProsamError(error) ? error.code : String(error)),
  );
}

/** Registers what opens and closes the engine. */
export function engineBench() {
  const bench = {} as { engine: Engine };
  beforeAll(async () => {
    bench.engine = await createEngine({ model: 'tiny' });
  });
  afterAll(() => bench.engine.close());

  const predictOne = async (options: PredictOptions = {}, references = [reference(scenes[0])]) => {
    const prediction = await bench.engine.predict(target.image, references, options);
    return prediction.masks[0] as (typeof prediction.masks)[number];
  };

  return Object.assign(bench, { predictOne });
}
