/** One step of a track, by pixels alone: the look of the first frame where it fits, else that of the frame where the object was seen last. */
import type { Raster } from '../../image/pillow-resize.ts';
import type { Steps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { locate, type Located } from './locate.ts';
import type { Look } from './look.ts';
import { carried, moved, type Pose } from './pose.ts';
import type { TrackState } from './state.ts';
import { clearHidden } from './visible.ts';
import { warpedMask } from './warp.ts';

/** A frame that shows the object, and the object in it. */
export interface Sighting {
  frame: Raster;
  look: Look;
}

export interface Step {
  /** Relative to the first frame. */
  pose: Pose;
  trust: number;
  /** The first frame's look no longer fits well, or another frame's fits better: the form may have changed. */
  changed: boolean;
  /** Found by the look of a later frame. */
  chained: boolean;
  /** The part that shows. */
  visible: BinaryMask;
  /** With whatever hides a part of it. */
  whole: BinaryMask;
}

/** From it on the first look fits so well that no other is asked. */
const SURE = 0.9;
/** By which the later look has to fit better than the first: each step from look to look adds an error. */
const LATER_BY = 0.02;
/** Below it, a part of what is in the image is hidden. */
const SHOWS = 0.93;

/** recent: only asked for where it is needed. -> undefined where no place fits at all */
export function* stepOf(
  first: Sighting,
  recent: Sighting | undefined,
  frame: Raster,
  { pose, seen, motion, lost }: TrackState,
): Steps<Step | undefined> {
  const starts = [moved(pose, motion), pose];
  const direct = yield* locate(first.look, frame, starts, lost);
  if (recent === undefined || (direct && direct.trust >= SURE))
    return direct && (yield* drawn(first, frame, direct, { pose: direct.pose, changed: direct.trust < SURE, chained: false }));
  const { middle } = recent.look;
  const later = yield* locate(
    recent.look,
    frame,
    starts.map((start) => relative(start, seen, middle)),
    lost,
  );
  if (later === undefined || (direct && later.trust < direct.trust + LATER_BY))
    return direct && (yield* drawn(first, frame, direct, { pose: direct.pose, changed: true, chained: false }));
  return yield* drawn(recent, frame, later, { pose: carried(seen, middle, later.pose), changed: true, chained: true });
}

/** Pose of a later look, where the object would be at `pose`. */
function relative(pose: Pose, seen: Pose, middle: { x: number; y: number }): Pose {
  const [scale, angle] = [pose.scale / seen.scale, pose.angle - seen.angle];
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const [ox, oy] = [middle.x - seen.x, middle.y - seen.y];
  return { x: pose.x + cos * ox - sin * oy, y: pose.y + sin * ox + cos * oy, scale, angle };
}

function* drawn(
  { frame: shown, look }: Sighting,
  frame: Raster,
  at: Located,
  about: Pick<Step, 'pose' | 'changed' | 'chained'>,
): Steps<Step> {
  const whole = yield* warpedMask(look.mask, look.middle, at.pose, frame);
  const visible = { ...whole, data: whole.data.slice() };
  if (at.fitting < SHOWS * at.inside) yield* clearHidden(visible, { image: shown, look, pose: at.pose, light: at.light }, frame);
  return { ...about, trust: at.trust, visible, whole };
}
