/** Frames of a task filled by an agent: the concepts that CVAT's user chose, as shapes of the task's labels. */
import { DEFAULT_MIN_INSTANCE_SHARE } from '../../../core/engine/defaults.ts';
import { sha256Hex } from '../../../core/common/sha256.ts';
import { everyLabel } from '../../../service/every-label.ts';
import type { PredictionService } from '../../../service/types.ts';
import { formDigest, type AnsweredShape, type AnswerLog } from '../annotate/answer-log.ts';
import { formFor, shapesOfMask } from '../annotate/new-shapes.ts';
import { groupNumber } from '../annotate/parts.ts';
import type { CvatClient } from '../api/client.ts';
import type { NewCvatShape } from '../api/types.ts';

export interface AgentDetectorParts {
  client: Pick<CvatClient, 'labels' | 'url'>;
  service: { predictions: Pick<PredictionService, 'predict'> };
  /** Project whose references are used. */
  project: string;
  /** Pixels an outline may deviate. */
  tolerance: number;
  /** Least probability of a concept where CVAT names none. @default the service's */
  threshold?: number | undefined;
  /** One shape, or group of outlines, for each object. @default false */
  instances?: boolean;
  /** Smallest part that gets a shape of its own, as a share of the largest, 0 to 1. @default 0.05 */
  leastPart?: number;
  /** Record of what is answered, so that it can be taken back. @default none */
  answers?: Pick<AnswerLog, 'add'>;
  /** Told of parts that were too small for a shape of their own. */
  onLeftOut?: (parts: { task: number; frame: number; label: string; leftOut: number }) => void;
}

export interface AgentDetectorRequest {
  task: number;
  frames: readonly number[];
  /** Labels of the task by those of the project. @default the same names */
  mapping?: Readonly<Record<string, { name: string }>> | null | undefined;
  threshold?: number | null | undefined;
  /** Outlines instead of masks. */
  conv_mask_to_poly?: boolean | null | undefined;
}

export interface AgentDetectorContext {
  /** A frame, or the region of it that was asked for. */
  imageOf: (frame: number) => Promise<Uint8Array>;
  /** False for regions: their shapes are moved by CVAT, and not recorded. */
  isWhole: boolean;
  signal: AbortSignal;
  /** 0..1 */
  onProgress: (share: number) => void;
}

/** @throws CVAT_*, REFERENCE_MISSING, IMAGE_*, ... */
export async function detectFrames(
  parts: AgentDetectorParts,
  { task, frames, mapping: names, threshold, conv_mask_to_poly: poly }: AgentDetectorRequest,
  { imageOf, isWhole, signal, onProgress }: AgentDetectorContext,
): Promise<{ tags: []; shapes: object[] }> {
  const { client, service, project, tolerance, instances = false, leastPart, onLeftOut } = parts;
  const known = (await client.labels({ task }, { signal })).filter(({ parent_id: parent }) => parent === null);
  const targets = new Map(known.map((one) => [one.name, one]));
  const least = threshold ?? parts.threshold;
  const options = { ...(instances && { instances: true }), ...(least !== undefined && { threshold: least }) };
  const shapes: object[] = [];
  for (const [i, frame] of frames.entries()) {
    const image = await imageOf(frame);
    const sha256 = await sha256Hex(image);
    const answered: AnsweredShape[] = [];
    const priority = frames.length > 1 ? ('batch' as const) : ('interactive' as const);
    for await (const { masks } of everyLabel(service, { project, image, priority, options }, { signal })) {
      for (const { label, mask, instances: objects } of masks) {
        // CVAT lists what its user chose; what is not there was not asked for.
        const name = names ? names[label]?.name : label;
        const target = name === undefined ? undefined : targets.get(name);
        // A label that takes boxes alone gets boxes: CVAT would store a mask there that nobody can edit.
        const form = target && formFor(target, poly === true ? 'polygon' : 'mask');
        if (target === undefined || form === undefined) continue;
        let groups = 0;
        const how = { form, tolerance, minShare: DEFAULT_MIN_INSTANCE_SHARE, newGroup: () => groupNumber(sha256, label, groups++) };
        const own = { ...(instances && objects && { parts: objects }), ...(leastPart !== undefined && { leastPart }) };
        const made = await shapesOfMask(mask, { frame, label_id: target.id }, { ...how, ...own });
        shapes.push(...made.shapes.map((shape: NewCvatShape) => ({ ...shape, source: 'auto' })));
        answered.push(...made.shapes.map((shape) => ({ label: target.name, forms: [formDigest(shape)], group: shape.group ?? 0 })));
        if (made.leftOut > 0) onLeftOut?.({ task, frame, label, leftOut: made.leftOut });
      }
    }
    if (isWhole) await parts.answers?.add(sha256, answered, { server: client.url, task });
    onProgress((i + 1) / frames.length);
  }
  return { tags: [], shapes };
}
