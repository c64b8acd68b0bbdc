/** Gives accepted masks the vectors that tell like from unlike, when the engine has time for it. */
import { isProsamError, messageOf } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import type { AnnotationStore, Message } from './ports/storage.ts';
import type { Engine } from '../core/engine/types.ts';
import type { Admission } from './admission.ts';
import type { ServiceImages } from './images.ts';
import type { ReferenceSets } from './references.ts';

export const DESCRIBE = 'describe';

export interface DescribeParts {
  engine: Pick<Engine, 'embedObject'>;
  annotations: AnnotationStore;
  images: ServiceImages;
  references: ReferenceSets;
  admission: Admission;
  log: Log;
}

export function describeMessage(project: string, label: string): Message {
  return { name: DESCRIBE, key: JSON.stringify([project, label]), data: { project, label } };
}

/** Handles a message: all masks of the concept that could be references and have no vector yet. */
export function createDescribeWorker({ engine, annotations, images, references, admission, log }: DescribeParts) {
  return async (data: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
    const { project, label } = data as { project: string; label: string };
    let described = 0;
    for (const mask of await annotations.candidates(project, label, 200)) {
      if (mask.feature !== undefined) continue;
      try {
        const image = await images.stored(mask.sha256, { signal });
        const feature = await admission.run({ client: DESCRIBE, priority: 'batch', signal }, () =>
          engine.embedObject({ image, rle: mask.rle }, { signal }),
        );
        await annotations.describe(mask.id, feature);
        described++;
      } catch (error) {
        // It stays without a vector until its bytes are there again; those behind it need not wait for that.
        if (isProsamError(error) && error.code === 'BLOB_DAMAGED') {
          log.warn({ project, label, image: mask.sha256 }, 'an image that cannot be read is described later');
          continue;
        }
        // A mask too small for the feature grid has no vector, today or later; anything else is worth another try.
        if (!isProsamError(error) || error.status !== 422) throw error;
        log.warn({ project, label, mask: mask.id, error: messageOf(error) }, 'mask without a vector');
        await annotations.describe(mask.id, new Float32Array(1));
      }
    }
    if (described > 0) references.forget(project, label);
  };
}
