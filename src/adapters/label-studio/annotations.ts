/** What people submit, as annotations of the service: one a task and image, its masks by label. */
import { isProsamError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { maskFromAnnotation } from '../../core/mask/annotation.ts';
import { inTurns, PAUSE_AFTER, type Steps } from '../../core/mask/in-turns.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { cocoRleInTurns } from '../../core/mask/rle.ts';
import type { AcceptRequest, Service } from '../../core/service-types.ts';
import { annotationOfRegion, kindOfRegion, labelsOfRegion, type RegionLimits } from '../ml-backend/read-region.ts';
import type { MlAnnotation, MlRegion, MlTask } from '../ml-backend/request-schemas.ts';
import { configOf } from './connections.ts';
import { annotatorOf, provenanceOf, revisionOf } from './provenance.ts';
import { imageOfTask, type TaskImages } from './task-images.ts';
import type { AnnotationRecorder, Connection, RecordOutcome } from './types.ts';

export interface RecorderParts {
  service: Service;
  images: TaskImages;
  log: Log;
  /** Of all annotations. */
  source: string;
  limits: RegionLimits;
}

/** Annotations that need not be looked at again, so that every batch may bring all of them. */
const MOST_SEEN = 50_000;

export function createRecorder({ service, images, log, source, limits }: RecorderParts): AnnotationRecorder {
  const seen = new Map<string, { state: string; project: string; id: number | string; task: string }>();
  const keyOf = ({ project }: Connection, id: number | string): string => JSON.stringify([project, String(id)]);

  const record: AnnotationRecorder['record'] = async (connection, task, annotation, { signal, again = false } = {}) => {
    const wanted = flagOf(task, annotation);
    const key = keyOf(connection, annotation.id);
    const state = `${revisionOf(annotation)} ${wanted}`;
    if (!again && seen.get(key)?.state === state) return 'duplicate';
    let outcome: RecordOutcome = 'nothing';
    for (const [place, [field, regions]] of regionsByField(connection, annotation).entries()) {
      const one = await acceptRegions(connection, task, annotation, { field, regions, place }, signal);
      if (place === 0 || one === 'stored') outcome = one;
    }
    seen.delete(key);
    seen.set(key, { state, project: connection.project, id: annotation.id, task: String(task.id) });
    for (const oldest of seen.keys()) {
      if (seen.size <= MOST_SEEN) break;
      seen.delete(oldest);
    }
    return outcome;
  };

  async function acceptRegions(
    connection: Connection,
    task: Pick<MlTask, 'id' | 'data' | 'meta'>,
    annotation: MlAnnotation,
    { field, regions, place }: { field: string; regions: readonly MlRegion[]; place: number },
    signal?: AbortSignal,
  ): Promise<RecordOutcome> {
    const { project } = connection;
    const of = imageOfTask(connection, task, field);
    const masks = annotation.was_cancelled ? [] : await masksOf(regions, annotation, signal);
    // Marks that cannot be read say nothing; no marks say that there is nothing to see.
    if (masks.length === 0 && regions.length > 0 && !annotation.was_cancelled) return 'nothing';
    const annotator = annotatorOf(annotation);
    const key = { project, source, externalId: externalIdOf(annotation.id, place, field) };
    const request = {
      ...key,
      revision: revisionOf(annotation),
      imageExternalId: of.externalId,
      provenance: masks.length === 0 ? ('rejected' as const) : provenanceOf(annotation),
      masks,
      flagged: annotation.ground_truth && masks.length > 0,
      ...(annotator !== undefined && { annotator }),
    };
    const accept = async (changes: Partial<AcceptRequest> = {}) =>
      images.use(of, (image) => service.accept({ ...request, ...changes, image }, signal ? { signal } : {}), signal);
    const { outcome } = await accept().catch((error: unknown) => {
      // Stored with other content under the same instant: what comes now is newer.
      if (isProsamError(error) && error.code === 'ANNOTATION_CONFLICT') return accept({ revision: request.revision + 1 });
      throw error;
    });
    const wanted = flagOf(task, annotation) && masks.length > 0;
    if (outcome !== 'outdated' && (outcome === 'duplicate' || wanted !== request.flagged)) await service.flag(key, wanted);
    return outcome;
  }

  /** One mask a label; regions that cannot be read are left out and told of. */
  async function masksOf(regions: readonly MlRegion[], annotation: MlAnnotation, signal?: AbortSignal): Promise<AcceptRequest['masks']> {
    const byLabel = new Map<string, MlRegion[]>();
    for (const region of regions) {
      for (const label of labelsOfRegion(region)) byLabel.set(label, [...(byLabel.get(label) ?? []), region]);
    }
    const masks: AcceptRequest['masks'][number][] = [];
    for (const [label, own] of byLabel) {
      let joined: BinaryMask | undefined;
      for (const region of own) {
        try {
          const drawn = await annotationOfRegion(region, limits, signal);
          if (drawn === undefined) continue;
          const { original_width: width = 0, original_height: height = 0 } = region;
          const mask = maskFromAnnotation(drawn, width, height);
          if (joined === undefined) joined = mask;
          else if (joined.width === width && joined.height === height) await inTurns(join(joined, mask), signal);
        } catch (error) {
          if (!isProsamError(error)) throw error;
          log.warn({ annotation: annotation.id, region: region.id, code: error.code }, `a region is left out: ${messageOf(error)}`);
        }
      }
      if (joined !== undefined) masks.push({ label, annotation: { kind: 'coco-rle', rle: await cocoRleInTurns(joined, signal) } });
    }
    return masks;
  }

  /** One for each image of the labeling configuration; the first one always. */
  const keysOf = (connection: Connection, annotationId: number | string) => {
    const fields = configOf(connection).images.map(({ field }) => field);
    return (fields.length > 0 ? fields : ['']).map((field, place) => ({
      ...{ project: connection.project, source },
      externalId: externalIdOf(annotationId, place, field),
    }));
  };

  const remove: AnnotationRecorder['remove'] = async (connection, annotationId) => {
    seen.delete(keyOf(connection, annotationId));
    let counted = false;
    for (const key of keysOf(connection, annotationId)) if (await service.remove(key)) counted = true;
    return counted;
  };

  return {
    record,
    remove,
    async removeTasks(connection, tasks) {
      const deleted = new Set(tasks.map(String));
      let counted = 0;
      for (const { project, id, task } of [...seen.values()]) {
        if (project === connection.project && deleted.has(task) && (await remove(connection, id))) counted++;
      }
      return counted;
    },
    async withdraw(connection, annotationId, counted) {
      seen.delete(keyOf(connection, annotationId));
      let withdrawn = false;
      for (const { externalId, revision } of counted) {
        if (await service.withdraw({ project: connection.project, source, externalId }, revision)) withdrawn = true;
      }
      return withdrawn;
    },
    async restore(connection, annotationId) {
      seen.delete(keyOf(connection, annotationId));
      for (const key of keysOf(connection, annotationId)) await service.restore(key);
    },
  };
}

/** Where a person said so on the task, that counts; otherwise the star. */
function flagOf({ meta }: Pick<MlTask, 'meta'>, { ground_truth }: MlAnnotation): boolean {
  return typeof meta.reference === 'boolean' ? meta.reference : ground_truth;
}

function externalIdOf(id: number | string, place: number, field: string): string {
  return place === 0 ? String(id) : `${id}@${field.slice(0, 200)}`;
}

/** Regions that are annotations, by the field of the task's data that holds their image; the first image always, so that skipping counts. */
function regionsByField(connection: Connection, { result }: MlAnnotation): [field: string, regions: MlRegion[]][] {
  const { images, controls } = configOf(connection);
  const prompts = new Set(controls.filter(({ smartOnly }) => smartOnly).map(({ name }) => name));
  const marks = result.filter((region) => {
    const kind = kindOfRegion(region);
    return kind !== undefined && kind !== 'keypointlabels' && !prompts.has(region.from_name);
  });
  return images
    .map(({ name, field }): [string, MlRegion[]] => [field, marks.filter(({ to_name }) => to_name === name)])
    .map((entry, place): [[string, MlRegion[]], number] => [entry, place])
    .filter(([[, regions], place]) => place === 0 || regions.length > 0)
    .map(([entry]) => entry);
}

function* join(into: BinaryMask, other: BinaryMask): Steps<undefined> {
  for (let at = 0; at < into.data.length; at++) {
    if (other.data[at] !== 0) into.data[at] = 1;
    if (at % (16 * PAUSE_AFTER) === 0) yield;
  }
}
