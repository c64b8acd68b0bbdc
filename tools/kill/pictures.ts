/** Small annotated pictures to send. */
import sharp from 'sharp';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import { cocoRleFromMaskSync } from '../../src/index.ts';

export interface RgbImage {
  base64: string;
  rle: { size: [number, number]; counts: string };
}

export function pictures(count: number, concept = 31, firstSeed = 1): Promise<RgbImage[]> {
  let seed = firstSeed;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { image, truth } = sceneWith(concept, () => seed++);
      const png = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
        .png()
        .toBuffer();
      return { base64: png.toString('base64'), rle: cocoRleFromMaskSync(truth) };
    }),
  );
}

export function annotationOf({ base64, rle }: RgbImage, project: string, externalId: string, revision = 1) {
  return {
    ...{ project, source: 'kill', externalId, revision, provenance: 'drawn' },
    ...{ image: { base64 }, masks: [{ label: 'cup', rle }] },
  };
}
