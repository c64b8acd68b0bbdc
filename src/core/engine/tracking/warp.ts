/** A marked object, put where a pose has it. */
import { PAUSE_AFTER, type Steps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { Pose } from './pose.ts';

/** mask: of the frame in which its middle lies at `middle`. -> of the size asked for; what would lie outside is cut off */
export function* warpedMask(
  mask: BinaryMask,
  middle: { x: number; y: number },
  { x, y, scale, angle }: Pose,
  { width, height }: { width: number; height: number },
): Steps<BinaryMask> {
  const data = new Uint8Array(width * height);
  const radius = scale * radiusOf(mask, middle) + 2;
  const [x0, x1] = [Math.max(0, Math.floor(x - radius)), Math.min(width, Math.ceil(x + radius))];
  const [y0, y1] = [Math.max(0, Math.floor(y - radius)), Math.min(height, Math.ceil(y + radius))];
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  const isSet = (px: number, py: number): number =>
    px >= 0 && py >= 0 && px < mask.width && py < mask.height ? (mask.data[py * mask.width + px] as number) : 0;
  let done = 0;
  for (let row = y0; row < y1; row++) {
    for (let column = x0; column < x1; column++) {
      const [ox, oy] = [column + 0.5 - x, row + 0.5 - y];
      // Bilinear between the centers of the marked frame's pixels.
      const px = middle.x + cos * ox + sin * oy - 0.5;
      const py = middle.y - sin * ox + cos * oy - 0.5;
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [fx, fy] = [px - left, py - top];
      const above = isSet(left, top) * (1 - fx) + isSet(left + 1, top) * fx;
      const below = isSet(left, top + 1) * (1 - fx) + isSet(left + 1, top + 1) * fx;
      if (above * (1 - fy) + below * fy >= 0.5) data[row * width + column] = 1;
    }
    done += x1 - x0;
    if (done < PAUSE_AFTER) continue;
    done = 0;
    yield;
  }
  return { data, width, height };
}

/** Distance of the farthest marked pixel from the middle. */
function radiusOf({ data, width, height }: BinaryMask, { x, y }: { x: number; y: number }): number {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let row = 0; row < height; row++) {
    const first = data.indexOf(1, row * width);
    if (first === -1) break;
    if (first >= (row + 1) * width) continue;
    const last = data.lastIndexOf(1, (row + 1) * width - 1);
    [x0, x1] = [Math.min(x0, first - row * width), Math.max(x1, last - row * width + 1)];
    [y0, y1] = [Math.min(y0, row), Math.max(y1, row + 1)];
  }
  return Math.hypot(Math.max(x - x0, x1 - x), Math.max(y - y0, y1 - y));
}
