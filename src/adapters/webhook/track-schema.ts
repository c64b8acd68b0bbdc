/** Request of a track: the state comes back from a client, so every number of it is bounded. */
import { z } from 'zod';
import { MAX_LOST } from '../../core/engine/tracking/state.ts';
import { imageInputSchema } from '../http/images/image-input.ts';
import { annotated, form, projectName } from './schemas.ts';

const place = z.number().min(-1e6).max(1e6);
const size = z
  .number()
  .min(1 / 16)
  .max(16);
const turn = z.number().min(-1000).max(1000);
const pose = z.strictObject({ x: place, y: place, scale: size, angle: turn });
const trackState = z
  .strictObject({
    pose,
    seen: pose,
    motion: z.strictObject({
      dx: place,
      dy: place,
      growth: z
        .number()
        .min(1 / 256)
        .max(256),
      turn,
    }),
    lost: z.int().min(0).max(MAX_LOST),
  })
  .describe('state of the response before');

export const trackSchema = z.strictObject({
  ...form,
  project: projectName,
  image: imageInputSchema.describe('The frame to look in'),
  first: annotated({ image: imageInputSchema }).describe('The frame in which the object was marked'),
  recent: annotated({ image: imageInputSchema })
    .exactOptional()
    .describe('The frame in which it was found last, with the mask that was found'),
  state: trackState.exactOptional(),
});
