/** State of a track between two frames: plain numbers that whoever follows an object keeps and hands back. */
import { ProsamError } from '../../common/errors.ts';
import type { Motion, Pose } from './pose.ts';

export interface TrackState {
  /** Place of the object, or where it is expected while it is lost. */
  pose: Pose;
  /** Pose where it was seen last. */
  seen: Pose;
  /** Change in the last step. */
  motion: Motion;
  /** Frames in a row in which it was not found, 0 to 1000. */
  lost: number;
}

export const MAX_LOST = 1000;
/** Pixels. */
const FARTHEST = 1e6;
export const SIZES = [1 / 16, 16] as const;
const MAX_TURNS = 1000;

/** @throws OPTION_INVALID for anything but numbers within bounds */
export function checkTrackState(state: TrackState): void {
  const check = (name: string, value: unknown, low: number, high: number): void => {
    if (typeof value === 'number' && value >= low && value <= high) return;
    throw new ProsamError(
      'OPTION_INVALID',
      `state.${name}: expected a number from ${low} to ${high}, as an earlier step of the track gave it, got ${JSON.stringify(value)}. Start the track again.`,
    );
  };
  const { pose, seen, motion, lost } = { ...(state as Partial<TrackState> | null) };
  for (const [name, one] of Object.entries({ pose, seen })) {
    check(`${name}.x`, one?.x, -FARTHEST, FARTHEST);
    check(`${name}.y`, one?.y, -FARTHEST, FARTHEST);
    check(`${name}.scale`, one?.scale, ...SIZES);
    check(`${name}.angle`, one?.angle, -MAX_TURNS, MAX_TURNS);
  }
  check('motion.dx', motion?.dx, -FARTHEST, FARTHEST);
  check('motion.dy', motion?.dy, -FARTHEST, FARTHEST);
  check('motion.growth', motion?.growth, 1 / 256, 256);
  check('motion.turn', motion?.turn, -MAX_TURNS, MAX_TURNS);
  check('lost', lost, 0, MAX_LOST);
}
