/** Generated images with a known object, for the suites. */
import { loadSharp } from '../core/image/node/load-sharp.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import type { PixelImage, Reference } from '../core/engine/types.ts';
import { conceptMask, generateScene } from '../scenes/scene.ts';

export interface TestImage {
  image: PixelImage;
  /** The object in it. */
  mask: BinaryMask;
}

/** Concept of the generated scenes that images show unless another one is asked for. */
const CUP = 31;
const MIN_SHARE = 0.03;
const MAX_TRIES = 200;

/** The first scene from this seed on in which the object is well visible. */
export function testImage(firstSeed: number, size = 128, concept = CUP): TestImage {
  for (let seed = firstSeed; seed < firstSeed + MAX_TRIES; seed++) {
    const scene = generateScene(seed, { force: [concept], size });
    const mask = { data: conceptMask(scene, concept), width: scene.width, height: scene.height };
    if (areaOf(mask) < MIN_SHARE * mask.data.length) continue;
    return { image: { data: scene.image, width: scene.width, height: scene.height, channels: 3 }, mask };
  }
  throw new Error(`expected a scene with concept ${concept} after seed ${firstSeed}, found none`);
}

export function areaOf({ data }: BinaryMask): number {
  return data.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
}

export function referenceOf({ image, mask }: TestImage, label?: string): Reference {
  return { image, mask, ...(label !== undefined && { label }) };
}

export async function pngOf({ image: { data, width, height, channels = 3 } }: TestImage): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}
