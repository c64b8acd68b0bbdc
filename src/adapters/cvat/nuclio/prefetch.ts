/** Fetches frames before anybody clicks in them: which frame an image is becomes known, and its features are computed. */
import type { AnswerLog } from '../annotate/answer-log.ts';
import type { Service } from '../../../service/types.ts';
import { sha256Hex } from '../../../core/common/sha256.ts';
import { frameName } from './request-image.ts';
import { projectNameOf } from '../names.ts';
import type { CvatApi, FrameIndex } from '../types.ts';

export interface PrefetchRequest {
  task: number;
  /** @default all that are not deleted */
  frames?: readonly number[];
  /** Compute their features too. @default true */
  embed?: boolean;
  signal?: AbortSignal;
  onFrame?: (progress: { done: number; total: number; frame: number }) => void;
}

export interface Prefetched {
  project: string;
  /** Frames that are known now. */
  frames: number;
  /** Number of those whose features were requested. */
  embedded: number;
}

export interface PrefetchParts {
  api: CvatApi;
  service: Pick<Service, 'predictions'>;
  frames: FrameIndex;
  name: string;
  /** Told which task the images are of, so that what was answered for them goes with it. @default not told */
  answers?: Partial<Pick<AnswerLog, 'place'>> | undefined;
}

/** One frame after the other, so that clicks find their way between them. @throws CVAT_*, IMAGE_*, or the reason of the signal */
export async function prefetchFrames(
  parts: PrefetchParts,
  { task: id, embed = true, signal, ...request }: PrefetchRequest,
): Promise<Prefetched> {
  const { api, service, frames, name, answers } = parts;
  const call = signal ? { signal } : {};
  const [task, meta] = await Promise.all([api.task(id, call), api.meta(id, call)]);
  const project = projectNameOf(name, { project_id: task.project_id, task_id: id });
  const deleted = new Set(meta.deleted_frames);
  const wanted = (request.frames ?? Array.from({ length: meta.size }, (_, i) => i)).filter((frame) => !deleted.has(frame));
  let embedded = 0;
  const images = new Set<string>();
  for (const [done, frame] of wanted.entries()) {
    signal?.throwIfAborted();
    const bytes = await api.frame({ task: id }, frame, call);
    const sha256 = await sha256Hex(bytes);
    images.add(sha256);
    frames.add(sha256, { server: api.url, task: id, frame, project });
    if (embed) {
      const externalId = frameName({ server: api.url, task: id, frame });
      await service.predictions.prepare({ project, image: bytes, externalId, client: 'cvat prefetch' }, call);
      embedded++;
    }
    request.onFrame?.({ done: done + 1, total: wanted.length, frame });
  }
  await answers?.place?.(api.url, id, images);
  return { project, frames: wanted.length, embedded };
}
