/** Everything that marks an area in a job: its shapes and the key frames of its tracks, each with a hash of what it says. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CvatAnnotations, CvatJob } from '../api/types.ts';
import { USABLE_SHAPES, type MarkedShape } from '../shape-annotation.ts';

export interface JobShape extends MarkedShape {
  /** 's' and the id of a shape, or 't' and the id of a track. CVAT never gives an id twice, and an edited shape gets a new one. */
  id: string;
  frame: number;
  label: number;
  source: string;
  /** Hash of frame, label, kind and numbers: whatever id it has, and whoever is said to have made it. */
  content: string;
}

/** Numbers hashed before the event loop gets a turn. */
const SLICE_NUMBERS = 500_000;

/** In the order of the answer; what lies outside of the job's frames, or marks no area, is left out. */
export async function shapesOf(
  { shapes, tracks }: Pick<CvatAnnotations, 'shapes' | 'tracks'>,
  { start_frame: from, stop_frame: to }: Pick<CvatJob, 'start_frame' | 'stop_frame'>,
): Promise<JobShape[]> {
  const found: JobShape[] = [];
  let numbers = 0;
  const add = async (id: string, shape: MarkedShape & { frame: number }, label: number, source: string): Promise<void> => {
    const { type, points, frame, rotation = 0 } = shape;
    if (!USABLE_SHAPES.has(type) || frame < from || frame > to) return;
    found.push({ id, frame, label, source, type, points, rotation, content: contentOf(type, frame, label, rotation, points) });
    numbers += points.length + 20;
    if (numbers < SLICE_NUMBERS) return;
    numbers = 0;
    await nextTurn();
  };
  for (const shape of shapes) await add(`s${shape.id}`, shape, shape.label_id, shape.source);
  for (const { id, label_id, source, shapes: keys } of tracks) {
    // Key frames are places somebody, or something, looked at.
    for (const key of keys) if (!key.outside) await add(`t${id}`, key, label_id, source);
  }
  return found;
}

/** Less than a tenth of a pixel is rounding: exports and imports of CVAT round. */
function contentOf(type: string, frame: number, label: number, rotation: number, points: readonly number[]): string {
  const hash = createHash('sha256').update(`${type} ${frame} ${label} ${Math.round(10 * rotation)} `);
  return hash
    .update(Float64Array.from(points, (value) => Math.round(10 * value)))
    .digest('base64url')
    .slice(0, 16);
}

/** Whether the shape is said to be a person's. CVAT marks what programs made "auto", and what a person changed of it "semi-auto". */
export function isSaidToBeDrawn({ source }: Pick<JobShape, 'source'>): boolean {
  return source === 'manual' || source === 'semi-auto';
}
