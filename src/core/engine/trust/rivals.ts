/** Lookalikes of the object in images that likely do not show it: a find in another image is held against that, too. */
import { createByteCache } from '../../common/byte-cache.ts';
import { visibleIndices } from '../../image/geometry.ts';
import type { ImageMaps } from '../image-features.ts';
import { cosinesTo } from '../methods/feature-contrast.ts';
import type { MethodContext } from '../methods/method.ts';
import type { PreparedReference } from '../references.ts';
import { contentOf, unitFeatures } from './content.ts';

/** Images looked into for one label. */
export const MAX_RIVAL_IMAGES = 6;

export interface Rivals {
  /** Mean features, one for each image where any cell is closer to the object than to the rest. */
  find(context: MethodContext, references: readonly PreparedReference[], images: readonly ImageMaps[]): Promise<Float32Array[]>;
  /** Forgets everything. */
  clear(): void;
}

export function createRivals(maxBytes: number): Rivals {
  const kept = createByteCache<Float32Array>({ maxBytes, sizeOf: (content) => Math.max(1, content.byteLength) });
  return {
    async find(context, references, images) {
      const own = references.map(({ key }) => key).join(' ');
      const found: Float32Array[] = [];
      for (const image of images) {
        const content = await kept.get(`${own} ${image.key}`, () => lookalike(context, references, image));
        if (content.length > 0) found.push(content);
        context.checkpoint();
      }
      return found;
    },
    clear: () => kept.clear(),
  };
}

/** Mean feature of the cells that lead, each by its lead; empty where none does. */
async function lookalike(context: MethodContext, references: readonly PreparedReference[], image: ImageMaps): Promise<Float32Array> {
  const matching = context.networks.matching.nearest;
  const { object, rest } = await cosinesTo(context, image, references, matching);
  const unit = await unitFeatures(context, image, matching.parts);
  const weights = new Float32Array(unit.cells);
  let total = 0;
  for (const cell of visibleIndices(context.geometry, image)) {
    const lead = Math.max(0, (object[cell] as number) - (rest[cell] as number));
    weights[cell] = lead;
    total += lead;
  }
  return total > 0 ? contentOf(unit, weights) : new Float32Array();
}
