/** Work plan of a task: labels to look for, frames with their jobs, and the references people drew. */
import { ProsamError } from '../../../core/common/errors.ts';
import type { CvatClient } from '../api/client.ts';
import { carriedAttributes, type CarriedAttributes, type ReferenceValues } from './attributes.ts';
import { annotationsOfFrame, type FrameAnnotations, type ReferenceAnnotation } from './frame-annotations.ts';
import { formFor, SHAPE_FORMS, type ShapeForm } from './new-shapes.ts';
import type { CvatJob, CvatLabel, CvatMeta, CvatTask } from '../api/types.ts';

export interface TaskPlan {
  task: CvatTask;
  meta: CvatMeta;
  /** Those to look for. */
  labels: CvatLabel[];
  /** Frames to predict, each in one job only. */
  jobs: { job: number; frames: number[] }[];
  /** Asked for, and deleted in CVAT. */
  deleted: number[];
  references: ReferenceFrame[];
  /** Labels of the task that are not looked for, and why. */
  leftOut: { label: string; reason: string }[];
  /** Shapes on reference frames that mark nothing. */
  unused: FrameAnnotations['unused'];
  /** Attribute values for predicted shapes; none unless they were asked for. */
  attributes: CarriedAttributes;
  nameOf(frame: number): string;
}

export interface ReferenceFrame {
  frame: number;
  image: Uint8Array;
  marks: ReferenceAnnotation[];
}

export interface PlanOptions {
  client: CvatClient;
  /** A task, or one job of it. */
  target: { task: number } | { job: number };
  /** Frames with shapes to learn from. None: the labels asked for are known elsewhere. */
  referenceFrames: readonly number[];
  /** Names. @default every label that is marked on a reference frame */
  labels?: readonly string[] | undefined;
  /** Frames to predict. @default all others */
  frames?: ReadonlySet<number> | undefined;
  form: ShapeForm;
  /** Carries over the attribute values of the reference shapes. @default false */
  attributes?: boolean;
  signal?: AbortSignal | undefined;
}

const FORMS = `${SHAPE_FORMS.slice(0, -1)
  .map((form) => `${form}s`)
  .join(', ')} or ${SHAPE_FORMS.at(-1)}s`;

/** @throws OPTION_INVALID for frames and labels that are not there, REFERENCE_MISSING, CVAT_FAILED, CVAT_REFUSED */
export async function planTask(options: PlanOptions): Promise<TaskPlan> {
  const { client, target, referenceFrames, labels: wanted, frames, form, attributes = false, signal } = options;
  const only = 'job' in target ? await client.job(target.job, { signal }) : undefined;
  const taskId = 'job' in target ? (only as CvatJob).task_id : target.task;
  const task = await client.task(taskId, { signal });
  if (task.dimension !== '2d') throw invalid(`task ${taskId}: expected images or a video, got ${task.dimension} data`);
  if (task.media_type === 'audio') throw invalid(`task ${taskId}: expected images or a video, got sound, which has no frames to label`);
  const meta = await client.meta(taskId, { signal });
  const known = (await client.labels({ task: taskId }, { signal })).filter(({ parent_id: parent }) => parent === null);
  const jobs = (await client.jobs({ task: taskId }, { signal }))
    // Ground truth and replicas are for checking people; answers of a machine would spoil them.
    .filter(({ type, parent_job_id: parent }) => type === 'annotation' && parent === null)
    .sort((a, b) => a.start_frame - b.start_frame || a.id - b.id);
  const chosen = chosenLabels(known, wanted);
  const deleted = new Set(meta.deleted_frames);
  checkFrames('--reference-frame', referenceFrames, meta);
  checkFrames('--frames', [...(frames ?? [])], meta);

  const references: ReferenceFrame[] = [];
  const unused: FrameAnnotations['unused'] = [];
  const values: ReferenceValues[] = [];
  for (const frame of referenceFrames) {
    if (deleted.has(frame))
      throw invalid(`--reference-frame ${frame}: expected a frame of the task, but it is deleted there. Name another one`);
    const job = jobs.find(({ start_frame: from, stop_frame: to }) => from <= frame && frame <= to);
    if (!job) throw invalid(`--reference-frame ${frame}: expected a frame of an annotation job of task ${taskId}, got one of none`);
    const annotations = await client.annotations({ job: job.id }, { signal });
    const found = annotationsOfFrame(annotations, frame, new Map(chosen.map(({ id, name }) => [id, name])), sizeOf(meta, frame));
    unused.push(...found.unused);
    values.push(...found.values);
    if (found.marks.length > 0)
      references.push({ frame, image: await client.frame({ job: job.id }, frame, { signal }), marks: found.marks });
  }
  const marked = new Set(references.flatMap(({ marks }) => marks.map(({ label }) => label)));
  if (referenceFrames.length > 0) checkMarked(taskId, referenceFrames, marked, wanted, unused);

  const leftOut: TaskPlan['leftOut'] = [];
  const labels = known.filter((label) => {
    const reason = reasonAgainst(label);
    if (reason !== undefined) leftOut.push({ label: label.name, reason });
    return reason === undefined;
  });
  if (labels.length === 0) {
    const all = leftOut.map(({ label, reason }) => `${label}: ${reason}`).join('; ');
    throw invalid(`task ${taskId}: expected a label that takes ${FORMS}, got none (${all})`);
  }

  function reasonAgainst(label: CvatLabel): string | undefined {
    const { name, type } = label;
    if (!chosen.includes(label)) return 'it is not among --labels';
    if (formFor(label, form) === undefined) {
      if (wanted !== undefined) throw invalid(`--labels: expected labels that take ${FORMS}, got ${name}, which takes ${type} only`);
      return `it takes ${type} only, and ${FORMS} can be drawn`;
    }
    if (referenceFrames.length === 0 || marked.has(name)) return undefined;
    return `it is not marked on frame ${referenceFrames.join(', ')}`;
  }

  const taken = new Set(referenceFrames);
  const isWanted = (frame: number): boolean => frames?.has(frame) ?? true;
  const planned = (only ? jobs.filter(({ id }) => id === only.id) : jobs).map(({ id, start_frame: from, stop_frame: to }) => {
    const own: number[] = [];
    for (let frame = from; frame <= to; frame++) {
      if (taken.has(frame) || deleted.has(frame) || !isWanted(frame)) continue;
      taken.add(frame); // jobs may overlap: each frame is filled in one of them
      own.push(frame);
    }
    return { job: id, frames: own };
  });
  return {
    ...{ task, meta, labels, leftOut, references, unused },
    attributes: carriedAttributes(attributes ? values : [], labels),
    jobs: planned.filter((one) => one.frames.length > 0),
    deleted: meta.deleted_frames.filter(isWanted),
    nameOf: (frame) => (meta.frames.length === meta.size ? (meta.frames[frame]?.name ?? '') : `frame ${frame}`),
  };
}

/** Pixels of a frame; all frames of a video have the same. */
export function sizeOf(meta: CvatMeta, frame: number): { width: number; height: number } {
  const found = meta.frames.length === 1 ? meta.frames[0] : meta.frames[frame];
  if (found) return { width: found.width, height: found.height };
  throw new ProsamError('CVAT_FAILED', `frame ${frame}: CVAT does not say how large it is. Report the version of CVAT.`);
}

function chosenLabels(known: readonly CvatLabel[], wanted: readonly string[] | undefined): CvatLabel[] {
  const names = known.map(({ name }) => name);
  for (const name of wanted ?? []) {
    if (!names.includes(name)) throw invalid(`--labels: expected labels of the task (${names.join(', ')}), got ${name}`);
  }
  return wanted === undefined ? [...known] : known.filter(({ name }) => wanted.includes(name));
}

function checkFrames(option: string, frames: readonly number[], { size }: CvatMeta): void {
  const outside = frames.find((frame) => frame < 0 || frame >= size);
  if (outside !== undefined) throw invalid(`${option}: expected frames from 0 to ${size - 1}, got ${outside}`);
}

function checkMarked(
  task: number,
  frames: readonly number[],
  marked: ReadonlySet<string>,
  wanted: readonly string[] | undefined,
  unused: FrameAnnotations['unused'],
): void {
  const missing = wanted?.filter((name) => !marked.has(name)) ?? [];
  if (marked.size > 0 && missing.length === 0) return;
  const what = missing.length > 0 ? missing.join(', ') : 'an object';
  const other = unused.length > 0 ? ` ${unused[0]?.label}: ${unused[0]?.reason}` : '';
  throw new ProsamError(
    'REFERENCE_MISSING',
    `task ${task}: expected ${what} marked on frame ${frames.join(', ')} as a mask, polygon, rectangle, ellipse or points, got none.${other} ` +
      'Mark it there in CVAT and save, or name another frame.',
  );
}

function invalid(problem: string): ProsamError {
  return new ProsamError('OPTION_INVALID', `${problem}.`);
}
