/** Takes what a person accepted, edited, rejected or found absent: durable before anybody is told so. */
import { checkAnnotationKey, checkName } from '../core/common/limits.ts';
import { linesOf } from '../core/common/notice.ts';
import { coordinateNotices } from '../core/mask/coordinates.ts';
import { isProsamError, ProsamError } from '../core/common/errors.ts';
import type { AcceptRequest, Accepted } from './types.ts';
import type { AcceptedMask, AnnotationRecord, Message, Store } from './ports/storage.ts';
import type { Engine } from '../core/engine/types.ts';
import type { ServiceMetrics } from './ports/metrics.ts';
import type { Admission } from './admission.ts';
import type { Annotation, AnnotationKind } from '../core/mask/annotation.ts';
import { checkBudget, grownAnnotations, masksByLabel, parsedAnnotations, wasGrownIn010 } from './annotation-masks.ts';
import { checkAbsence, checkMaskCount } from './ports/provenance.ts';
import { describeMessage } from './embed-masks.ts';
import type { ServiceImages } from './images.ts';

/** Name of the queue the learner listens to. */
export const TRAIN = 'train';

export interface AcceptParts {
  store: Store;
  images: ServiceImages;
  engine: Pick<Engine, 'referenceMask'>;
  /** In front of the engine. */
  admission: Admission;
  /** In front of the work on pixels that is done here. */
  drawing: Admission;
  metrics: ServiceMetrics;
  now: () => number;
}

/** For drawing one annotation, in milliseconds: no request's annotations keep others waiting for longer. */
const DRAWING_MS = 60_000;

export function createAccept({ store, images, engine, admission, drawing, metrics, now }: AcceptParts) {
  return async (request: AcceptRequest, { signal }: { signal?: AbortSignal } = {}): Promise<Accepted> => {
    checkRequest(request);
    const absent = await absentLabelsOf(store, request);
    const parsed = parsedAnnotations(request.masks);
    const { project, source, externalId, revision, provenance, flagged, annotator, predictionVersion } = request;
    const slot = { client: source, priority: 'interactive' as const, signal };
    const { notices: found, ...image } = await drawing.run(slot, () => images.keep(project, request.image, { signal }));
    const said = parsed.flatMap(({ annotation }) => (annotation && !('file' in annotation) ? coordinateNotices(annotation, image) : []));
    checkBudget(parsed, image);
    const grow = async (annotation: Annotation) => {
      const stored = request.image instanceof Uint8Array ? request.image : await images.stored(image.sha256, { signal });
      const grown = await admission.run(slot, () =>
        engine.referenceMask({ image: stored, ...annotation }, { grow: true, ...(signal && { signal }) }),
      );
      return grown.mask;
    };
    const masksOf = async (isGrown?: (kind: AnnotationKind) => boolean): Promise<AcceptedMask[]> => {
      const how = { grow, ...(isGrown && { isGrown }) };
      const grown = await grownAnnotations(parsed, { ...how, signal });
      return drawing.run(slot, () => inTime((stop) => masksByLabel(grown, image, { ...how, signal: stop }), signal));
    };
    const masks = await masksOf();
    if (masks.length === 0 && request.masks.length > 0)
      throw new ProsamError('MASK_EMPTY', 'expected at least one annotation that can be drawn, got none. Mark the object and try again.');
    signal?.throwIfAborted();
    const record: AnnotationRecord = {
      ...{ project, source, externalId, revision, provenance, masks },
      image: { project, ...image, ...(request.imageExternalId !== undefined && { externalId: request.imageExternalId }) },
      ...(absent.length > 0 && { absent, absentUnnamed: request.absent === undefined }),
      ...(flagged !== undefined && { flagged }),
      ...(annotator !== undefined && { annotator }),
      ...(predictionVersion !== undefined && { predictionVersion }),
      createdMs: now(),
    };
    const messages: Message[] = [
      // What was passed over teaches nothing.
      ...(provenance === 'skipped' ? [] : [{ name: TRAIN, key: project, data: { project } }]),
      ...masks.map(({ label }) => describeMessage(project, label)),
    ];
    const stored = await storeOnce(store, record, messages, () => masksOf(wasGrownIn010));
    metrics.annotation(provenance, stored.outcome);
    return {
      ...{ outcome: stored.outcome, image, masks: stored.masks.map(({ label, area }) => ({ label, area })) },
      ...(absent.length > 0 && { absent }),
      ...linesOf(found, said),
    };
  };
}

/** An annotation that version 0.1.0 stored without SAM is the same when it comes again. @throws ANNOTATION_CONFLICT */
async function storeOnce(store: Store, record: AnnotationRecord, messages: readonly Message[], masksOf010: () => Promise<AcceptedMask[]>) {
  const accept = async (masks: readonly AcceptedMask[]) => ({
    outcome: await store.annotations.accept({ ...record, masks }, messages),
    masks,
  });
  try {
    return await accept(record.masks);
  } catch (conflict) {
    const isGrown = record.masks.some(({ sent }) => sent !== undefined);
    if (!isProsamError(conflict) || conflict.code !== 'ANNOTATION_CONFLICT' || !isGrown) throw conflict;
    // The revision is stored already, so nothing is added here. What 0.1.0 could not have drawn is the conflict it was.
    const masks = await masksOf010().catch(() => {
      throw conflict;
    });
    return accept(masks);
  }
}

/** @throws DEADLINE_EXCEEDED */
async function inTime<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const late = AbortSignal.timeout(DRAWING_MS);
  try {
    return await work(signal ? AbortSignal.any([signal, late]) : late);
  } catch (error) {
    if (!late.aborted || signal?.aborted) throw error;
    throw new ProsamError(
      'DEADLINE_EXCEEDED',
      `expected annotations that are drawn within ${DRAWING_MS / 1000} s, got more. Send fewer of them at a time, or simpler ones.`,
    );
  }
}

/** @throws REQUEST_INVALID where none are named and the project has none */
async function absentLabelsOf({ annotations }: Store, { project, provenance, absent }: AcceptRequest): Promise<string[]> {
  if (absent !== undefined || provenance !== 'absent') return [...new Set(absent)];
  const known = await annotations.concepts(project);
  if (known.length > 0) return known.map(({ label }) => label);
  throw new ProsamError(
    'REQUEST_INVALID',
    `expected the labels that are absent, got none, and the project ${project} has no masks yet. Name them in "absent".`,
  );
}

function checkRequest({ revision, provenance, masks, absent, ...request }: AcceptRequest): void {
  checkAnnotationKey(request);
  if (request.imageExternalId !== undefined) checkName('imageExternalId', request.imageExternalId, 'imageId');
  if (request.annotator !== undefined) checkName('annotator', request.annotator);
  if (request.predictionVersion !== undefined) checkName('predictionVersion', request.predictionVersion);
  masks.forEach(({ label }) => checkName('label', label, 'label'));
  if (!Number.isSafeInteger(revision) || revision < 0)
    throw new ProsamError('REQUEST_INVALID', `revision: expected a whole number from 0 to 2^53 - 1, got ${revision}.`);
  checkMaskCount(provenance, masks.length);
  if (absent === undefined) return;
  checkAbsence(
    provenance,
    absent,
    masks.map(({ label }) => label),
  );
  if (provenance === 'absent' && absent.length === 0)
    throw new ProsamError(
      'REQUEST_INVALID',
      'expected at least one label in "absent", got none. Leave it out for every label of the project.',
    );
}
