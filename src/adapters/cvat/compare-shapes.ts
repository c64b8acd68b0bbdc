/** What people made of predictions: kept, edited, deleted or added, for each frame and label of a job that is done. */
import type { Provenance } from '../../core/storage-ports.ts';
import type { CvatAnnotations } from './rest-types.ts';
import type { MarkedShape } from './shape-annotation.ts';
import { USABLE_SHAPES } from './shape-annotation.ts';
import type { UploadedShape } from './types.ts';

/** What one frame teaches about one label. */
export interface Lesson {
  frame: number;
  label: number;
  provenance: Provenance;
  /** None for a rejection. */
  shapes: MarkedShape[];
}

interface Group {
  frame: number;
  label: number;
  shapes: (MarkedShape & { how: 'drawn' | 'edited' | 'accepted' })[];
  /** Uploaded shapes that are not there any more. */
  gone: number;
}

/**
 * uploaded: shapes sent there, of the job's frames; those of other frames teach nothing.
 * CVAT gives an edited shape a new id, so a vanished id beside a shape that a person changed is an edit, and a deletion otherwise.
 */
export function lessonsFrom(
  { shapes, tracks }: Pick<CvatAnnotations, 'shapes' | 'tracks'>,
  uploaded: readonly UploadedShape[],
  { from, to, groundTruth = false }: { from: number; to: number; groundTruth?: boolean },
): Lesson[] {
  const groups = new Map<string, Group>();
  const group = (frame: number, label: number): Group => {
    const key = `${frame} ${label}`;
    const found = groups.get(key) ?? { frame, label, shapes: [], gone: 0 };
    groups.set(key, found);
    return found;
  };
  const sent = uploaded.filter(({ frame }) => frame >= from && frame <= to);
  const byId = new Map(sent.map((one) => [one.id, one]));
  const present = new Set(shapes.map(({ id }) => id));
  const vanished = sent.filter(({ id }) => !present.has(id));
  for (const shape of shapes) {
    if (!USABLE_SHAPES.has(shape.type) || shape.frame < from || shape.frame > to) continue;
    const before = byId.get(shape.id) ?? take(vanished, (one) => isSame(one, shape));
    const how = before ? (isSame(before, shape) ? 'accepted' : 'edited') : bySource(shape.source);
    group(shape.frame, shape.label_id).shapes.push({ ...marked(shape), how });
  }
  // Key frames of tracks are places a person looked at.
  for (const { label_id, source, shapes: keys } of tracks) {
    for (const key of keys) {
      if (key.outside || !USABLE_SHAPES.has(key.type) || key.frame < from || key.frame > to) continue;
      group(key.frame, label_id).shapes.push({ ...marked(key), how: bySource(source) });
    }
  }
  for (const { frame, label_id } of vanished) group(frame, label_id).gone++;
  return [...groups.values()].sort((a, b) => a.frame - b.frame || a.label - b.label).map((one) => lessonOf(one, groundTruth));
}

function lessonOf({ frame, label, shapes, gone }: Group, groundTruth: boolean): Lesson {
  const of = (how: string): number => shapes.filter((one) => one.how === how).length;
  const deleted = Math.max(0, gone - of('edited'));
  const only = (how: string): boolean => of(how) === shapes.length && deleted === 0;
  const provenance: Provenance =
    shapes.length === 0 ? 'rejected' : groundTruth ? 'ground_truth' : only('drawn') ? 'drawn' : only('accepted') ? 'accepted' : 'edited';
  return { frame, label, provenance, shapes: shapes.map(marked) };
}

/** CVAT marks what programs made "auto" and what a person changed of it "semi-auto". */
function bySource(source: string): Group['shapes'][number]['how'] {
  if (source === 'auto') return 'accepted';
  return source === 'semi-auto' ? 'edited' : 'drawn';
}

/** CVAT keeps coordinates as decimal numbers; less than this is rounding. */
const ROUNDING = 0.01;

function isSame(one: UploadedShape, other: { label_id: number; frame: number; type: string; points: readonly number[] }): boolean {
  return (
    one.label_id === other.label_id &&
    one.frame === other.frame &&
    one.type === other.type &&
    one.points.length === other.points.length &&
    one.points.every((value, i) => Math.abs(value - (other.points[i] as number)) < ROUNDING)
  );
}

function take<T>(list: T[], fits: (one: T) => boolean): T | undefined {
  const at = list.findIndex(fits);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}

function marked({ type, points, rotation = 0 }: MarkedShape): MarkedShape {
  return { type, points, rotation };
}
