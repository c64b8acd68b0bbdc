/** Answers to what CVAT's agents are asked: shapes on frames, objects from clicks, objects followed from frame to frame. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import type { PredictionService } from '../../../service/types.ts';
import type { RefinePrompts } from '../../../core/engine/types.ts';
import { sha256Hex } from '../../../core/common/sha256.ts';
import type { ResponseRequest } from './loop.ts';
import { regionOf } from './region.ts';
import { cvatRleFromMask } from '../../../core/mask/cvat-rle.ts';
import type { CvatClient } from '../api/client.ts';
import { refuseText, textPrompts } from '../nuclio/invocation-schemas.ts';
import { detectFrames, type AgentDetectorParts } from './detect.ts';
import { trackFrame, type AgentTracker } from './tracker.ts';

const frameNumber = z.int().min(0);
const point = z.tuple([z.number(), z.number()]);
const mapping = z.record(z.string(), z.looseObject({ name: z.string() })).nullish();
/** Left, top, right, bottom in whole pixels of the frame: everything else of the request and of its answer is in pixels of that part. */
const roi = z.union([z.tuple([]), z.tuple([z.int(), z.int(), z.int(), z.int()])]).nullish();
const annotate = {
  ...{ task: z.int(), mapping, roi },
  threshold: z.number().min(0).max(1).nullish(),
  conv_mask_to_poly: z.boolean().nullish(),
};
const paramsSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('annotate_frame'), frame: frameNumber, ...annotate }),
  z.looseObject({ type: z.literal('annotate_task'), ...annotate }),
  z.looseObject({
    type: z.literal('interact'),
    task: z.int(),
    frame: frameNumber,
    pos_points: z.array(point).max(1000),
    neg_points: z.array(point).max(1000),
    obj_bbox: z.union([z.tuple([]), z.tuple([point, point])]).nullish(),
    text_prompts: textPrompts,
    roi,
  }),
  z.looseObject({
    type: z.literal('init_tracking'),
    task: z.int(),
    frame: frameNumber,
    shapes: z.array(z.looseObject({ type: z.string(), points: z.array(z.number()) })).max(100),
  }),
  z.looseObject({ type: z.literal('track'), task: z.int(), frame: frameNumber, states: z.array(z.string().max(500)).max(100) }),
]);
type Params = z.infer<typeof paramsSchema>;

export interface AgentResponseParts extends Omit<AgentDetectorParts, 'client' | 'service' | 'tolerance'> {
  client: CvatClient;
  service: { predictions: Pick<PredictionService, 'predict' | 'refine'> };
  tracker: AgentTracker;
}

export function createAgentResponses({ client, service, project, tracker, ...rest }: AgentResponseParts): ResponseRequest {
  const detector = { client, service, project, tolerance: tracker.tolerance, ...rest };
  return async ({ params: given, signal, onProgress }) => {
    const result = paramsSchema.safeParse(given);
    if (!result.success) {
      throw new ProsamError(
        'REQUEST_INVALID',
        `Expected one of the requests that agents know, got ${given.type}: ${result.error.issues[0]?.message ?? ''}. Update prosam.`,
      );
    }
    const params = result.data;
    const imageOf = async (frame: number): Promise<Uint8Array> => {
      await checkFrame(client, params.task, frame, signal);
      const whole = await client.frame({ task: params.task }, frame, { signal });
      // Objects are followed in whole frames.
      const region = params.type === 'init_tracking' || params.type === 'track' ? undefined : params.roi;
      return region?.length === 4 ? regionOf(whole, region, tracker.limits) : whole;
    };
    switch (params.type) {
      case 'annotate_frame':
      case 'annotate_task': {
        const frames = params.type === 'annotate_frame' ? [params.frame] : await framesOf(params.task);
        const context = { imageOf, isWhole: params.roi?.length !== 4, signal, onProgress };
        return { annotations: await detectFrames(detector, { ...params, frames }, context) };
      }
      case 'interact': {
        refuseText(params.text_prompts);
        const image = await imageOf(params.frame);
        return { shapes: await interacted(params, image) };
      }
      case 'init_tracking': {
        const image = await imageOf(params.frame);
        const { states } = await trackFrame(tracker, { shapes: params.shapes, states: [] }, await asked(image), signal);
        return { states };
      }
      case 'track': {
        const image = await imageOf(params.frame);
        return trackFrame(tracker, { shapes: [], states: params.states }, await asked(image), signal).then(({ shapes, states }) => ({
          shapes,
          states,
        }));
      }
    }

    async function framesOf(task: number): Promise<number[]> {
      const { size, deleted_frames: deleted } = await client.meta(task, { signal });
      const gone = new Set(deleted);
      return Array.from({ length: size }, (_, frame) => frame).filter((frame) => !gone.has(frame));
    }

    async function interacted(request: Extract<Params, { type: 'interact' }>, image: Uint8Array) {
      const { pos_points: positive, neg_points: negative, obj_bbox: box } = request;
      const corners = box && box.length === 2 ? box : undefined;
      if (positive.length === 0 && !corners) {
        throw new ProsamError(
          'REQUEST_INVALID',
          'At least one positive point or a box is needed. Click the object, or draw a box around it.',
        );
      }
      const prompts: RefinePrompts = {
        points: positive,
        negative,
        ...(corners && { box: boxAround(corners) }),
      };
      const [best] = (await service.predictions.refine({ project, image, prompts }, { signal })).masks;
      if (!best || best.area === 0) return [];
      return [{ type: 'mask', points: await cvatRleFromMask(best.mask, signal), attributes: [] }];
    }
  };
}

function boxAround([[ax, ay], [bx, by]]: readonly [readonly [number, number], readonly [number, number]]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)] as const;
}

async function asked(bytes: Uint8Array) {
  return { bytes, sha256: await sha256Hex(bytes), known: undefined };
}

async function checkFrame(client: CvatClient, task: number, frame: number, signal: AbortSignal): Promise<void> {
  const { size, deleted_frames: deleted } = await client.meta(task, { signal });
  if (frame < size && !deleted.includes(frame)) return;
  throw new ProsamError('REQUEST_INVALID', `Expected a frame of task ${task}, from 0 to ${size - 1} and not deleted, got ${frame}.`);
}
