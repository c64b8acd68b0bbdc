/** Hands what a frame teaches to the service: once for each state, with the image only where it is not known there. */
import { createHash } from 'node:crypto';
import { isProsamError } from '../../../core/common/errors.ts';
import type { Service, ServiceImage } from '../../../service/types.ts';
import { sha256Hex } from '../../../core/common/sha256.ts';
import { frameName } from '../nuclio/request-image.ts';
import type { Lesson } from './compare-shapes.ts';
import { projectNameOf } from '../names.ts';
import type { ReviewLog } from './review-log.ts';
import type { CvatJob } from '../api/types.ts';
import { outlinedShape } from '../shape-annotation.ts';
import type { CvatApi, FrameIndex } from '../types.ts';

export interface HandInParts {
  api: CvatApi;
  service: Pick<Service, 'annotations'>;
  frames: FrameIndex;
  reviews: ReviewLog;
  /** Name of this CVAT installation, used in project names. */
  name: string;
}

export interface HandInRequest {
  job: CvatJob;
  lesson: Lesson;
  externalId: string;
  /** Name of the label. */
  label: string;
  size: { width: number; height: number };
  /** Revision that counts in the service now. */
  counted: number | undefined;
  /** Date of the job, in microseconds. */
  atUs: number;
  /** False: what else happened to the frame is not sure, so that shapes that are the same say nothing new. */
  settled: boolean;
}

/** Resolves to false where the same counted before. @throws what `service.annotations.accept` throws; CVAT_* */
export function createHandIn(
  { api, service, frames, reviews, name }: HandInParts,
  signal: AbortSignal | undefined,
): (request: HandInRequest) => Promise<boolean> {
  const call = signal ? { signal } : {};
  /** Labels of one frame follow each other. */
  let last: { task: number; frame: number; bytes: Uint8Array } | undefined;
  const imageOf = async ({ task_id: task }: CvatJob, frame: number, project: string, fresh: boolean): Promise<ServiceImage> => {
    const sha256 = frames.sha256Of(api.url, task, frame);
    if (sha256 !== undefined && !fresh) return { sha256 };
    if (last?.frame === frame && last.task === task) return last.bytes;
    const bytes = await api.frame({ task }, frame, call);
    frames.add(await sha256Hex(bytes), { server: api.url, task, frame, project });
    last = { task, frame, bytes };
    return bytes;
  };

  return async ({ job, lesson, externalId, label, size: { width, height }, counted, atUs, settled }) => {
    const { frame, provenance, shapes } = lesson;
    const task = job.task_id;
    const project = projectNameOf(name, job);
    const content = hashOf([project, label, width, height, shapes]);
    const said = `${content} ${provenance}`;
    const before = (await reviews.task(api.url, task)).handedIn(externalId);
    const isSame = before?.lesson === said || (!settled && before?.lesson?.startsWith(`${content} `));
    if (isSame === true && before?.revision === counted) return false;
    const masks = shapes.map((shape) => ({ label, ...outlinedShape(shape, width, height) }));
    const key = {
      project,
      source: name,
      externalId,
      imageExternalId: frameName({ server: api.url, task, frame }),
      provenance,
      masks,
      ...(provenance === 'absent' && { absent: [label] }),
    };
    const accept = async (revision: number): Promise<boolean> => {
      const once = async (fresh: boolean) =>
        (await service.annotations.accept({ ...key, revision, image: await imageOf(job, frame, project, fresh) }, call)).outcome;
      const outcome = await once(false).catch((error: unknown) => {
        // The hash is known here, the image not in this project.
        if (isProsamError(error) && error.code === 'IMAGE_UNKNOWN') return once(true);
        throw error;
      });
      await reviews.add(api.url, task, [{ key: externalId, revision, lesson: said }]);
      return outcome === 'stored';
    };
    // The same again has the same revision; anything else a later one than all before, whatever the date says.
    const isAgain = before?.lesson === said && before.revision >= (counted ?? 0);
    const revision = isAgain ? before.revision : Math.max(atUs, counted ?? 0, before === undefined ? 0 : before.revision + 1);
    try {
      return await accept(revision);
    } catch (error) {
      if (!isProsamError(error) || error.code !== 'ANNOTATION_CONFLICT') throw error;
      return accept(revision + 1);
    }
  };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}
