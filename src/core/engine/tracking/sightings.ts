/** Frames that show an object, read and sampled once, and kept for the next frames of the track. */
import { createByteCache } from '../../common/byte-cache.ts';
import { ProsamError } from '../../common/errors.ts';
import { kindOf } from '../../mask/annotation.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { maskExtent } from '../../mask/raster.ts';
import type { ImageReading } from '../../image/values/reading.ts';
import type { LoadedImage } from '../ports.ts';
import type { ReferenceStore } from '../references.ts';
import type { Reference } from '../types.ts';
import { boxOverlap, type Box } from './box.ts';
import { lookOf } from './look.ts';
import type { Sighting } from './step.ts';

export interface KnownSighting extends Sighting {
  image: LoadedImage;
  /** The drawn box, where one was drawn and SAM found the object in it. */
  box?: Box;
}

/** Least overlap of a drawn box and the mask that SAM found in it: else the box itself is what is followed. */
const MIN_OVERLAP = 0.5;

/** maxBytes: of frames and samples kept. */
export function createSightings(store: Pick<ReferenceStore, 'drawn'>, maxBytes: number) {
  const kept = createByteCache<Omit<KnownSighting, 'image'>>({
    maxBytes,
    sizeOf: ({ frame, look }) => frame.data.length + look.mask.data.length,
  });
  return {
    /** @throws ANNOTATION_*, MASK_*, IMAGE_* */
    async of(reference: Reference, reading: ImageReading): Promise<KnownSighting> {
      const drawn = await store.drawn(reference, { grow: false, ...reading });
      const found = await kept.get(drawn.key, async () => {
        const frame = await drawn.image.decode();
        const mask = await drawn.mask(frame);
        const { boxXyxy: box } = maskExtent(mask);
        if (box === undefined) throw new ProsamError('MASK_EMPTY', 'expected an object to follow, got an empty mask. Mark it.');
        if (kindOf(reference) !== 'box') return { frame, look: lookOf(frame, mask) };
        const grown = await (await store.drawn(reference, { grow: true, ...reading })).mask(frame);
        const { boxXyxy: extent } = maskExtent(grown);
        const fits = extent !== undefined && boxOverlap(extent, box) >= MIN_OVERLAP;
        return { frame, look: lookOf(frame, fits ? within(grown, box) : mask), box };
      });
      return { ...found, image: drawn.image };
    },
    clear: () => kept.clear(),
  };
}

/** The part of a mask inside the box: the rest is not of the object. */
function within({ data, width, height }: BinaryMask, [x0, y0, x1, y1]: Box): BinaryMask {
  const out = new Uint8Array(data.length);
  for (let y = y0; y < y1; y++) out.set(data.subarray(y * width + x0, y * width + x1), y * width + x0);
  return { data: out, width, height };
}

export type Sightings = ReturnType<typeof createSightings>;
