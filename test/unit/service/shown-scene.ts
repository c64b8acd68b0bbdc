/** Scenes with their object's mask, as requests to the service hold them. */
import sharp from 'sharp';
import { cocoRleFromMaskSync, type Annotation } from '../../../src/index.ts';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';

export interface Shown {
  bytes: Uint8Array;
  mark: Annotation;
}

/** Each call makes another scene. */
export function shownScenes(firstSeed: number): (concept?: number) => Promise<Shown> {
  let seed = firstSeed;
  return async (concept = 31) => {
    const { image, truth } = sceneWith(concept, () => seed++);
    const png = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
      .png()
      .toBuffer();
    return { bytes: new Uint8Array(png), mark: { rle: cocoRleFromMaskSync(truth) } };
  };
}

/** A cup drawn by hand. */
export const drawnCup = (
  project: string,
  externalId: string,
  { bytes, mark }: Shown,
  more: Partial<AcceptRequest> = {},
): AcceptRequest => ({
  ...{ project, source: 'test', externalId, revision: 1, image: bytes, provenance: 'drawn', masks: [{ label: 'cup', ...mark }] },
  ...more,
});
