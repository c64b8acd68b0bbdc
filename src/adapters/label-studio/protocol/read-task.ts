/** Tasks and annotations of Label Studio, each region checked by itself, with pauses between them: one that cannot be read does not take the others along. */
import type { ZodType } from 'zod';
import type { Steps } from '../../../core/mask/cooperative.ts';
import { joinedRegions } from './joined-regions.ts';
import {
  annotationShape,
  draftShape,
  predictionShape,
  regionSchema,
  taskShape,
  type MlAnnotation,
  type MlDraft,
  type MlPrediction,
  type MlRegion,
  type MlTask,
} from './request-schemas.ts';

/** Regions checked between two pauses: a millisecond or so. */
const REGIONS_AT_ONCE = 100;

/** undefined for what is no annotation. */
export const annotationSteps = (value: unknown): Steps<MlAnnotation | undefined> => withRegions(annotationShape, value);

/** undefined for what is no task. */
export function* taskSteps(value: unknown): Steps<MlTask | undefined> {
  const { success, data } = taskShape.safeParse(value);
  return success ? yield* completedTask(data) : undefined;
}

/** A task whose own fields are checked. */
export function* completedTask(task: Shaped<typeof taskShape>): Steps<MlTask> {
  return {
    ...task,
    annotations: yield* each(task.annotations, annotationSteps),
    drafts: yield* each(task.drafts, (one): Steps<MlDraft | undefined> => withRegions(draftShape, one)),
    predictions: yield* each(task.predictions, (one): Steps<MlPrediction | undefined> => withRegions(predictionShape, one)),
  };
}

type Shaped<T> = T extends ZodType<infer Output> ? Output : never;

/** Those that can be read. */
export function* each<T>(all: readonly unknown[], read: (one: unknown) => Steps<T | undefined>): Steps<T[]> {
  const found: T[] = [];
  for (const one of all) {
    const value = yield* read(one);
    if (value !== undefined) found.push(value);
    yield;
  }
  return found;
}

function* withRegions<T extends { result: unknown[] }>(
  shape: ZodType<T>,
  value: unknown,
): Steps<(Omit<T, 'result'> & { result: MlRegion[]; unread: number }) | undefined> {
  const { success, data } = shape.safeParse(value);
  if (!success) return undefined;
  const result: MlRegion[] = [];
  for (const [place, one] of data.result.entries()) {
    if (place % REGIONS_AT_ONCE === REGIONS_AT_ONCE - 1) yield;
    const region = regionSchema.safeParse(one);
    if (region.success) result.push(region.data);
  }
  const { result: sent } = value as { result?: unknown };
  // A list that is too long, or none at all, is not an empty one.
  return { ...data, result: joinedRegions(result), unread: Array.isArray(sent) ? sent.length - result.length : 1 };
}
