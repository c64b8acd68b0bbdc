/** Lessons of a task that are active in the service, and which job decides about each of its frames. */
import { everyAnnotation } from '../../../service/every-annotation.ts';
import type { Service } from '../../../service/types.ts';
import { hasMasks, type Provenance } from '../../../service/ports/provenance.ts';
import type { Lesson } from './compare-shapes.ts';
import type { CvatJob } from '../api/types.ts';

/** A lesson the service counts. */
export interface CountedLesson {
  externalId: string;
  revision: number;
  provenance: Provenance;
  job: number;
  frame: number;
  label: number;
  /** Names of the labels it shows, or says are absent; none of a rejection. */
  names: string[];
}

/** The tool's own name of a lesson. */
export function lessonName({ task, job, frame, label }: { task: number; job: number; frame: number; label: number }): string {
  return `${taskPrefix(task)}job-${job}/frame-${frame}/label-${label}`;
}

function taskPrefix(task: number): string {
  return `task-${task}/`;
}

const NAME = /^task-(\d+)\/job-(\d+)\/frame-(\d+)\/label-(\d+)$/;

/** Job and frame of a lesson's name; undefined for other names. */
export function placeOfLesson(externalId: string): { job: number; frame: number } | undefined {
  const [, , job, frame] = NAME.exec(externalId) ?? [];
  return job === undefined ? undefined : { job: Number(job), frame: Number(frame) };
}

/** Task of a lesson's name; undefined for other names. */
export function taskOfLesson(externalId: string): number | undefined {
  const task = NAME.exec(externalId)?.[1];
  return task === undefined ? undefined : Number(task);
}

/** Read to its end. */
export async function countedLessons(
  service: Pick<Service, 'annotations'>,
  { project, source, task }: { project: string; source: string; task: number },
): Promise<CountedLesson[]> {
  const lessons: CountedLesson[] = [];
  for await (const { externalId, revision, provenance, labels, absent = [], ...one } of everyAnnotation(service, project)) {
    if (one.source !== source || !externalId.startsWith(taskPrefix(task))) continue;
    const [, , job, frame, label] = NAME.exec(externalId) ?? [];
    if (label === undefined) continue;
    const names = [...labels.map((one) => one.label), ...absent];
    lessons.push({ externalId, revision, provenance, job: Number(job), frame: Number(frame), label: Number(label), names });
  }
  return lessons;
}

/** Hashes of images that lessons of a task are about, and of no other task in the project. Read to its end. */
export async function imagesOfTask(
  service: Pick<Service, 'annotations'>,
  { project, source, task }: { project: string; source: string; task: number },
): Promise<Set<string>> {
  const [own, others] = [new Set<string>(), new Set<string>()];
  for await (const one of everyAnnotation(service, project))
    (one.source === source && one.externalId.startsWith(taskPrefix(task)) ? own : others).add(one.sha256);
  return new Set([...own].filter((sha256) => !others.has(sha256)));
}

/** Larger is better; two jobs never have the same. Ground truth, then what was accepted, then what was finished last. */
function rankOf({ id, type, stage, state }: CvatJob, finishedAt: number): readonly number[] {
  const standing = state === 'rejected' ? 0 : type === 'ground_truth' ? 3 : stage === 'acceptance' && state === 'completed' ? 2 : 1;
  return [standing, finishedAt, id];
}

export interface SpeakerFacts {
  job: CvatJob;
  /** Jobs of the task, as CVAT lists them. */
  jobs: readonly CvatJob[];
  /** Active lessons of the task's other jobs. */
  others: readonly CountedLesson[];
  /** Lessons of the job itself. */
  lessons: readonly Lesson[];
  finishedAt: (job: CvatJob) => number;
}

/**
 * Whether a job speaks for a frame. One image has one truth, so of replicas, ground truth and jobs that overlap one alone is listened to:
 * those whose lessons count already keep their say unless this one ranks higher. A job CVAT does not list any more, or hides from us,
 * keeps it too: that it is not shown says nothing about what people drew in it.
 */
export function speaker({ job, jobs, others, lessons, finishedAt }: SpeakerFacts): (frame: number) => boolean {
  const own = rankOf(job, finishedAt(job));
  const byId = new Map(jobs.map((one) => [one.id, one]));
  const rivals = new Map<number, CountedLesson[]>();
  for (const one of others) rivals.set(one.frame, [...(rivals.get(one.frame) ?? []), one]);
  const masked = new Set(lessons.filter(({ shapes }) => shapes.length > 0).map(({ frame }) => frame));
  return (frame) =>
    (rivals.get(frame) ?? []).every((other) => {
      const rival = byId.get(other.job);
      // A prediction thrown away shows no object: it silences nobody who drew one.
      const mayReplace = masked.has(frame) || !hasMasks(other.provenance);
      return mayReplace && rival !== undefined && isHigher(own, rankOf(rival, finishedAt(rival)));
    });
}

function isHigher(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, i) => value !== other[i]);
  return at >= 0 && (one[at] as number) > (other[at] as number);
}
