/**
 * An object that was marked in one frame, found in the next: the look of the first frame, or of the one where it was seen last, is aligned with
 * the frame; where the form changed, SAM draws it anew from the moved mask. Where nothing fits, the object is lost, and nothing is guessed.
 *
 * Constants were chosen on half of the objects of `npm run bench:tracker` (docs/decisions/026-tracking.md).
 */
import { maskExtent } from '../../mask/raster.ts';
import { runSteps } from '../../mask/cooperative.ts';
import type { ImageReading } from '../../image/values/reading.ts';
import type { CallContext } from '../call-context.ts';
import type { EncodedImages } from '../image-features.ts';
import type { LoadedImage } from '../ports.ts';
import type { Reference, TrackedFrame } from '../types.ts';
import { movedBox } from './box.ts';
import { likenessOf } from './identity.ts';
import { motionBetween, moved, STILL } from './pose.ts';
import { redraw } from './redraw.ts';
import type { KnownSighting, Sightings } from './sightings.ts';
import { checkTrackState, MAX_LOST, type TrackState } from './state.ts';
import { stepOf, type Step } from './step.ts';

/** Least trust in a place: right ones of the tuning half had 0.77 and more, wrong ones 0.71 and less. */
const FOUND_FROM = 0.74;
/** Least cosine of the object's mean features to those of the first frame, where its look there no longer fits. */
const MIN_LIKENESS = 0.5;
/** Least part of the object that a later frame must show, for its look to be used. */
const MIN_SHOWN = 0.35;

interface TrackParts {
  sightings: Sightings;
  images: EncodedImages;
}

interface TrackCall extends ImageReading {
  recent?: Reference | undefined;
  state?: TrackState | undefined;
  signal?: AbortSignal | undefined;
}

/** target: an image found already. @throws OPTION_INVALID, ANNOTATION_*, MASK_*, IMAGE_* */
export async function trackObject(
  context: CallContext,
  { sightings, images }: TrackParts,
  target: LoadedImage,
  marked: Reference,
  { recent: later, state: given, signal, ...reading }: TrackCall,
): Promise<Omit<TrackedFrame, 'milliseconds'>> {
  if (given !== undefined) checkTrackState(given);
  const first = await sightings.of(marked, reading);
  const state = given ?? startOf(first);
  const recent = later && (await usable(sightings, later, reading, first, state));
  context.lap('reference');
  const frame = await target.decode();
  const step = await runSteps(stepOf(first, recent, frame, state), signal);
  context.lap('align');
  const { width, height } = frame;
  const lost = { width, height, found: false, trust: Math.max(0, step?.trust ?? 0), state: lostState(state) };
  if (step === undefined || step.trust < FOUND_FROM) return lost;
  let mask = step.visible;
  if (step.changed) {
    const seen = await images.features(target);
    context.lap('embed');
    const likeness = await likenessOf(context, { maps: await images.maps(first.image), mask: first.look.mask }, { maps: seen, mask });
    if (step.chained && likeness < MIN_LIKENESS) return lost;
    mask = await redraw(context, seen, mask);
    context.lap('decode');
  }
  const { area, boxXyxy: extent } = maskExtent(mask);
  const boxXyxy = first.box
    ? movedBox(first.box, first.look.mask, step.whole, step.pose.scale)
    : maskExtent(step.changed ? mask : step.whole).boxXyxy;
  if (extent === undefined || boxXyxy === undefined) return lost;
  return { ...{ width, height, found: true, trust: Math.min(1, step.trust), mask, area, boxXyxy }, state: foundState(state, step) };
}

function startOf({ look: { middle } }: KnownSighting): TrackState {
  const pose = { ...middle, scale: 1, angle: 0 };
  return { pose, seen: pose, motion: STILL, lost: 0 };
}

/** A later sighting, where it shows enough of the object. */
async function usable(
  sightings: Sightings,
  later: Reference,
  reading: ImageReading,
  { look }: KnownSighting,
  { seen }: TrackState,
): Promise<KnownSighting | undefined> {
  const sighting = await sightings.of(later, reading);
  return sighting.look.area >= MIN_SHOWN * seen.scale ** 2 * look.area ? sighting : undefined;
}

function foundState({ seen, lost }: TrackState, { pose }: Step): TrackState {
  // Between a loss and finding it again nobody knows how it moved.
  return { pose, seen: pose, motion: lost > 0 ? STILL : motionBetween(seen, pose), lost: 0 };
}

/** It is expected to go on as it did; its size and its turn are not. */
function lostState({ pose, seen, motion, lost }: TrackState): TrackState {
  if (lost >= MAX_LOST) return { pose, seen, motion: STILL, lost };
  const going = { ...STILL, dx: motion.dx, dy: motion.dy };
  return { pose: moved(pose, going), seen, motion: going, lost: lost + 1 };
}
