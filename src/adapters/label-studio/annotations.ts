/** Submitted annotations, translated for the service: one per task and image, masks by label. */
import { createLruMap } from '../../core/common/lru-map.ts';
import { storableText } from '../../core/common/limits.ts';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Provenance } from '../../service/ports/provenance.ts';
import { everyAnnotation } from '../../service/every-annotation.ts';
import type { AcceptRequest, DeferredAnnotation, Service } from '../../service/types.ts';
import { annotationOfRegion, kindOfRegion, labelsOfRegion, type RegionLimits } from './protocol/read-region.ts';
import type { ImageObject } from './protocol/label-config.ts';
import type { MlAnnotation, MlRegion, MlTask } from './protocol/request-schemas.ts';
import { configOfTask, pagesOf, valueAt } from './protocol/task-data.ts';
import { configOf } from './connection/connections.ts';
import { annotatorOf, provenanceOf, revisionOf } from './provenance.ts';
import { retried } from './with-retry.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { AnnotationRecorder, Connection, RecordOutcome } from './types.ts';

export interface RecorderParts {
  service: Pick<Service, 'annotations'>;
  images: TaskImages;
  log: Log;
  /** Source of all annotations. */
  source: string;
  limits: RegionLimits;
}

/** Annotations that need not be looked at again, so that every batch may bring all of them. */
const MAX_SEEN = 50_000;

export function createRecorder({ service, images, log, source, limits }: RecorderParts): AnnotationRecorder {
  const seen = createLruMap<string, { state: string; project: string; id: number | string; task: string }>({ max: MAX_SEEN });
  const keyOf = ({ project }: Connection, id: number | string): string => JSON.stringify([project, String(id)]);

  const record: AnnotationRecorder['record'] = async (connection, task, annotation, { signal, again = false } = {}) => {
    const wanted = flagOf(task, annotation);
    const key = keyOf(connection, annotation.id);
    const state = `${revisionOf(annotation)} ${wanted}`;
    if (!again && seen.get(key)?.state === state) return 'duplicate';
    let outcome: RecordOutcome = 'nothing';
    for (const [at, place] of placesOf(connection, task).entries()) {
      const one = await acceptRegions(connection, task, annotation, place, signal);
      if (at === 0 || one === 'stored') outcome = one;
      // Deleted, or replaced by a newer one: so are its other images.
      if (at === 0 && one === 'outdated') break;
    }
    seen.set(key, { state, project: connection.project, id: annotation.id, task: String(task.id) });
    return outcome;
  };

  async function acceptRegions(
    connection: Connection,
    task: Pick<MlTask, 'id' | 'data' | 'meta'>,
    annotation: MlAnnotation,
    place: Place,
    signal?: AbortSignal,
  ): Promise<RecordOutcome> {
    const { project } = connection;
    const key = { project, source, externalId: externalIdOf(annotation.id, place) };
    const regions = regionsAt(place, connection, annotation);
    const revision = revisionOf(annotation);
    const said = provenanceOf(annotation);
    const isAbsent = said === 'absent' && isGiven(task, place);
    if (!place.isFirst && regions.length === 0 && !isAbsent) {
      // Nothing is said of this image any more.
      await service.annotations.withdraw(key, revision);
      return 'nothing';
    }
    const of = imageOfTask(connection, task, place.image, place.page);
    const left = { count: annotation.unread ?? 0 };
    const masks = annotation.was_cancelled ? [] : marksOf(regions, annotation, left);
    // Annotations that cannot be read say nothing; none say that there is nothing to see.
    if (masks.length === 0 && regions.length > 0 && !annotation.was_cancelled) return 'nothing';
    const annotator = annotatorOf(annotation);
    const absent = labelsOn(connection, task, place);
    const withoutMasks = said === 'absent' && absent.length > 0 ? { provenance: said, absent } : { provenance: whereNothing(said) };
    const request = {
      ...{ ...key, revision, imageExternalId: of.externalId, masks },
      ...(masks.length === 0 ? withoutMasks : { provenance: said }),
      flagged: annotation.ground_truth && masks.length > 0,
      ...(annotator !== undefined && { annotator }),
    };
    const whileOpen = signal ?? new AbortController().signal;
    const accept = async (changes: Partial<AcceptRequest> = {}) =>
      images.use(
        of,
        (image) => retried(() => service.annotations.accept({ ...request, ...changes, image }, { signal: whileOpen }), whileOpen),
        whileOpen,
      );
    const newer = async (changes: Partial<AcceptRequest> = {}) =>
      accept(changes).catch((error: unknown) => {
        // Stored with other content under the same instant: what comes now is newer.
        if (isProsamError(error) && error.code === 'ANNOTATION_CONFLICT') return accept({ ...changes, revision: revision + 1 });
        throw error;
      });
    const accepted = await newer().catch((error: unknown) => {
      if (!isProsamError(error) || error.code !== 'MASK_EMPTY') throw error;
      // Every pixel of every region was erased: that is an empty submit, too.
      const isErased = left.count === 0 && absent.length > 0;
      return isErased ? newer({ provenance: 'absent', absent, masks: [], flagged: false }) : undefined;
    });
    // Annotations that cannot be read say nothing.
    if (accepted === undefined) return 'nothing';
    const { outcome } = accepted;
    const wanted = flagOf(task, annotation) && masks.length > 0;
    if (outcome !== 'outdated' && (outcome === 'duplicate' || wanted !== request.flagged)) await service.annotations.flag(key, wanted);
    return outcome;
  }

  /** Annotation of each region, read when the service draws them; regions that cannot be read are left out and reported. */
  function marksOf(regions: readonly MlRegion[], annotation: MlAnnotation, left: { count: number }): AcceptRequest['masks'] {
    return regions.flatMap((region) => labelsOfRegion(region).map((label) => ({ label, draw: markOf(region, annotation, left) })));
  }

  function markOf(region: MlRegion, annotation: MlAnnotation, left: { count: number }): DeferredAnnotation {
    return async ({ width, height, signal, paint }) => {
      try {
        checkSize(region, width, height);
        const drawn = await annotationOfRegion(region, limits, signal);
        if (drawn === undefined) left.count++;
        // Without a pixel there is no mask, and no wrong one either.
        else if (!('mask' in drawn) || (drawn.mask as BinaryMask).data.includes(1)) await paint(drawn);
      } catch (error) {
        // Leaving out what is too much, or of another image, would store a mask that nobody drew.
        if (!isProsamError(error) || error.code === 'REQUEST_TOO_LARGE' || error.code === 'MASK_SIZE_MISMATCH') throw error;
        left.count++;
        log.warn({ annotation: annotation.id, region: region.id, code: error.code }, `a region is left out: ${messageOf(error)}`);
      }
    };
  }

  const remove: AnnotationRecorder['remove'] = async (connection, annotationId) => {
    seen.delete(keyOf(connection, annotationId));
    let counted = false;
    for (const externalId of await idsOf(connection, annotationId))
      if (await service.annotations.delete({ project: connection.project, source, externalId })) counted = true;
    return counted;
  };

  /** Names of its records: one for each image of the labeling configuration, or, of lists of images, those that count. */
  async function idsOf(connection: Connection, annotationId: number | string): Promise<Set<string>> {
    const ids = new Set(placesOf(connection).map((place) => externalIdOf(annotationId, place)));
    if (configOf(connection).images.every(({ pages }) => pages !== true)) return ids;
    for await (const { source: from, externalId } of everyAnnotation(service, connection.project))
      if (from === source && externalId.startsWith(`${annotationId}@`)) ids.add(externalId);
    return ids;
  }

  return {
    record,
    remove,
    async removeTasks(connection, tasks) {
      const deleted = new Set(tasks.map(String));
      let counted = 0;
      for (const { project, id, task } of seen.values()) {
        if (project === connection.project && deleted.has(task) && (await remove(connection, id))) counted++;
      }
      return counted;
    },
    async withdraw(connection, annotationId, counted) {
      seen.delete(keyOf(connection, annotationId));
      let withdrawn = false;
      for (const { externalId, revision } of counted) {
        if (await service.annotations.withdraw({ project: connection.project, source, externalId }, revision)) withdrawn = true;
      }
      return withdrawn;
    },
    async restore(connection, task, annotationId) {
      seen.delete(keyOf(connection, annotationId));
      for (const place of placesOf(connection, task))
        await service.annotations.restore({ project: connection.project, source, externalId: externalIdOf(annotationId, place) });
    },
  };
}

/** Flag of an annotation: an explicit flag on the task wins; otherwise the star. */
function flagOf({ meta }: Pick<MlTask, 'meta'>, { ground_truth }: MlAnnotation): boolean {
  return typeof meta.reference === 'boolean' ? meta.reference : ground_truth;
}

/** An image of a task, as the labeling configuration shows it. */
interface Place {
  image: ImageObject;
  /** From 0; of an object with one image always 0. */
  page: number;
  isFirst: boolean;
}

/** Every image of the configuration: each page of a task's lists, or, without a task, the first of each. */
function placesOf(connection: Connection, task?: Pick<MlTask, 'data'>): Place[] {
  return configOf(connection).images.flatMap((image, object) =>
    Array.from({ length: task ? pagesOf(image, task.data) : 1 }, (_, page) => ({ image, page, isFirst: object + page === 0 })),
  );
}

function externalIdOf(id: number | string, { image: { field }, page, isFirst }: Place): string {
  if (isFirst) return String(id);
  return `${id}@${storableText(field.slice(0, 200))}${page === 0 ? '' : `[${page}]`}`;
}

/** Regions that are annotations of an image: none where nothing is marked in it. */
function regionsAt({ image: { name, pages }, page }: Place, connection: Connection, { result }: MlAnnotation): MlRegion[] {
  const prompts = new Set(
    configOf(connection)
      .controls.filter(({ smartOnly }) => smartOnly)
      .map((control) => control.name),
  );
  return result.filter((region) => {
    const kind = kindOfRegion(region);
    const here = region.to_name === name && (pages !== true || (region.item_index ?? 0) === page);
    return here && kind !== undefined && kind !== 'keypointlabels' && !prompts.has(region.from_name);
  });
}

/** Labels people can mark in an image of a task. */
function labelsOn(connection: Connection, task: Pick<MlTask, 'data'>, { image: { field } }: Place): string[] {
  const { images, controls } = configOfTask(configOf(connection), task.data);
  const names = new Set(images.filter((image) => image.field === field).map(({ name }) => name));
  return [...new Set(controls.filter(({ toName, smartOnly }) => names.has(toName) && !smartOnly).flatMap(({ labels }) => labels))];
}

/** The first image always is; of several, some tasks have less. */
function isGiven(task: Pick<MlTask, 'data'>, { image: { field }, isFirst }: Place): boolean {
  return isFirst || valueAt(task.data, field) !== undefined;
}

/** Nothing is marked in this image: whether it was passed over, or only nothing is known. */
function whereNothing(said: Provenance): Provenance {
  return said === 'skipped' ? said : 'rejected';
}

/** Percent and masks are of the size the region names. @throws MASK_SIZE_MISMATCH */
function checkSize({ original_width, original_height }: MlRegion, width: number, height: number): void {
  if (original_width === undefined || original_height === undefined) return;
  if (original_width === width && original_height === height) return;
  throw new ProsamError(
    'MASK_SIZE_MISMATCH',
    `expected regions of the upright image's ${width} x ${height} pixels, got one of ${original_width} x ${original_height}. ` +
      'Label the image again: it has been replaced since.',
  );
}
