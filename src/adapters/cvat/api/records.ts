/** Records of CVAT's API, as far as they are read; the schemas in types.ts check them. */

/** A shape with all its fields: deleting a shape takes them back as they came. */
export interface CvatShape {
  [field: string]: unknown;
  id: number;
  /** 'mask', 'polygon', 'rectangle', 'ellipse', 'points', 'polyline', 'skeleton' or 'cuboid'. */
  type: string;
  /** Number of the frame within the task, from 0. */
  frame: number;
  label_id: number;
  /** Pixels of the frame: x, y, x, y, ...; of a mask run lengths and its box. */
  points: number[];
  /** Degrees, clockwise. */
  rotation: number;
  /** 'manual', 'auto', 'semi-auto', 'file', 'consensus', or one of a later CVAT. */
  source: string;
  attributes: unknown[];
}

/** One shape of a track. */
export interface CvatTrackShape {
  [field: string]: unknown;
  type: string;
  frame: number;
  points: number[];
  rotation: number;
  /** True where the object has left the frame. */
  outside: boolean;
  /** Values that change within the track. */
  attributes: unknown[];
}

/** An object followed over frames. */
export interface CvatTrack {
  [field: string]: unknown;
  id: number;
  frame: number;
  label_id: number;
  shapes: CvatTrackShape[];
  source: string;
  attributes: unknown[];
}

/** Annotations of a task or a job. */
export interface CvatAnnotations {
  version: number;
  shapes: CvatShape[];
  tracks: CvatTrack[];
}

export interface CvatProject {
  id: number;
  name: string;
}

export interface CvatTask {
  id: number;
  name: string;
  project_id: number | null;
  /** 'annotation' for images, 'interpolation' for videos. */
  mode: string;
  /** '2d' or '3d'. */
  dimension: string;
  /** 'audio' for sound, which has no frames (CVAT 2.7x and later); '' where CVAT does not tell. */
  media_type: string;
}

export interface CvatJob {
  id: number;
  task_id: number;
  project_id: number | null;
  start_frame: number;
  /** Last frame, included. */
  stop_frame: number;
  /** 'new', 'in progress', 'completed' or 'rejected'. */
  state: string;
  /** 'annotation', 'validation' or 'acceptance'. */
  stage: string;
  /** 'annotation', 'ground_truth' or 'consensus_replica'. */
  type: string;
  /** Job that a replica belongs to. */
  parent_job_id: number | null;
  /** '2d' or '3d'. */
  dimension: string;
  /** 'audio' for sound, which has no frames (CVAT 2.7x and later); '' where CVAT does not tell. */
  media_type: string;
  /** Time in ISO 8601. */
  updated_date?: string | undefined;
}

/** An attribute that shapes of a label have. */
export interface CvatAttribute {
  id?: number | undefined;
  name: string;
  /** 'select', 'radio', 'checkbox', 'number' or 'text'. */
  input_type: string;
  /** True where the shapes of one track may have different values. */
  mutable: boolean;
  /** Values that may be chosen; of a number its least, its largest and the step between. */
  values: string[];
  default_value: string;
}

export interface CvatLabel {
  id: number;
  name: string;
  /** The only shape the label takes; 'any' for all. */
  type: string;
  attributes: CvatAttribute[];
  parent_id: number | null;
}

/** Frames of a task. */
export interface CvatMeta {
  /** Number of frames. */
  size: number;
  deleted_frames: number[];
  /** One for each frame, or one alone for a video; sizes in pixels. */
  frames: { width: number; height: number; name: string }[];
}

export interface CvatWebhook {
  id: number;
  target_url: string;
  is_active: boolean;
  events: string[];
  /** 'project' or 'organization'. */
  type: string;
  project_id: number | null;
}

/** One try of a webhook. */
export interface CvatDelivery {
  id: number;
  event: string;
  /** HTTP status; null without a response. */
  status_code: number | null;
  /** Time in ISO 8601. */
  created_date: string;
}
