/** Schemas of CVAT's responses, limited to the fields in use: parsed once, bounded, unknown fields dropped. */
import { z } from 'zod';

export type {
  CvatAnnotations,
  CvatAttribute,
  CvatDelivery,
  CvatJob,
  CvatLabel,
  CvatMeta,
  CvatProject,
  CvatShape,
  CvatTask,
  CvatTrack,
  CvatWebhook,
} from './records.ts';

const id = z.int().min(0);
const MAX_POINTS = 10_000_000;

const shapeFields = {
  /** 'manual', 'auto', 'semi-auto', 'file', 'consensus' and whatever comes. */
  source: z.string().max(100).catch('manual').default('manual'),
  attributes: z.array(z.unknown()).catch([]).default([]),
};
/** Kept whole: deleting a shape takes all of it. */
export const cvatShape = z.looseObject({
  id,
  type: z.string().max(30),
  frame: z.int(),
  label_id: id,
  points: z.array(z.number()).max(MAX_POINTS).catch([]),
  rotation: z.number().catch(0).default(0),
  ...shapeFields,
});
const trackShape = z.looseObject({
  type: z.string().max(30),
  frame: z.int(),
  points: z.array(z.number()).max(MAX_POINTS).catch([]),
  rotation: z.number().catch(0).default(0),
  outside: z.boolean().catch(false).default(false),
  attributes: z.array(z.unknown()).catch([]).default([]),
});
export const cvatTrack = z.looseObject({ id, frame: z.int(), label_id: id, shapes: z.array(trackShape), ...shapeFields });
export const cvatAnnotations = z.object({
  version: z.int().catch(0).default(0),
  shapes: z.array(cvatShape),
  tracks: z.array(cvatTrack).default([]),
});

export const cvatProject = z.object({ id, name: z.string() });
export const cvatTask = z.object({
  id,
  name: z.string(),
  project_id: id.nullable(),
  /** 'annotation' for images, 'interpolation' for videos. */
  mode: z.string().catch('annotation'),
  dimension: z.string().catch('2d').default('2d'),
  media_type: z.string().catch('').default(''),
});
export const cvatJob = z.object({
  id,
  task_id: id,
  project_id: id.nullable().catch(null),
  start_frame: z.int(),
  stop_frame: z.int(),
  state: z.string(),
  stage: z.string(),
  /** 'annotation', 'ground_truth' or 'consensus_replica'. */
  type: z.string().catch('annotation').default('annotation'),
  /** Parent job of a replica. */
  parent_job_id: id.nullable().catch(null).default(null),
  dimension: z.string().catch('2d').default('2d'),
  media_type: z.string().catch('').default(''),
  updated_date: z.string().optional(),
});
export const cvatLabel = z.object({
  id,
  name: z.string(),
  /** The only shape the label takes; 'any' for all. */
  type: z.string().catch('any').default('any'),
  attributes: z
    .array(
      z.object({
        ...{ id: id.optional(), name: z.string(), values: z.array(z.string()).catch([]).default([]) },
        /** 'select', 'radio', 'checkbox', 'number' or 'text'. */
        input_type: z.string().catch('text').default('text'),
        mutable: z.boolean().catch(false).default(false),
        default_value: z.string().catch('').default(''),
      }),
    )
    .catch([])
    .default([]),
  parent_id: id.nullable().catch(null).default(null),
});
export const cvatMeta = z.object({
  size: z.int().min(0),
  deleted_frames: z.array(z.int()).catch([]).default([]),
  /** One for each frame, or one alone for a video. */
  frames: z.array(z.object({ width: z.int(), height: z.int(), name: z.string() })),
});
export const cvatWebhook = z.object({
  id,
  target_url: z.string(),
  is_active: z.boolean(),
  events: z.array(z.string()),
  type: z.string(),
  project_id: id.nullable().catch(null).default(null),
});
export const cvatDelivery = z.object({ id, event: z.string(), status_code: z.int().nullable(), created_date: z.string() });
export const cvatAgentFunction = z.object({ id: z.union([id, z.string()]) });
export const cvatAssignment = z.object({
  ar_assignment: z.object({ ar_id: z.string().max(500), ar_params: z.looseObject({ type: z.string() }) }).nullable(),
});

export type CvatAssignment = z.infer<typeof cvatAssignment>['ar_assignment'];

/** A shape on its way to CVAT. */
export interface NewCvatShape {
  type: 'mask' | 'polygon' | 'rectangle' | 'ellipse';
  frame: number;
  label_id: number;
  points: readonly number[];
  /** Degrees clockwise around the middle of an ellipse. @default 0 */
  rotation?: number;
  /** 0 to 1; stored by CVAT 2.66 and later. @default 1 */
  score?: number;
  /** Number that the shapes of one object on a frame share. @default 0: none */
  group?: number;
  /** Values of attributes of its label. @default CVAT's */
  attributes?: readonly { spec_id: number; value: string }[];
}

/** The part of a task that calls are about. */
export type CvatTarget = { task: number } | { job: number };
