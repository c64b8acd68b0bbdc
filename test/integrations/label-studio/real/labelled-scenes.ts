/** Generated scenes as image files, with the exact mask of what is to be found. */
import sharp from 'sharp';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { encodeBrushRleSync } from '../../../../src/core/mask/brush-rle.ts';

export interface SceneFile {
  name: string;
  type: string;
  bytes: Uint8Array;
  /** At the size of the upright image. */
  truth: BinaryMask;
}

export interface SceneOptions {
  count: number;
  firstSeed: number;
  concept: number;
  /** Takes the colour away, on which the built-in encoder relies: there is something to learn then. @default false */
  grey?: boolean;
}

/** Rows of the 256 that are kept, so that width and height differ. */
const HEIGHT = 192;

export async function sceneFiles({ count, firstSeed, concept, grey = false }: SceneOptions): Promise<SceneFile[]> {
  let seed = firstSeed;
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { image, truth } = visible(concept, () => seed++);
      let picture = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } }).extract({
        ...{ left: 0, top: 0, width: image.width, height: HEIGHT },
      });
      if (grey) picture = picture.greyscale();
      const png = new Uint8Array(await picture.png().toBuffer());
      return { name: `scene-${firstSeed}-${i}.png`, type: 'image/png', bytes: png, truth };
    }),
  );
}

/** The same picture as a camera held sideways writes it: lying pixels, and a note to turn them. */
export async function turned({ bytes, truth, name }: SceneFile): Promise<SceneFile> {
  const lying = await sharp(bytes).rotate(270).toBuffer();
  const jpeg = await sharp(lying).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
  return { name: name.replace('.png', '-turned.jpg'), type: 'image/jpeg', bytes: new Uint8Array(jpeg), truth };
}

export function brushRegion({ data, width, height }: BinaryMask, label: string, id = 'drawn') {
  return {
    ...{ id, type: 'brushlabels', from_name: 'tag', to_name: 'image' },
    ...{ original_width: width, original_height: height, image_rotation: 0 },
    value: { format: 'rle', rle: [...encodeBrushRleSync({ data, width, height })], brushlabels: [label] },
  };
}

function visible(concept: number, nextSeed: () => number) {
  for (;;) {
    const { image, truth } = sceneWith(concept, nextSeed);
    const cut = { data: truth.data.slice(0, truth.width * HEIGHT), width: truth.width, height: HEIGHT };
    const area = cut.data.reduce((sum, one) => sum + one, 0);
    if (area > 0.03 * cut.data.length) return { image, truth: cut };
  }
}
