/** Generated scenes that show one object well, for measurements and tests. */
import { conceptMask, generateScene, type Scene } from './scene.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';

export interface SceneWithTruth {
  image: { data: Uint8Array; width: number; height: number; channels: 3 };
  truth: BinaryMask;
}

/** Share of the image the object must cover to be worth showing. */
const MIN_AREA = 0.02;
const MAX_TRIES = 200;

/** Returns the first scene, by the given seeds, in which the concept is well visible. size: width and height in pixels. */
export function sceneWith(concept: number, nextSeed: () => number, size = 256): SceneWithTruth {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const scene: Scene = generateScene(nextSeed(), { force: [concept], size });
    const truth = { data: conceptMask(scene, concept), width: scene.width, height: scene.height };
    const area = truth.data.reduce((sum, pixel) => sum + pixel, 0);
    if (area < MIN_AREA * truth.data.length) continue;
    return { image: { data: scene.image, width: scene.width, height: scene.height, channels: 3 }, truth };
  }
  throw new Error(`no scene of ${MAX_TRIES} shows concept ${concept} well enough`);
}
