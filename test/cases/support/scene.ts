/** The scene that cases are made from: an object on a ground, in a reference and in a target of another size. */
import sharp from 'sharp';
import { pngFromMask } from '../../../src/core/image/node/png.ts';
import { sceneWith, type SceneWithTruth } from '../../../src/scenes/scene-with.ts';
import type { File, Question } from './ways.ts';

const CONCEPT = 36;

function sceneFrom(start: number, size: number): SceneWithTruth {
  let seed = start;
  return sceneWith(CONCEPT, () => seed++, size);
}

export const REFERENCE = sceneFrom(1000, 96);
export const TARGET = sceneFrom(2000, 112);

/** Pixels of a scene as a file that nobody doubts. */
export async function plainPng({ image }: SceneWithTruth, name = 'plain.png'): Promise<File> {
  const { data, width, height } = image;
  return {
    name,
    bytes: await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  };
}

/** The question that every case changes in one place. */
export async function plainQuestion(): Promise<Question> {
  return {
    target: await plainPng(TARGET, 'target.png'),
    reference: await plainPng(REFERENCE, 'reference.png'),
    mark: { mask: { name: 'mask.png', bytes: await pngFromMask(REFERENCE.truth) } },
  };
}
