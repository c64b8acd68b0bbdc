/** `service.predictions`: predict, refine, prepare, and the predictions kept in the store. */
import { linesOf } from '../../core/common/notice.ts';
import { within } from '../../core/common/patience.ts';
import type { Engine, Reference } from '../../core/engine/types.ts';
import { annotationIn, parseAnnotation } from '../../core/mask/annotation.ts';
import { checkHasBytes } from '../annotation-masks.ts';
import type { Admission } from '../admission.ts';
import type { ServiceImages } from '../images.ts';
import type { ImageStore } from '../ports/storage.ts';
import type { createPredict } from '../predict.ts';
import type { PredictionLog } from '../prediction-log.ts';
import type { ErrorList } from '../recent-errors.ts';
import type { PredictionService, ServiceImage } from '../types.ts';
import { checkName, checkProject } from '../../core/common/limits.ts';

/** Longest wait for predictions that are about to be written, in milliseconds: `list` only reads. */
const FLUSH_MS = 1000;

export interface PredictionParts {
  engine: Pick<Engine, 'refine' | 'track' | 'prepare'>;
  admission: Admission;
  images: ServiceImages;
  stored: Pick<ImageStore, 'predictions'>;
  log: PredictionLog;
  predict: ReturnType<typeof createPredict>;
  listed: ErrorList['listed'];
}

export function predictionService({ engine, admission, images, stored, log, predict, listed }: PredictionParts): PredictionService {
  return {
    // A caller that goes away waits for nothing, whatever hangs.
    predict: (request, given = {}) => listed('predict', () => within(predict(request, given), given)),
    refine: (request, { signal } = {}) =>
      listed('refine', async () => {
        checkProject(request.project);
        const { input } = await images.input(request.project, request.image, { signal });
        const slot = { client: request.client ?? request.project, priority: 'interactive' as const, signal };
        const refined = await admission.run(slot, () => engine.refine(input, request.prompts, signal ? { signal } : {}));
        return { masks: refined.masks, width: refined.width, height: refined.height, ...linesOf(refined.notices) };
      }),
    track: ({ project, image, first, recent, state, client = project }, { signal } = {}) =>
      listed('track', async () => {
        checkProject(project);
        const read = async (reference: Reference<ServiceImage>): Promise<Reference> => {
          checkHasBytes(parseAnnotation(annotationIn(reference)));
          const { input } = await images.input(project, reference.image, { signal });
          return { ...reference, image: input };
        };
        const { input } = await images.input(project, image, { signal });
        const [marked, later] = [await read(first), recent && (await read(recent))];
        const slot = { client, priority: 'interactive' as const, signal };
        return admission.run(slot, () => engine.track(input, marked, { recent: later, state, ...(signal && { signal }) }));
      }),
    prepare: ({ project, image, externalId, client = project }, { signal } = {}) =>
      listed('prepare', async () => {
        checkProject(project);
        if (externalId !== undefined) checkName('externalId', externalId, 'imageId');
        const { sha256, input } = await images.input(project, image, { signal });
        const slot = { client, priority: 'interactive' as const, signal };
        const { width, height } = await admission.run(slot, () => engine.prepare(input, signal ? { signal } : {}));
        await images.remember(project, image, { sha256, width, height }, externalId);
        return { sha256, width, height };
      }),
    async list(given) {
      if (given.project !== undefined) checkProject(given.project);
      // Predictions that cannot be written now are listed another time.
      await within(log.flush(), { ms: FLUSH_MS }).catch(() => undefined);
      return stored.predictions(given);
    },
  };
}
