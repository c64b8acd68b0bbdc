/** Reads a job that people are done with back from CVAT and hands what it teaches to the service. */
import { isProsamError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Service, ServiceImage } from '../../core/service-types.ts';
import { frameName, sha256InTurns } from './asked-image.ts';
import { lessonsFrom, type Lesson } from './compare-shapes.ts';
import { isDone } from './job-events.ts';
import { projectNameOf } from './names.ts';
import type { CvatJob, CvatMeta } from './rest-types.ts';
import { annotationFromShape } from './shape-annotation.ts';
import type { CvatApi, FrameBook, UploadBook } from './types.ts';

export interface LearnParts {
  api: CvatApi;
  service: Pick<Service, 'accept' | 'remove' | 'annotations'>;
  uploads?: UploadBook;
  frames: FrameBook;
  /** Of this installation of CVAT, in names of projects. */
  name: string;
  log: Log;
}

/** Lessons by what became of them. */
export interface Learned {
  project: string;
  stored: number;
  known: number;
  removed: number;
  /** With what the log says of them. */
  failed: number;
}

/** Resolves to undefined where the job is not done any more. May be repeated: the same state of a job is stored once. */
export async function learnJob(parts: LearnParts, id: number, signal?: AbortSignal): Promise<Learned | undefined> {
  const { api, service, uploads, name, log } = parts;
  const call = signal ? { signal } : {};
  const job = await api.job(id, call);
  if (!isDone(job)) return undefined;
  const [labels, meta, annotations] = await Promise.all([
    api.labels({ job: id }, call),
    api.meta(job.task_id, call),
    api.annotations({ job: id }, call),
  ]);
  const uploaded = (await uploads?.uploaded(api.url, job.task_id)) ?? [];
  const range = { from: job.start_frame, to: job.stop_frame, groundTruth: job.type === 'ground_truth' };
  const names = new Map(labels.map((label) => [label.id, label.name]));
  const deleted = new Set(meta.deleted_frames);
  const lessons = lessonsFrom(annotations, uploaded, range).filter((one) => names.has(one.label) && !deleted.has(one.frame));
  const project = projectNameOf(name, job);
  const learned: Learned = { project, stored: 0, known: 0, removed: 0, failed: 0 };
  const revision = revisionOf(job.updated_date);
  const kept = new Set<string>();
  const imageOf = imagesOf(parts, job, project, signal);
  for (const lesson of lessons) {
    const externalId = `${prefixOf(job)}frame-${lesson.frame}/label-${lesson.label}`;
    kept.add(externalId);
    const key = { project, source: name, externalId, revision };
    try {
      const outcome = await handIn(
        parts,
        key,
        lesson,
        { label: names.get(lesson.label) as string, size: sizeOf(meta, lesson.frame), image: imageOf },
        signal,
      );
      learned[outcome === 'stored' ? 'stored' : 'known']++;
    } catch (error) {
      // What is wrong with one shape says nothing about the others; what is wrong with the service does.
      if (!isProsamError(error) || error.status >= 500 || error.status === 429) throw error;
      learned.failed++;
      log.warn({ job: id, frame: lesson.frame, code: error.code }, `cvat: one frame cannot be learned from: ${messageOf(error)}`);
    }
  }
  for (const externalId of await countedBefore(service, project, name, prefixOf(job))) {
    if (kept.has(externalId)) continue;
    if (await service.remove({ project, source: name, externalId }, revision)) learned.removed++;
  }
  log.info({ job: id, ...learned }, 'cvat: a job was read back');
  return learned;
}

interface Known {
  label: string;
  size: { width: number; height: number };
  image: (frame: number, fresh: boolean) => Promise<ServiceImage>;
}

async function handIn(
  { service, api }: LearnParts,
  key: { project: string; source: string; externalId: string; revision: number },
  { frame, provenance, shapes }: Lesson,
  { label, size: { width, height }, image }: Known,
  signal: AbortSignal | undefined,
) {
  const masks = shapes.map((shape) => ({ label, annotation: annotationFromShape(shape, width, height) }));
  const task = Number(/task-(\d+)/.exec(key.externalId)?.[1]);
  const imageExternalId = frameName({ server: api.url, task, frame });
  const accept = async (fresh: boolean) =>
    (await service.accept({ ...key, image: await image(frame, fresh), imageExternalId, provenance, masks }, signal ? { signal } : {}))
      .outcome;
  try {
    return await accept(false);
  } catch (error) {
    // The hash is known here, the image not in this project.
    if (!isProsamError(error) || error.code !== 'IMAGE_UNKNOWN') throw error;
    return await accept(true);
  }
}

/** The hash of a frame where it is known, else its bytes; the last ones are kept, for labels of one frame follow each other. */
function imagesOf(
  { api, frames }: LearnParts,
  { task_id: task }: CvatJob,
  project: string,
  signal: AbortSignal | undefined,
): Known['image'] {
  let last: { frame: number; bytes: Uint8Array } | undefined;
  return async (frame, fresh) => {
    const sha256 = frames.sha256Of(api.url, task, frame);
    if (sha256 !== undefined && !fresh) return { sha256 };
    if (last?.frame === frame) return last.bytes;
    const bytes = await api.frame({ task }, frame, signal ? { signal } : {});
    frames.add(await sha256InTurns(bytes), { server: api.url, task, frame, project });
    last = { frame, bytes };
    return bytes;
  };
}

function prefixOf({ id, task_id }: CvatJob): string {
  return `task-${task_id}/job-${id}/`;
}

/** A video has one entry for all its frames. */
export function sizeOf({ frames }: CvatMeta, frame: number): { width: number; height: number } {
  return frames[frame] ?? (frames[0] as { width: number; height: number });
}

/** Microseconds since 1970, as CVAT's dates have them: later states of a job replace earlier ones. */
export function revisionOf(date: string | undefined): number {
  const milliseconds = Date.parse(date ?? '');
  if (Number.isNaN(milliseconds)) return 0;
  const micro = /\.\d{3}(\d{3})/.exec(date ?? '')?.[1] ?? '0';
  return milliseconds * 1000 + Number(micro);
}

const PAGE = 1000;

async function countedBefore(service: LearnParts['service'], project: string, source: string, prefix: string): Promise<string[]> {
  const ids: string[] = [];
  for (let before: number | undefined; ;) {
    const page = await service.annotations(project, { limit: PAGE, ...(before !== undefined && { before }) });
    for (const one of page) if (one.source === source && one.externalId.startsWith(prefix)) ids.push(one.externalId);
    before = page.at(-1)?.sequence;
    if (page.length < PAGE || before === undefined) return ids;
  }
}
