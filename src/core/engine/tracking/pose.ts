/** Similarity of the plane: the place, size and angle of an object, relative to the frame in which it was marked. */

export interface Pose {
  /** Place of the object's middle, in the frame's pixels. */
  x: number;
  y: number;
  /** Size relative to the marked object's. */
  scale: number;
  /** Radians clockwise on screen. */
  angle: number;
}

/** Change of a pose from one frame to the next. */
export interface Motion {
  dx: number;
  dy: number;
  /** Factor. */
  growth: number;
  /** Radians. */
  turn: number;
}

export const STILL: Motion = { dx: 0, dy: 0, growth: 1, turn: 0 };

export function moved({ x, y, scale, angle }: Pose, { dx, dy, growth, turn }: Motion): Pose {
  return { x: x + dx, y: y + dy, scale: scale * growth, angle: angle + turn };
}

export function motionBetween(before: Pose, after: Pose): Motion {
  return {
    dx: after.x - before.x,
    dy: after.y - before.y,
    growth: after.scale / before.scale,
    turn: turnBetween(before.angle, after.angle),
  };
}

/**
 * Pose of an object that was at `seen`, after everything there moved as a later sighting did. middle: its place at that time; later: its pose
 * relative to that.
 */
export function carried(seen: Pose, middle: { x: number; y: number }, later: Pose): Pose {
  const [cos, sin] = [later.scale * Math.cos(later.angle), later.scale * Math.sin(later.angle)];
  const [ox, oy] = [seen.x - middle.x, seen.y - middle.y];
  return {
    x: later.x + cos * ox - sin * oy,
    y: later.y + sin * ox + cos * oy,
    scale: seen.scale * later.scale,
    angle: seen.angle + later.angle,
  };
}

/** -pi to pi */
function turnBetween(before: number, after: number): number {
  const turn = after - before;
  return turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI));
}
