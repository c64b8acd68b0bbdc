/** Something to try without any photo: generated scenes that show one object, with its true mask in the first. */
import type { BinaryMask } from 'prosam/web';
import { conceptMask, CONCEPTS, generateScene, type Scene } from 'prosam/scenes';
import { imageFromPixels, type RgbImage } from './picture.ts';

export interface Sample {
  label: string;
  reference: RgbImage;
  mark: BinaryMask;
  targets: RgbImage[];
}

const TARGETS = 6;
/** Share of the picture the object must cover to be worth showing. */
const MIN_SHARE = 0.03;
/** Objects that people tell apart at a glance and that the built-in model has learned well. */
const SHOWN = [17, 14, 12, 2, 0, 45];

/** The same number gives the same sample. */
export async function drawSample(number: number): Promise<Sample> {
  const concept = SHOWN[number % SHOWN.length] as number;
  let seed = 1 + 1000 * (concept + 1) + 100_000 * Math.floor(number / SHOWN.length);
  const next = (): Scene => {
    for (;;) {
      const scene = generateScene(seed++, { force: [concept] });
      const area = conceptMask(scene, concept).reduce((sum, value) => sum + value, 0);
      if (area >= MIN_SHARE * scene.width * scene.height) return scene;
    }
  };
  const scenes = Array.from({ length: TARGETS + 1 }, next) as [Scene, ...Scene[]];
  const pictures: RgbImage[] = [];
  for (const [i, { image, width, height }] of scenes.entries())
    pictures.push(await imageFromPixels(`scene-${i}.png`, image, width, height));
  const [reference, ...targets] = pictures as [RgbImage, ...RgbImage[]];
  const { width, height } = scenes[0];
  const label = (CONCEPTS[concept]?.name ?? 'object').replace(/_\d+$/, '').replaceAll('_', ' ');
  return { label, reference, mark: { data: conceptMask(scenes[0], concept), width, height }, targets };
}
