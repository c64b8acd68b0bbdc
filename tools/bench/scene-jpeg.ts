/** A 640 x 480 JPEG that looks a little like a photo. */
import sharp from 'sharp';
import { generateScene } from '../../src/scenes/index.ts';

export async function sceneJpeg(seed: number): Promise<Uint8Array> {
  const { image, width, height } = generateScene(seed, { size: 320 });
  return sharp(image, { raw: { width, height, channels: 3 } })
    .resize(640, 480, { fit: 'fill' })
    .jpeg({ quality: 90 })
    .toBuffer();
}
