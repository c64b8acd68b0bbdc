/** Tasks, annotations and regions of Label Studio, as its requests bring them; the schemas beside this file check them. */

/** Geometry and labels of a region. Coordinates and sizes are percent of the image's width or height. */
export interface MlRegionValue {
  /** Left edge, or center of a keypoint or an ellipse. */
  x?: number | undefined;
  /** Upper edge, or center of a keypoint or an ellipse. */
  y?: number | undefined;
  width?: number | undefined;
  height?: number | undefined;
  radiusX?: number | undefined;
  radiusY?: number | undefined;
  /** Degrees, clockwise. */
  rotation?: number | undefined;
  /** Corners of a polygon, x and y. */
  points?: [number, number][] | undefined;
  closed?: boolean | undefined;
  /** Encoding of a brush mask: 'rle'. */
  format?: string | undefined;
  /** Brush mask: bytes of Label Studio's run-length encoding. */
  rle?: Uint8Array<ArrayBuffer> | unknown[] | undefined;
  /** Bitmask: a PNG as a data: URI. */
  imageDataURL?: string | undefined;
  brushlabels?: string[] | undefined;
  bitmasklabels?: string[] | undefined;
  polygonlabels?: string[] | undefined;
  rectanglelabels?: string[] | undefined;
  keypointlabels?: string[] | undefined;
  ellipselabels?: string[] | undefined;
  labels?: string[] | undefined;
}

/** One annotation, prompt or mask on an image. */
export interface MlRegion {
  id: string;
  /** Name of the control's kind in `value`, such as 'brushlabels'. */
  type: string;
  /** Name of the control it was made with. */
  from_name: string;
  /** Name of the image object it lies on. */
  to_name: string;
  /** Page of the image object it lies on, from 0, where that shows a list. */
  item_index?: number | undefined;
  /** Width of the upright image, in pixels. */
  original_width?: number | undefined;
  /** Height of the upright image, in pixels. */
  original_height?: number | undefined;
  /** Degrees the annotator has turned the view; coordinates and masks stay as they are without it. */
  image_rotation?: number | undefined;
  /** Origin: 'manual', 'prediction' or 'prediction-changed'. */
  origin?: string | undefined;
  /** Score, 0 to 1. */
  score?: number | undefined;
  /** False for a click beside the object. */
  is_positive?: boolean | undefined;
  value: MlRegionValue;
}

/** A submitted annotation. */
export interface MlAnnotation {
  id: number | string;
  result: MlRegion[];
  /** Entries of the result that are no regions or cannot be read. @default 0 */
  unread?: number | undefined;
  /** True where the task was skipped. */
  was_cancelled: boolean;
  ground_truth: boolean;
  /** Time in ISO 8601. */
  created_at?: string | undefined;
  /** Time in ISO 8601. */
  updated_at?: string | undefined;
  /** Number or record of the user. */
  completed_by?: unknown;
  /** Number of the prediction it was begun from. */
  parent_prediction?: unknown;
  /** Seconds somebody took in the editor; null where nobody did. */
  lead_time?: number | null | undefined;
  /** Number it had where it was imported from. */
  import_id?: number | null | undefined;
  /** Number of the task, where the request does not carry it. */
  task?: number | string | undefined;
}

/** A stored prediction of a task. */
export interface MlPrediction {
  id?: number | string | undefined;
  result: MlRegion[];
  model_version?: string | undefined;
  score?: number | undefined;
}

/** Regions on the screen that are not submitted. */
export interface MlDraft {
  result: MlRegion[];
}

/** A task with what is known of it. */
export interface MlTask {
  id: number | string;
  /** Values that the labeling configuration refers to, such as the address of the image. */
  data: Record<string, unknown>;
  meta: Record<string, unknown>;
  total_annotations?: number | undefined;
  /** Time in ISO 8601. */
  updated_at?: string | undefined;
  annotations: MlAnnotation[];
  /** Unsubmitted regions; in interactive requests only. */
  drafts: MlDraft[];
  predictions: MlPrediction[];
}

/** Body of /setup. */
export interface MlSetup {
  /** `<id>.<seconds since 1970 at which the project was created>`. */
  project: string;
  /** Labeling configuration, as XML. */
  schema: string;
  /** Address of Label Studio as it calls itself; '' where it says none. */
  hostname: string;
  access_token?: string | null | undefined;
  /** JSON of the connection's "extra params" field. */
  extra_params?: unknown;
}
