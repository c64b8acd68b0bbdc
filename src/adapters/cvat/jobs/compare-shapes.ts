/** Outcome of a finished job: for each frame and label, what people drew and what they reviewed and left unchanged. */
import type { Provenance } from '../../../service/ports/storage.ts';
import { isSaidToBeDrawn, type JobShape } from './job-shapes.ts';
import type { MarkedShape } from '../shape-annotation.ts';
import type { UploadedShape } from '../types.ts';

/** Lesson of one frame about one label. */
export interface Lesson {
  frame: number;
  label: number;
  provenance: Provenance;
  /** None for absence and rejections. */
  shapes: MarkedShape[];
}

/** Facts known beside the shapes themselves. */
export interface CompareFacts {
  /** Sent there by this project, of the job's frames. */
  uploaded: readonly UploadedShape[];
  isMachines: (shape: JobShape) => boolean;
  /** Whether a person looked at it after it had appeared. */
  isReviewed: (shape: JobShape) => boolean;
  /** Whether a person finished work with just these shapes: then what is gone was taken out by a person. waiting: shapes nobody looked at. */
  isSettled(waiting: number): boolean;
  groundTruth: boolean;
}

export interface Compared {
  lessons: Lesson[];
  /** Machine-made shapes nobody has looked at yet, by `placeOf`. */
  waiting: Map<string, number>;
  /** Whether a missing shape was removed by a person. */
  settled: boolean;
}

type How = 'drawn' | 'edited' | 'accepted' | 'waiting';
interface Group {
  frame: number;
  label: number;
  shapes: { shape: JobShape; how: How }[];
  /** One that was uploaded is there as it was. */
  kept: boolean;
  /** Uploaded shapes that are not there any more. */
  gone: number;
}

export function placeOf(frame: number, label: number): string {
  return `${frame} ${label}`;
}

/** CVAT gives an edited shape a new id, so a vanished id beside a shape that a person changed is an edit, and a deletion otherwise. */
export function compareShapes(shapes: readonly JobShape[], facts: CompareFacts): Compared {
  const groups = new Map<string, Group>();
  const group = (frame: number, label: number): Group => {
    const key = placeOf(frame, label);
    const found = groups.get(key) ?? { frame, label, shapes: [], kept: false, gone: 0 };
    groups.set(key, found);
    return found;
  };
  const byId = new Map(facts.uploaded.map((one) => [`s${one.id}`, one]));
  const present = new Set(shapes.map(({ id }) => id));
  const vanished = byPlace(facts.uploaded.filter(({ id }) => !present.has(`s${id}`)));
  for (const shape of shapes) {
    const same = byId.get(shape.id);
    const before = same ?? takeSame(vanished.get(placeOf(shape.frame, shape.label)), shape);
    const into = group(shape.frame, shape.label);
    into.shapes.push({ shape, how: howOf(shape, before, facts) });
    into.kept ||= same !== undefined && isSame(same, shape);
  }
  for (const left of vanished.values()) for (const { frame, label_id } of left) group(frame, label_id).gone++;
  const sorted = [...groups.values()].sort((a, b) => a.frame - b.frame || a.label - b.label);
  const waiting = new Map<string, number>();
  for (const { frame, label, shapes } of sorted) {
    const count = shapes.filter(({ how }) => how === 'waiting').length;
    if (count > 0) waiting.set(placeOf(frame, label), count);
  }
  const settled = facts.isSettled([...waiting.values()].reduce((sum, count) => sum + count, 0));
  const shown = new Set(shapes.map(({ frame }) => frame));
  const lessons = sorted.flatMap((one) => lessonOf(one, { settled, groundTruth: facts.groundTruth, isEmpty: !shown.has(one.frame) }));
  return { lessons, waiting, settled };
}

function howOf(shape: JobShape, before: UploadedShape | undefined, { isMachines, isReviewed }: CompareFacts): How {
  const isUnchanged = before !== undefined && isSame(before, shape);
  if (isUnchanged || isMachines(shape)) {
    // CVAT says so of what a person has had in hand.
    return shape.source === 'semi-auto' || isReviewed(shape) ? 'accepted' : 'waiting';
  }
  return before !== undefined || shape.source === 'semi-auto' ? 'edited' : 'drawn';
}

interface FrameFacts {
  settled: boolean;
  groundTruth: boolean;
  /** No shape of any label is left in the frame. */
  isEmpty: boolean;
}

/**
 * Lesson of a group. Shapes people drew stand for themselves: a machine's shapes beside them add nothing, reviewed or not. A frame that a
 * person cleared and finished shows nothing of what was predicted; a shape taken out beside others may only have been wrong.
 */
function lessonOf({ frame, label, shapes, kept, gone }: Group, { settled, groundTruth, isEmpty }: FrameFacts): Lesson[] {
  const of = (...wanted: How[]) => shapes.filter(({ how }) => wanted.includes(how));
  const lesson = (provenance: Provenance, from: Group['shapes']): Lesson[] => [
    { frame, label, provenance, shapes: from.map(({ shape: { type, points, rotation = 0 } }) => ({ type, points, rotation })) },
  ];
  const deleted = settled ? Math.max(0, gone - of('edited').length) : 0;
  const own = of('drawn', 'edited');
  if (own.length > 0) return lesson(groundTruth ? 'ground_truth' : deleted > 0 || of('edited').length > 0 ? 'edited' : 'drawn', own);
  const accepted = of('accepted');
  if (accepted.length > 0) return lesson(kept && deleted > 0 ? 'edited' : 'accepted', accepted);
  return shapes.length === 0 && deleted > 0 ? lesson(isEmpty ? 'absent' : 'rejected', []) : [];
}

/** Marks a program made, by what is said of them, what was seen before and what was uploaded: those whose first date matters. */
export function machineShapes(
  shapes: readonly JobShape[],
  { uploaded, isMachines }: Pick<CompareFacts, 'uploaded' | 'isMachines'>,
): JobShape[] {
  const sent = byPlace(uploaded);
  const isSent = (shape: JobShape): boolean => sent.get(placeOf(shape.frame, shape.label))?.some((one) => isSame(one, shape)) === true;
  return shapes.filter((shape) => !isSaidToBeDrawn(shape) || isMachines(shape) || isSent(shape));
}

function byPlace(uploaded: readonly UploadedShape[]): Map<string, UploadedShape[]> {
  const places = new Map<string, UploadedShape[]>();
  for (const one of uploaded) {
    const place = placeOf(one.frame, one.label_id);
    const there = places.get(place);
    if (there) there.push(one);
    else places.set(place, [one]);
  }
  return places;
}

/** CVAT keeps coordinates as decimal numbers; less than this is rounding. */
const ROUNDING = 0.01;

function isSame(one: UploadedShape, other: JobShape): boolean {
  return (
    one.label_id === other.label &&
    one.frame === other.frame &&
    one.type === other.type &&
    Math.abs((one.rotation ?? 0) - (other.rotation ?? 0)) < ROUNDING &&
    one.points.length === other.points.length &&
    one.points.every((value, i) => Math.abs(value - (other.points[i] as number)) < ROUNDING)
  );
}

function takeSame(there: UploadedShape[] = [], shape: JobShape): UploadedShape | undefined {
  const at = there.findIndex((one) => isSame(one, shape));
  return at < 0 ? undefined : there.splice(at, 1)[0];
}
