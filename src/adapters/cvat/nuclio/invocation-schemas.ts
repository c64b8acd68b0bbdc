/** Request bodies of CVAT 2.15 and later; the kind of function follows from the fields present. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';

const coordinate = z.number().min(-1e6).max(1e6);
const point = z.tuple([coordinate, coordinate]);
const clicks = z.array(point).max(1000);
const state = z.looseObject({ id: z.string().max(100), key: z.string().max(100) });
const numbers = z.array(z.number()).max(200_000);
const typed = z.object({ type: z.enum(['mask', 'polygon', 'rectangle']), points: numbers });

const image = z.string('expected the image in base64').min(1, 'expected the image in base64, got nothing');

export const detectorBody = z.looseObject({ image, threshold: z.number().min(0).max(1).nullish() });

/** Text prompts in any form: only their presence matters. */
export const textPrompts = z.union([z.string(), z.array(z.unknown()).max(1000)]).nullish();

/** @throws REQUEST_INVALID for words: a click without them would answer another question */
export function refuseText(prompts: z.infer<typeof textPrompts>): void {
  const words = typeof prompts === 'string' ? [prompts] : (prompts ?? []);
  if (!words.some((word) => typeof word !== 'string' || word.trim() !== '')) return;
  throw new ProsamError(
    'REQUEST_INVALID',
    'Expected clicks or a box, got a text prompt, which ProSAM does not understand. Clear the text and click the object, or label one as a reference.',
  );
}

export const interactorBody = z.looseObject({
  image,
  pos_points: clicks.nullish().transform((list) => list ?? []),
  neg_points: clicks.nullish().transform((list) => list ?? []),
  /** [] or null without a box, else two corners. */
  obj_bbox: z.union([z.tuple([]), z.tuple([point, point])]).nullish(),
  /** Words (CVAT 2.60 and later), which nothing here understands. */
  text_prompts: textPrompts,
});

export const trackerBody = z.looseObject({
  image,
  /** Shapes of one kind each: typed, bare [x1, y1, x2, y2], or null while a track is followed. */
  shapes: z
    .array(z.union([typed, numbers, z.null()]))
    .max(100)
    .nullish()
    .transform((list) => list ?? []),
  states: z
    .array(state)
    .max(100)
    .nullish()
    .transform((list) => list ?? []),
});

export type DetectorBody = z.infer<typeof detectorBody>;
export type InteractorBody = z.infer<typeof interactorBody>;
export type TrackerBody = z.infer<typeof trackerBody>;

/** Outer envelope: the rest is parsed once the function is known. */
export const invocationBody = z.looseObject({ image });
