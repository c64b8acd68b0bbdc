/** Response schemas of /v1: source of the OpenAPI document; the client's types are held to them by a test. */
import { z } from 'zod';
import { PROVENANCES } from '../../service/ports/storage.ts';
import { METHODS } from '../../core/engine/types.ts';

const notices = z.array(z.string()).exactOptional().describe('What the caller should know although the request went through');
const milliseconds = z.number().describe('Since 1970, in milliseconds');
const share = z.number().min(0).max(1);
const sha256 = z.string();
const boxXyxy = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const point = z.tuple([z.number(), z.number()]).readonly();
const ring = z.array(point);
const imageFacts = z.object({ sha256, width: z.int(), height: z.int() });
const next = z.number().optional().describe('Where the next page goes on; absent on the last one');

/** One of them, as "format" asked. */
const writtenMask = {
  rle: z.object({ size: z.tuple([z.int(), z.int()]), counts: z.string() }).optional(),
  polygons: z.array(z.object({ exterior: ring, holes: z.array(ring) })).optional(),
  png: z.string().optional().describe('base64'),
};

const qualityResponse = z.object({
  score: share.describe('Expected IoU of the mask where the image shows the concept'),
  present: share.describe('Probability that the image shows the concept at all'),
  withheld: z.literal(true).exactOptional().describe('The mask was left out, because "present" is below the threshold'),
  samIou: z.number().exactOptional().describe("SAM's own estimate of the mask's IoU"),
  referenceIou: share.exactOptional().describe('IoU of the method on the references themselves'),
  referenceIouFrom: z.enum(['leave-one-out', 'mirrored-copy']).exactOptional(),
  compared: z
    .partialRecord(z.enum(METHODS), share)
    .exactOptional()
    .describe("Expected IoU of each method's mask, where 'auto' drew several"),
  pointsLeftOut: z.int().exactOptional().describe('Points that gf-sam wanted and maxPoints left out'),
});

export const maskResponse = z.object({
  label: z.string(),
  method: z.enum(METHODS),
  area: z.int(),
  boxXyxy: boxXyxy.optional(),
  quality: qualityResponse,
  ...writtenMask,
  instances: z
    .array(z.object({ boxXyxy, area: z.int(), score: share, ...writtenMask }))
    .optional()
    .describe('Separate objects; run lengths and images are cut to the box, outlines are in the pixels of the image'),
  uncertaintyPng: z.string().optional().describe('base64; 0 sure to 255 not'),
});

export const predictResponse = z.object({
  project: z.string(),
  image: imageFacts,
  masks: z.array(maskResponse),
  missing: z.array(z.string()).describe('Labels asked for that have no reference yet'),
  omitted: z.array(z.string()).exactOptional().describe('Labels of the project beyond those of one request: name them in another one'),
  version: z.string().describe('Changes with the base model, the prompt encoder and the references'),
  encoderVersion: z.string().describe('Prompt encoder: id of a version, or "base"'),
  baseModel: z.string().describe('Name and content hash of the frozen model'),
  device: z.string(),
  notices,
  milliseconds: z.record(z.string(), z.number()),
});

const pose = z.object({ x: z.number(), y: z.number(), scale: z.number(), angle: z.number() });

export const trackResponse = z.object({
  notices,
  width: z.int(),
  height: z.int(),
  found: z.boolean().describe('False where the object is gone, hidden or no longer to be told: then there is no mask'),
  trust: share,
  area: z.int().exactOptional(),
  boxXyxy: boxXyxy.exactOptional().describe('Hidden parts included; of a drawn box, the box moved along with the object'),
  ...writtenMask,
  state: z
    .object({
      ...{ pose, seen: pose, lost: z.int() },
      motion: z.object({ dx: z.number(), dy: z.number(), growth: z.number(), turn: z.number() }),
    })
    .describe('For the next step'),
});

export const refineResponse = z.object({
  notices,
  width: z.int(),
  height: z.int(),
  masks: z.array(
    z.object({
      area: z.int(),
      boxXyxy: boxXyxy.optional(),
      samIou: z.number(),
      objectScore: z.number().optional().describe('SAM 2 only: probability that the prompts are on an object, 0..1'),
      ...writtenMask,
      lowResLogits: z.string().optional().describe('base64'),
    }),
  ),
});

export const jobItemResponse = z.object({
  index: z.int(),
  state: z.enum(['waiting', 'done', 'failed']),
  image: z.unknown().describe('As it was named'),
  result: predictResponse.optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export const jobResponse = z.object({
  id: z.string(),
  project: z.string(),
  state: z.enum(['running', 'finished', 'cancelled']),
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  createdMs: milliseconds,
  endedMs: milliseconds.optional(),
  results: z.array(jobItemResponse).optional(),
  next,
});

export const acceptResponse = z.object({
  outcome: z.enum(['stored', 'duplicate', 'outdated']),
  image: imageFacts,
  masks: z.array(z.object({ label: z.string(), area: z.int() })),
  absent: z.array(z.string()).optional(),
  notices,
});

export const erasedResponse = z.object({
  erased: z.boolean().describe('false: the project knew nothing of it'),
  annotations: z.int(),
  predictions: z.int(),
  results: z.int().describe('Results of jobs and callbacks that named it'),
  versions: z.array(z.string()).describe('Versions that may have learned from it: nothing takes that back but not using them'),
});

export const annotationsResponse = z.object({
  annotations: z.array(
    z.object({
      project: z.string(),
      source: z.string(),
      externalId: z.string(),
      revision: z.int(),
      sha256,
      provenance: z.enum(PROVENANCES),
      flagged: z.boolean(),
      labels: z.array(z.object({ label: z.string(), area: z.int() })),
      absent: z.array(z.string()).optional(),
      annotator: z.string().optional(),
      createdMs: milliseconds,
      sequence: z.int(),
    }),
  ),
  next,
});

export const removedResponse = z.object({ removed: z.boolean() });
export const flaggedResponse = z.object({ flagged: z.boolean() });

export const runResponse = z.object({
  id: z.string(),
  project: z.string(),
  state: z.enum(['running', 'promoted', 'rejected', 'failed']),
  upTo: z.int(),
  startedMs: milliseconds,
  endedMs: milliseconds.optional(),
  attempts: z.int(),
  progress: z.unknown().optional(),
  reason: z.string().optional(),
  encoderVersion: z.string().optional().describe('Id of the version it led to'),
});
export const runsResponse = z.object({ runs: z.array(runResponse) });

export const projectResponse = z.object({
  project: z.string(),
  version: z.string(),
  encoderVersion: z.string(),
  images: z.int(),
  annotated: z.int(),
  masks: z.int(),
  concepts: z.array(
    z.object({
      label: z.string(),
      masks: z.int(),
      references: z.array(z.object({ sha256, provenance: z.enum(PROVENANCES), flagged: z.boolean() })),
      fit: z
        .object({ images: z.int(), plain: share, learned: share, used: z.boolean() })
        .optional()
        .describe('Numbers fitted to the label: IoU of left-out images without them and with them, and whether predictions use them'),
    }),
  ),
  run: runResponse.optional(),
  waitingFor: z.string().optional().describe('What keeps the next run from starting'),
  curve: z
    .array(z.object({ label: z.string(), points: z.array(z.object({ accepted: z.int(), iou: share, encoderVersion: z.string() })) }))
    .describe('IoU on held-out images after each gate, by label, over the masks accepted'),
});
export const projectsResponse = z.object({ projects: z.array(z.string()) });

export const nextImagesResponse = z.object({
  images: z.array(
    z.object({
      sha256,
      width: z.int(),
      height: z.int(),
      externalId: z.string().optional(),
      uncertainty: share.optional().describe('Absent where nothing was predicted yet'),
      presence: share.optional().describe('Probability that the image shows a label at all, the largest over its labels'),
      createdMs: milliseconds,
    }),
  ),
  next,
});

export const versionResponse = z.object({
  id: z.string(),
  project: z.string(),
  number: z.int(),
  parent: z.string().optional(),
  runId: z.string(),
  weights: z.string(),
  baseModel: z.string(),
  data: z.string(),
  seed: z.int(),
  code: z.string(),
  createdMs: milliseconds,
  outcome: z.enum(['promoted', 'rejected']),
  reason: z.string(),
  metrics: z.unknown(),
});
export const versionsResponse = z.object({ versions: z.array(versionResponse) });
export const promotedResponse = z.object({ project: z.string(), encoderVersion: z.string() });
export const startedResponse = z.object({ project: z.string(), requested: z.literal(true) });

export const deliveryResponse = z.object({
  id: z.string(),
  project: z.string(),
  url: z.string(),
  state: z.enum(['waiting', 'delivered', 'dead']),
  attempts: z.int(),
  createdMs: milliseconds,
  lastError: z.string().optional(),
});
export const deliveriesResponse = z.object({ deliveries: z.array(deliveryResponse) });

export const statusResponse = z.object({
  ready: z.boolean(),
  failing: z.array(z.enum(['database', 'objects', 'engine'])).describe('Parts that do not work or take nothing now'),
  problems: z.array(z.string()),
  baseModel: z.string(),
  device: z.string(),
  startedMs: milliseconds,
  engineQueue: z.object({ running: z.int(), waiting: z.int(), limit: z.int() }),
  messages: z.record(z.string(), z.int()),
  serving: z.array(z.object({ project: z.string(), encoderVersion: z.string(), since: milliseconds })),
  learner: z.enum(['managed', 'external', 'off']),
  learning: z.array(z.object({ project: z.string(), line: z.string() })).describe('What the learner does or waits for'),
});
