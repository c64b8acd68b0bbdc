/** Schemas of Label Studio's requests, field by field: unused fields are dropped, used ones are bounded. */
import { z } from 'zod';
import { ANNOTATION_LIMITS } from '../../../core/common/limits.ts';
import { joinedRegions } from './joined-regions.ts';

export type { MlAnnotation, MlDraft, MlPrediction, MlRegion, MlSetup, MlTask } from './types.ts';

/** Names of controls, labels and regions. */
const name = z.string().min(1).max(500);
const size = z.int().min(1).max(100_000);
/** Percent of the image's width or height; clicks at the border come out slightly beyond it. */
const percent = z.number().min(-1000).max(1000);
const point = z.tuple([percent, percent]);
const labels = z.array(name).max(100);

/** Long lists of whole numbers from 0 to 255 arrive as bytes; what is not such a list is refused where it is decoded. */
const rle = z.union([z.instanceof(Uint8Array), z.array(z.unknown()).max(100_000)]);

const regionValue = z
  .object({
    x: percent,
    y: percent,
    width: percent,
    height: percent,
    radiusX: percent,
    radiusY: percent,
    rotation: z.number().min(-360_000).max(360_000),
    points: z.array(point).max(ANNOTATION_LIMITS.corners),
    closed: z.boolean(),
    format: z.string().max(40),
    rle,
    imageDataURL: z.string().max(64 * 2 ** 20),
    brushlabels: labels,
    bitmasklabels: labels,
    polygonlabels: labels,
    rectanglelabels: labels,
    keypointlabels: labels,
    ellipselabels: labels,
    labels,
  })
  .partial();

/** One annotation, prompt or mask on an image. Fields that make no sense together are judged where the region is read. */
export const regionSchema = z.object({
  id: z.coerce.string().max(500).default(''),
  type: z.string().max(100).default(''),
  from_name: z.string().max(500).default(''),
  to_name: z.string().max(500).default(''),
  item_index: z.int().min(0).max(100_000).optional().catch(undefined),
  /** Pixels of the upright image. */
  original_width: size.optional().catch(undefined),
  original_height: size.optional().catch(undefined),
  /** Degrees the annotator has turned the view; coordinates and masks stay as they are without it. */
  image_rotation: z.number().optional().catch(undefined),
  origin: z.string().max(100).optional().catch(undefined),
  score: z.number().optional().catch(undefined),
  is_positive: z.boolean().optional().catch(undefined),
  value: regionValue.catch({}),
});

/** Looked at one by one, in `read-task.ts`: a list may hold thousands. */
const list = z.array(z.unknown()).max(10_000).catch([]).default([]);
/** Relations, choices and text of the same annotation are not regions; they stay out. */
const regions = list.transform((all) =>
  joinedRegions(all.map((one) => regionSchema.safeParse(one)).flatMap((parsed) => (parsed.success ? [parsed.data] : []))),
);

const identifier = z.union([z.int().min(0), z.string().min(1).max(200)]);
const instant = z.string().max(60).optional().catch(undefined);

/** result: regions, not looked at yet. */
export const annotationShape = z.object({
  id: identifier,
  result: list,
  was_cancelled: z.boolean().catch(false).default(false),
  ground_truth: z.boolean().catch(false).default(false),
  created_at: instant,
  updated_at: instant,
  completed_by: z.unknown().optional(),
  /** Number of the prediction it was begun from. */
  parent_prediction: z.unknown().optional(),
  lead_time: z.number().nullish().catch(undefined),
  import_id: z.number().nullish().catch(undefined),
  task: identifier.optional().catch(undefined),
});

/** result: regions, not looked at yet. */
export const predictionShape = z.object({
  id: identifier.optional().catch(undefined),
  result: list,
  model_version: z.string().max(1000).optional().catch(undefined),
  score: z.number().optional().catch(undefined),
});

export const draftShape = z.object({ result: list });

/** Its lists are not looked at yet. */
export const taskShape = z.object({
  id: identifier,
  data: z.record(z.string(), z.unknown()).catch({}).default({}),
  meta: z.record(z.string(), z.unknown()).catch({}).default({}),
  total_annotations: z.number().optional().catch(undefined),
  updated_at: instant,
  annotations: list,
  /** Only in interactive requests: what is on the screen and not submitted. */
  drafts: list,
  predictions: list,
});

/** `<number>.<seconds since 1970 at which the project was created>` */
export const projectKey = z
  .union([z.string(), z.int().transform(String)])
  .refine((text) => /^\d{1,15}(\.\d{1,15})?$/.test(text), 'expected <id>.<seconds>, as Label Studio writes projects');

const config = z.string().max(2 ** 20);

export const setupSchema = z.object({
  project: projectKey,
  schema: config,
  hostname: z.string().max(2000).catch('').default(''),
  access_token: z.string().max(4000).nullish().catch(null),
  extra_params: z.unknown().optional(),
});

export const predictEnvelope = z.object({
  project: projectKey.optional().catch(undefined),
  label_config: config.nullish().catch(undefined),
  params: z
    .object({
      context: z.object({ result: regions }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
});

/** Project in a webhook, where it comes whole. */
export const projectSchema = z.object({
  id: z.int().min(0),
  title: z.string().max(10_000).optional().catch(undefined),
  label_config: config.optional().catch(undefined),
  created_at: z.string().max(60),
});
