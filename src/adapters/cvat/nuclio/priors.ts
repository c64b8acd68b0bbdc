/** Predictions from the references for a frame, kept while it is being clicked. */
import { createByteCache } from '../../../core/common/byte-cache.ts';
import { ProsamError } from '../../../core/common/errors.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { Service } from '../../../service/types.ts';
import type { AskedImage } from './request-image.ts';
import { cropMask } from './crop.ts';
import type { Concepts, Functions } from './functions.ts';
import { frameName } from './request-image.ts';
import type { PixelBox } from '../../../core/mask/cvat-rle.ts';

/** One concept's mask in a frame. */
export interface Prior {
  label: string;
  score: number;
  box: PixelBox;
  /** Cut to the box. */
  mask: BinaryMask;
  /** For SAM to go on from. */
  lowResLogits: Float32Array;
}

export interface Priors {
  /** Best first; none where the frame's project has no references. only: the one project that may be looked into. */
  of(image: AskedImage, options: { client: string; signal: AbortSignal; only?: string }): Promise<Prior[]>;
}

const CACHE_BYTES = 128 * 2 ** 20;
/** A click waits for them. */
const MAX_LABELS = 10;
/** One that takes longer is computed anew for the next click. */
const COMPUTE_MS = 120_000;

/** project: of frames nobody knows. @default the only one with references */
export function createPriors(service: Pick<Service, 'predictions'>, functions: Functions, project?: string): Priors {
  const cache = createByteCache<Prior[]>({
    ...{ maxBytes: CACHE_BYTES, sizeOf: sizeOfAll, patienceMs: COMPUTE_MS },
    late: () =>
      new ProsamError('DEADLINE_EXCEEDED', `Expected what the references say within ${COMPUTE_MS / 1000} s, got nothing. Click again.`),
  });
  const ask = async ({ bytes, known }: AskedImage, { project: where, labels }: Concepts, client: string): Promise<Prior[]> => {
    const { masks } = await service.predictions.predict({
      ...{ project: where, image: bytes, labels: labels.slice(0, MAX_LABELS), client },
      // Somebody points at the object: it is there.
      options: { threshold: 0 },
      ...(known ? { externalId: frameName(known) } : { remember: false }),
    });
    const priors = masks.flatMap(({ label, quality, boxXyxy, mask, lowResLogits }) =>
      boxXyxy && lowResLogits ? [{ label, score: quality.score, box: boxXyxy, mask: cropMask(mask, boxXyxy), lowResLogits }] : [],
    );
    return priors.sort((a, b) => b.score - a.score);
  };
  return {
    async of(image, { client, signal, only }) {
      const all = await functions.concepts();
      const where = only ?? image.known?.project ?? project ?? (all.length === 1 ? all[0]?.project : undefined);
      const concepts = all.find((one) => one.project === where);
      if (concepts === undefined) return [];
      // Shared by all who click in this frame, so nobody's going away may end it; one's own waiting it does.
      return cache.get(`${image.sha256} ${concepts.version} ${concepts.project}`, () => ask(image, concepts, client), { signal });
    },
  };
}

function sizeOfAll(priors: readonly Prior[]): number {
  return priors.reduce((sum, { mask, lowResLogits }) => sum + mask.data.byteLength + lowResLogits.byteLength, 1000);
}
