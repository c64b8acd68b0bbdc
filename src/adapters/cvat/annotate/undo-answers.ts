/**
 * Takes back what CVAT's own requests brought into a task. A shape is ours where the frame's file is an image that was answered, and the
 * shape is one of that answer, untouched. Everything else stays, with a reason.
 */
import { groupedBy } from '../../../core/common/grouped.ts';
import { sha256Hex } from '../../../core/common/sha256.ts';
import type { CvatClient } from '../api/client.ts';
import type { CvatLabel, CvatShape, CvatTarget } from '../api/types.ts';
import type { UploadLog } from '../types.ts';
import { formDigest, type AnsweredShape, type AnswerLog } from './answer-log.ts';
import { removeShapes, shapeDigest } from './store.ts';

/**
 * Fate of a shape with the source 'auto':
 * - 'removed': an answer, untouched
 * - 'changed': an answer, and somebody changed its group, attributes, order or occlusion since
 * - 'uploaded': uploaded by `annotate`, which has an undo of its own
 * - 'relabelled': an answer for another label, of which nobody said that it became this one
 * - 'doubled': there more often than it was answered, so nobody can tell which is which
 * - 'unknown': nothing that was answered for this image
 */
export type Fate = 'removed' | 'changed' | 'uploaded' | 'relabelled' | 'doubled' | 'unknown';

export interface UndoneShape {
  id: number;
  job: number;
  frame: number;
  label: string;
  type: string;
  fate: Fate;
}

export interface UndoAnswersOptions {
  client: CvatClient;
  target: CvatTarget;
  answers: Pick<AnswerLog, 'answered' | 'takenBack'>;
  uploads?: Pick<UploadLog, 'uploaded'>;
  /** Frames that are looked at. @default all */
  frames?: ReadonlySet<number> | undefined;
  /** Labels of the task that are looked at. @default all */
  labels?: readonly string[] | undefined;
  /** Label of the task by the label that was answered, where CVAT's user chose another one. @default the same names */
  mapping?: ReadonlyMap<string, string>;
  /** Removes nothing. */
  dryRun?: boolean;
  /** Told before the frames of a job are fetched. */
  onJob?: (job: { job: number; frames: number }) => void;
  signal?: AbortSignal | undefined;
}

/** Shapes with the source 'auto', and what became of each. @throws CVAT_FAILED, CVAT_REFUSED, STORAGE_FAILED: what was removed until then stays removed */
export async function undoAnswers(options: UndoAnswersOptions): Promise<{ task: number; shapes: UndoneShape[] }> {
  const { client, target, uploads, signal } = options;
  const only = 'job' in target ? await client.job(target.job, { signal }) : undefined;
  // Of a task that is not there, CVAT lists no jobs.
  const task = 'job' in target ? (only?.task_id as number) : (await client.task(target.task, { signal })).id;
  const jobs = only ? [only] : await client.jobs({ task }, { signal });
  const labels = new Map((await client.labels({ task }, { signal })).map((label) => [label.id, label]));
  const uploaded = new Set((await uploads?.uploaded(client.url, task))?.map(({ id }) => id));
  const hashes = new Map<number, string>();
  const shapes: UndoneShape[] = [];
  for (const { id: job } of jobs) {
    signal?.throwIfAborted();
    shapes.push(...(await undoJob(options, job, { labels, uploaded, hashes })));
  }
  return { task, shapes };
}

interface TaskFacts {
  labels: ReadonlyMap<number, CvatLabel>;
  /** Ids of shapes that `annotate` uploaded. */
  uploaded: ReadonlySet<number>;
  /** Hashes of frames that were fetched, which jobs that overlap share. */
  hashes: Map<number, string>;
}

async function undoJob(options: UndoAnswersOptions, job: number, { labels, uploaded, hashes }: TaskFacts): Promise<UndoneShape[]> {
  const { client, answers, frames, labels: wanted, mapping = new Map<string, string>(), dryRun = false, onJob, signal } = options;
  const nameOf = ({ label_id: id }: CvatShape): string => labels.get(id)?.name ?? '';
  const isWanted = (shape: CvatShape): boolean =>
    shape.source === 'auto' && (frames?.has(shape.frame) ?? true) && (wanted?.includes(nameOf(shape)) ?? true);
  const found = (await client.annotations({ job }, { signal })).shapes.filter(isWanted);
  const candidates = found.filter(({ id }) => !uploaded.has(id));
  const missing = [...new Set(candidates.map((shape) => shape.frame))].filter((frame) => !hashes.has(frame));
  if (missing.length > 0) onJob?.({ job, frames: missing.length });
  for (const frame of missing) hashes.set(frame, await sha256Hex(await client.frame({ job }, frame, { signal })));
  const imageOf = ({ frame }: CvatShape): string => hashes.get(frame) as string;
  const answered = await answers.answered(new Set(candidates.map(imageOf)));
  const fates = new Map<CvatShape, Fate>(found.map((shape) => [shape, 'uploaded']));
  for (const same of groupedBy(candidates, (shape) => `${shape.frame} ${shape.label_id} ${formDigest(shape)}`).values()) {
    const [one] = same as [CvatShape, ...CvatShape[]];
    const matching = (answered.get(imageOf(one)) ?? []).filter(({ forms }) => forms.includes(formDigest(one)));
    const labelled = matching.filter(({ label }) => (mapping.get(label) ?? label) === nameOf(one));
    for (const shape of same)
      fates.set(shape, fateOf(shape, { matching, labelled, count: same.length, label: labels.get(shape.label_id) }));
  }
  const ours = found.filter((shape) => fates.get(shape) === 'removed');
  if (!dryRun && ours.length > 0) {
    const stored = ours.map((shape) => ({ id: shape.id, digest: shapeDigest(shape) }));
    const { removed, kept } = await removeShapes(client, { job }, stored, signal);
    const gone = new Set(removed);
    // Somebody was at work meanwhile.
    for (const shape of ours) if (kept.includes(shape.id)) fates.set(shape, 'changed');
    const removedOf = groupedBy(
      ours.filter(({ id }) => gone.has(id)),
      imageOf,
    );
    for (const [image, same] of removedOf) await answers.takenBack(image, same.map(formDigest));
  }
  return found.map((shape) => ({
    ...{ id: shape.id, job, frame: shape.frame, label: nameOf(shape), type: shape.type },
    fate: fates.get(shape) as Fate,
  }));
}

interface Evidence {
  /** Answers for the image with this very shape. */
  matching: readonly AnsweredShape[];
  /** Those with its label. */
  labelled: readonly AnsweredShape[];
  /** Such shapes in the frame. */
  count: number;
  label: CvatLabel | undefined;
}

function fateOf(shape: CvatShape, { matching, labelled, count, label }: Evidence): Fate {
  if (matching.length === 0) return 'unknown';
  if (labelled.length === 0) return 'relabelled';
  if (count > labelled.length) return 'doubled';
  const group = typeof shape.group === 'number' ? shape.group : 0;
  const isAsAnswered = labelled.some((one) => one.group === group && isAsCvatFills(shape, one, label));
  return isAsAnswered ? 'removed' : 'changed';
}

/** Whether a shape has nothing but what was answered, and what CVAT itself fills in. */
function isAsCvatFills({ attributes, occluded, z_order: order }: CvatShape, answer: AnsweredShape, label: CvatLabel | undefined): boolean {
  const usual = new Map(
    label?.attributes.map(({ id, name, default_value: value }) => {
      const said = answer.attributes?.find((one) => one.name === name)?.value;
      return [id, said === undefined ? [value] : [said, value]];
    }),
  );
  const isUsual = (one: unknown): boolean => {
    const { spec_id: id, value } = one as { spec_id?: number; value?: unknown };
    return typeof value === 'string' && usual.get(id)?.includes(value) === true;
  };
  return attributes.every(isUsual) && occluded !== true && (order === undefined || order === 0);
}
