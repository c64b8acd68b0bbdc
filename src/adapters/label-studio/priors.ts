/** Predictions to go on from when somebody clicks: what the references say of an image, kept for the images people look at. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { createFlights } from '../../core/common/flights.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { within } from '../../core/common/patience.ts';
import type { Service } from '../../service/types.ts';
import type { MaskPrediction } from '../../core/engine/types.ts';

export interface PriorKey {
  project: string;
  /** Version of model and references. */
  version: string;
  sha256: string;
  label: string;
}

export interface Prior {
  /** SAM's own, where it drew the mask; other methods give none. */
  lowResLogits?: Float32Array;
  mask: BinaryMask;
}

export interface Priors {
  keep(key: PriorKey, mask: Pick<MaskPrediction, 'lowResLogits' | 'mask'>): void;
  /** Prior available within the time; a slower prediction is ready for the next click. Never rejects. */
  get(key: PriorKey, withinMs: number): Promise<Prior | undefined>;
}

/** A mask has a byte for each pixel of its photo, and a quarter of a megabyte of logits beside it. */
const MAX_BYTES = 128 * 2 ** 20;
/** One that takes longer is computed anew for the next click. */
const COMPUTE_MS = 120_000;

export function createPriors(service: Pick<Service, 'predictions'>, signal: AbortSignal): Priors {
  const kept = createLruMap<string, Prior>({ max: MAX_BYTES, sizeOf: bytesOf });
  const running = createFlights<Prior | undefined>({ patienceMs: COMPUTE_MS });
  const nameOf = ({ project, version, sha256, label }: PriorKey): string => JSON.stringify([project, version, sha256, label]);
  const keep: Priors['keep'] = (key, { lowResLogits, mask }) => {
    kept.set(nameOf(key), { mask, ...(lowResLogits && { lowResLogits }) });
  };
  const compute = async (key: PriorKey): Promise<Prior | undefined> => {
    const { project, sha256, label } = key;
    try {
      const { masks } = await service.predictions.predict(
        // Somebody points at the object: it is there.
        { project, image: { sha256 }, labels: [label], priority: 'interactive', options: { threshold: 0 } },
        { signal },
      );
      const [mask] = masks;
      if (mask) keep(key, mask);
    } catch {
      // Clicks are answered without it; whatever is wrong shows in predictions.
    }
    return kept.get(nameOf(key));
  };
  return {
    keep,
    async get(key, withinMs) {
      const name = nameOf(key);
      const known = kept.get(name);
      if (known) return known;
      return within(
        running.share(name, () => compute(key)),
        { ms: withinMs },
      ).catch(() => undefined);
    },
  };
}

function bytesOf({ mask, lowResLogits }: Prior): number {
  return mask.data.byteLength + (lowResLogits?.byteLength ?? 0) + 1000;
}
