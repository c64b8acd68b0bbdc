/** Request schemas of /v1, parsed once and bounded: source of the OpenAPI document; the client's types are held to them by a test. */
import { z } from 'zod';
import { MAX_CLEAN_AREA } from '../../core/mask/clean-mask.ts';
import { DEFAULT_TOLERANCE, HOLE_FORMS, MAX_TOLERANCE } from '../../core/mask/polygon-groups.ts';
import { ANNOTATION_LIMITS, LIMITS } from '../../core/common/limits.ts';
import { DISTRIBUTIONS } from '../../core/networks/prompt-distribution.ts';
import { PROVENANCES } from '../../service/ports/storage.ts';
import { ANNOTATION_KINDS } from '../../core/mask/annotation.ts';
import { MASK_COLOR, MAX_MASK_VALUE } from '../../core/mask/mask-choice.ts';
import { UNITS } from '../../core/mask/units.ts';
import { DENSE, STRATEGIES } from '../../core/engine/strategy.ts';
import { MAX_POINTS, MAX_SAMPLES } from '../../core/engine/defaults.ts';
import { METHODS } from '../../core/engine/types.ts';
import { imageInputSchema, readingFields } from '../http/images/image-input.ts';
import { plainText as text } from '../http/plain-text.ts';

/** Images of one batch, and how many of them may carry their bytes in the request. */
const MAX_BATCH_IMAGES = 10_000;
export const MAX_INLINE_IMAGES = 100;
/** Most characters of base64 text: a mask file of 6 MiB; larger ones come as files of a multipart body. */
const MAX_PNG_TEXT = 8 * 2 ** 20;
/** Base64 of 256 x 256 numbers of four bytes, with room for other models. */
const MAX_LOGITS_TEXT = 2 ** 21;

const name = text(LIMITS.name);
export const projectName = text(LIMITS.project).describe('Project: letters, digits and . _ : @ / -');
const labelName = text(LIMITS.label).describe('Name of the concept, e.g. "cup"');
const source = text(LIMITS.source);
const annotationId = text(LIMITS.annotationId);
const imageId = text(LIMITS.imageId);
/** A finite number; whether it is inside the image is checked where it is drawn. */
const coordinate = z.number();
const point = z
  .union([z.tuple([coordinate, coordinate]), z.strictObject({ x: coordinate, y: coordinate })])
  .describe('[x, y] or { x, y } in pixels of the upright image');
const box = z.tuple([coordinate, coordinate, coordinate, coordinate]).describe('x0, y0, x1, y1 in pixels of the upright image');
const fileField = text(200).describe('Field name of the file part of a multipart body');

const side = z.int().min(1).max(100_000);
const rleSchema = z
  .strictObject({
    size: z.tuple([side, side]).describe('height, width'),
    counts: z.union([z.string().min(1).max(ANNOTATION_LIMITS.runText), z.array(z.int().min(0)).max(ANNOTATION_LIMITS.runs)]),
  })
  .describe("COCO's run-length encoding: column by column, compressed text or a list of runs");

/** One path, or several of them. */
function paths(least: number, most: number, vertices: 'corners' | 'points') {
  const path = z.array(point).min(least).max(most);
  const total = (all: readonly (readonly unknown[])[]): number => all.reduce((sum, one) => sum + one.length, 0);
  const several = z
    .array(path)
    .min(1)
    .max(most)
    .refine((all) => total(all) <= most, `at most ${most} ${vertices} in all paths together`);
  return z.union([path, several]);
}

/** Annotations are keyed by field, beside the image or the label they belong to. */
export const annotationFields = {
  mask: z
    .strictObject({ base64: z.string().min(1).max(MAX_PNG_TEXT).exactOptional(), file: fileField.exactOptional() })
    .refine((mask) => (mask.base64 === undefined) !== (mask.file === undefined), 'give either base64 or file')
    .exactOptional()
    .describe("An image file of the image's size; of its two values the one that is not black is the object's"),
  maskValue: z
    .int()
    .min(0)
    .max(MAX_MASK_VALUE)
    .exactOptional()
    .describe('With mask: grey value or palette index of the object, in a file with several'),
  maskColor: z
    .string()
    .regex(MASK_COLOR)
    .exactOptional()
    .describe('With mask: color of the object as six hexadecimal digits, in a file with several'),
  rle: rleSchema.exactOptional(),
  polygon: paths(3, ANNOTATION_LIMITS.corners, 'corners')
    .exactOptional()
    .describe('One closed ring, or several; one inside another is a hole'),
  box: box.exactOptional(),
  points: z.array(point).min(1).max(ANNOTATION_LIMITS.points).exactOptional().describe('Points on the object'),
  negative: z.array(point).max(ANNOTATION_LIMITS.points).exactOptional().describe('Points beside the object, with "points"'),
  scribble: paths(1, ANNOTATION_LIMITS.strokePoints, 'points').exactOptional().describe('One stroke over the object, or several'),
  width: z
    .number()
    .positive()
    .max(ANNOTATION_LIMITS.brush)
    .exactOptional()
    .describe('Brush width of a scribble in pixels (default: 1 % of the longer side)'),
  units: z.enum(UNITS).exactOptional().describe('Units of coordinates (default: pixels); up to a pixel outside the image is clipped'),
};

const TOO_MANY_POINTS = `at most ${ANNOTATION_LIMITS.points} points, negative ones included`;
function hasFewPoints(fields: object): boolean {
  const { points = [], negative = [] } = fields as { points?: unknown[]; negative?: unknown[] };
  return points.length + negative.length <= ANNOTATION_LIMITS.points;
}

/** @see annotationFields */
export function annotated<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z
    .strictObject({ ...shape, ...annotationFields })
    .refine(
      (fields) => ANNOTATION_KINDS.filter((kind) => (fields as Record<string, unknown>)[kind] !== undefined).length === 1,
      `exactly one of ${ANNOTATION_KINDS.join(', ')}`,
    )
    .refine(hasFewPoints, TOO_MANY_POINTS);
}

const cleaning = {
  minArea: z
    .number()
    .min(0)
    .max(MAX_CLEAN_AREA)
    .exactOptional()
    .describe('Smallest region that stays: pixels, or below 1 a share of the image; the largest always stays'),
  fillHoles: z
    .union([z.boolean(), z.number().min(0).max(MAX_CLEAN_AREA)])
    .exactOptional()
    .describe('Largest hole that is filled: pixels, or below 1 a share of the image; true fills every hole'),
  largestOnly: z.boolean().exactOptional().describe('Only the largest region stays'),
};

const optionsSchema = z
  .strictObject({
    method: z.enum([...METHODS, 'auto']).exactOptional(),
    strategy: z.enum(STRATEGIES).exactOptional(),
    dense: z.enum(DENSE).exactOptional().describe('none: without the coarse mask a model may send with the prompts'),
    maxPoints: z.int().min(1).max(MAX_POINTS).exactOptional().describe('Points that gf-sam has SAM draw masks for'),
    samples: z.int().min(0).max(MAX_SAMPLES).exactOptional(),
    distribution: z.enum(DISTRIBUTIONS).exactOptional(),
    nu: z.number().positive().max(1e6).exactOptional(),
    seed: z.int().exactOptional(),
    grow: z.boolean().exactOptional().describe('Let SAM turn annotations into object masks first'),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .exactOptional()
      .describe('Least probability of the concept for a mask to be given; 0 gives every mask'),
    ...cleaning,
    instances: z.boolean().exactOptional().describe('Tell the separate objects of each mask apart'),
    minInstanceShare: z.number().min(0).max(1).exactOptional(),
    uncertaintyMap: z.boolean().exactOptional().describe('Add the uncertainty of every pixel as a PNG'),
    ...readingFields,
  })
  .describe('How to predict; all of them have defaults');

export const FORMATS = ['rle', 'polygon', 'png'] as const;
export const form = {
  format: z.enum(FORMATS).default('rle'),
  tolerance: z
    .number()
    .min(0)
    .max(MAX_TOLERANCE)
    .default(DEFAULT_TOLERANCE)
    .describe('Pixels an outline may deviate (format polygon); less where a region would change too much'),
  holes: z
    .enum(HOLE_FORMS)
    .default('rings')
    .describe('Holes as rings of their own, or as slits in the exterior for formats that know none (format polygon)'),
};
const what = {
  project: projectName,
  labels: z.array(labelName).min(1).max(LIMITS.labels).exactOptional().describe('Default: every label the project has references of'),
  options: optionsSchema.exactOptional(),
  encoderVersion: name
    .exactOptional()
    .describe('Id of the version to ask instead of the live one; "base": the model\'s own prompt encoder'),
};

export const predictSchema = z.strictObject({
  ...what,
  ...form,
  image: imageInputSchema,
  externalId: imageId.exactOptional().describe("The tool's own name of the image"),
  references: z
    .array(annotated({ image: imageInputSchema, label: labelName.exactOptional() }))
    .min(1)
    .max(LIMITS.references)
    .exactOptional()
    .describe("Used instead of the project's own"),
  remember: z.boolean().exactOptional().describe('Keep image and prediction, so that they can be ranked and shown (default true)'),
});

export const jobSchema = z.strictObject({
  ...what,
  ...form,
  images: z
    .array(imageInputSchema)
    .min(1)
    .max(MAX_BATCH_IMAGES)
    .describe(`At most ${MAX_INLINE_IMAGES} of them with their bytes (base64, data: or file)`),
  callback: z
    .strictObject({
      url: text(2048).describe('http(s) address that is told of results'),
      events: z.enum(['finished', 'each']).default('finished'),
    })
    .exactOptional(),
});

export const refineSchema = z
  .strictObject({
    ...form,
    project: projectName,
    image: imageInputSchema,
    points: z.array(point).max(ANNOTATION_LIMITS.points).exactOptional().describe('Points on the object'),
    negative: z.array(point).max(ANNOTATION_LIMITS.points).exactOptional().describe('Points beside the object'),
    box: box.exactOptional(),
    units: annotationFields.units,
    maskInput: z.string().min(4).max(MAX_LOGITS_TEXT).exactOptional().describe('lowResLogits of an earlier response for this image'),
    lowResLogits: z.boolean().default(false).describe('Add lowResLogits to each mask: the maskInput of the next call'),
  })
  .refine(
    ({ points = [], negative = [], box: drawn }) => points.length + negative.length > 0 || drawn !== undefined,
    'give points, box or both',
  )
  .refine(hasFewPoints, TOO_MANY_POINTS);

export const annotationSchema = z.strictObject({
  project: projectName,
  source: source.default('webhook').describe('Which tool or installation'),
  externalId: annotationId.describe("The tool's own name of the annotation"),
  revision: z.int().min(0).describe('Newer ones replace older ones'),
  image: imageInputSchema,
  imageExternalId: imageId.exactOptional(),
  provenance: z
    .enum(PROVENANCES)
    .describe(
      'Origin of the masks; without masks: absent (the image does not show the labels), rejected (a prediction was thrown away) or skipped',
    ),
  masks: z
    .array(annotated({ label: labelName }))
    .max(LIMITS.masks)
    .default([])
    .describe('None with "absent", "rejected" and "skipped"'),
  absent: z
    .array(labelName)
    .min(1)
    .max(LIMITS.masks)
    .exactOptional()
    .describe(
      'Labels the image does not show, beside the masks or with "absent" alone (default with "absent": every label of the project)',
    ),
  flagged: z.boolean().exactOptional().describe('Use as a reference before all others'),
  annotator: name.exactOptional(),
  predictionVersion: name.exactOptional().describe('version of the prediction it goes back to'),
});

export const flagSchema = z.strictObject({ flagged: z.boolean() });
export const promoteSchema = z.strictObject({
  project: projectName.exactOptional().describe('Needed with "base"; otherwise the version\'s own'),
  reason: text(LIMITS.reason),
});
export const rollbackSchema = z.strictObject({ reason: text(LIMITS.reason) });

const wholeNumber = (low: number, high: number, fallback: number) => z.coerce.number().int().min(low).max(high).default(fallback);
export const projectParams = z.object({ project: projectName });
export const idParams = z.object({ id: name });
export const imageParams = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export const annotationParams = z.object({ project: projectName, source, externalId: annotationId });
export const imageQuery = z.strictObject({ project: projectName });
export const revisionQuery = z.strictObject({ revision: z.coerce.number().int().min(0).exactOptional() });
export const annotationsQuery = z.strictObject({
  label: labelName.exactOptional(),
  before: z.coerce.number().int().min(0).exactOptional().describe('"next" of the page before'),
  limit: wholeNumber(1, LIMITS.page, 100),
});
export const nextImagesQuery = z.strictObject({ limit: wholeNumber(1, LIMITS.page, 50), offset: wholeNumber(0, 1e9, 0) });
export const limitQuery = z.strictObject({ limit: wholeNumber(1, LIMITS.page, 20) });
export const versionsQuery = z.strictObject({ project: projectName.exactOptional(), limit: wholeNumber(1, LIMITS.page, 50) });
export const jobQuery = z.strictObject({
  results: z.enum(['true', 'false']).default('false'),
  after: z.coerce.number().int().min(-1).default(-1).describe('Index of the last item of the page before'),
  limit: wholeNumber(1, LIMITS.page, 100),
});
export const deliveriesQuery = z.strictObject({
  project: projectName.exactOptional(),
  state: z.enum(['waiting', 'delivered', 'dead']).exactOptional(),
  limit: wholeNumber(1, LIMITS.page, 100),
});

export type AnnotationFields = { [Key in keyof typeof annotationFields]?: z.infer<(typeof annotationFields)[Key]> };
export type PredictBody = z.infer<typeof predictSchema>;
export type JobBody = z.infer<typeof jobSchema>;
export type Format = (typeof FORMATS)[number];
