/** Label Studio's webhook events, sorted by meaning. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import type { Steps } from '../../../core/mask/cooperative.ts';
import { annotationSteps, each, taskSteps } from './read-task.ts';
import { projectSchema, type MlAnnotation, type MlTask } from './request-schemas.ts';

/** Project fields common to all events. */
export interface EventProject {
  /** `<id>.<seconds>`, as /setup and /predict write it. */
  key: string;
  id: number;
  labelConfig?: string;
}

export type MlEvent =
  /** Submitted, changed or skipped: one, or many at once. */
  | { kind: 'annotations'; action: string; project: EventProject; pairs: { task: MlTask; annotation: MlAnnotation }[] }
  | { kind: 'annotations-deleted'; action: string; project: EventProject; ids: (number | string)[] }
  /** New ones; imported annotations are not in them, but counted. */
  | { kind: 'tasks'; action: string; project: EventProject; tasks: MlTask[] }
  | { kind: 'tasks-deleted'; action: string; project: EventProject; ids: (number | string)[] }
  /** Settings, labels or the title have changed. */
  | { kind: 'project'; action: string; project: EventProject }
  /** Request for a training run; annotations do not come with it. */
  | { kind: 'train'; action: string; project: EventProject }
  /** One that nothing is done about. */
  | { kind: 'other'; action: string };

const envelope = z.object({
  action: z.string().min(1).max(200),
  project: z.unknown().optional(),
  annotation: z.unknown().optional(),
  annotations: z.unknown().optional(),
  task: z.unknown().optional(),
  tasks: z.unknown().optional(),
});
const reference = z.object({ id: z.union([z.int().min(0), z.string().min(1).max(200)]) });

function* idOf(value: unknown): Steps<number | string | undefined> {
  yield;
  return reference.safeParse(value).data?.id;
}

/** With a pause after each task and annotation. @throws REQUEST_INVALID */
export function* parseEvent(body: unknown): Steps<MlEvent> {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) throw new ProsamError('REQUEST_INVALID', 'Expected a webhook of Label Studio with an action, got something else.');
  const { action, annotation, annotations, task, tasks } = parsed.data;
  const project = projectOf(parsed.data.project);
  if (project === undefined) return { kind: 'other', action };
  switch (action) {
    case 'ANNOTATION_CREATED':
    case 'ANNOTATION_UPDATED':
    case 'ANNOTATIONS_CREATED':
    case 'ANNOTATIONS_UPDATED':
      return { kind: 'annotations', action, project, pairs: yield* pairsOf(annotation ?? annotations, task ?? tasks) };
    case 'ANNOTATION_DELETED':
    case 'ANNOTATIONS_DELETED':
      return { kind: 'annotations-deleted', action, project, ids: yield* many(idOf, annotations ?? annotation) };
    case 'TASKS_CREATED':
      return { kind: 'tasks', action, project, tasks: yield* many(taskSteps, tasks ?? task) };
    case 'TASKS_DELETED':
      return { kind: 'tasks-deleted', action, project, ids: yield* many(idOf, tasks ?? task) };
    case 'PROJECT_CREATED':
    case 'PROJECT_UPDATED':
      return { kind: 'project', action, project };
    case 'START_TRAINING':
      return { kind: 'train', action, project };
    default:
      return { kind: 'other', action };
  }
}

/** `<id>.<seconds>`; undefined where the date cannot be read. */
export function projectKeyOf(id: number, createdAt: string): string | undefined {
  const milliseconds = Date.parse(createdAt);
  return Number.isNaN(milliseconds) ? undefined : `${id}.${Math.floor(milliseconds / 1000)}`;
}

function projectOf(value: unknown): EventProject | undefined {
  const parsed = projectSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { id, created_at, label_config } = parsed.data;
  const key = projectKeyOf(id, created_at);
  return key === undefined ? undefined : { key, id, ...(label_config !== undefined && { labelConfig: label_config }) };
}

/** Single objects, or lists under the same singular name. */
function many<T>(read: (one: unknown) => Steps<T | undefined>, value: unknown): Steps<T[]> {
  return each(Array.isArray(value) ? value : value === undefined || value === null ? [] : [value], read);
}

function* pairsOf(annotation: unknown, task: unknown): Steps<{ task: MlTask; annotation: MlAnnotation }[]> {
  const tasks = new Map((yield* many(taskSteps, task)).map((one) => [String(one.id), one]));
  const [only] = tasks.size === 1 ? tasks.values() : [];
  return (yield* many(annotationSteps, annotation)).flatMap((one) => {
    const own = one.task === undefined ? only : tasks.get(String(one.task));
    return own === undefined ? [] : [{ task: own, annotation: one }];
  });
}
