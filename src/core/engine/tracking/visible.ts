/** The part of a found object that shows: where something else lies over it, the frame differs from its look. */
import { PAUSE_AFTER, type Steps } from '../../mask/cooperative.ts';
import type { Raster } from '../../image/pillow-resize.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { MISFIT, type Light } from './light.ts';
import { levelsOf } from './levels.ts';
import type { Look } from './look.ts';
import type { Pose } from './pose.ts';

/** Cells of the finest level on either side that a place is judged by. */
const AROUND = 3;
/** Share of them that must differ, for a hidden place. */
const HIDDEN_FROM = 0.5;

/** Clears the pixels of `whole` that are hidden. whole: the look's mask where the pose has it; of the frame's size. */
export function* clearHidden(
  whole: BinaryMask,
  { image: shown, look, pose, light }: { image: Raster; look: Look; pose: Pose; light: Light },
  frame: Raster,
): Steps<void> {
  const scales = look.scales.slice(0, 1);
  const [own] = levelsOf(shown, scales);
  const [seen] = levelsOf(frame, scales);
  if (own === undefined || seen === undefined) return;
  yield;
  const { width, height, data } = seen.image;
  // 1: differs, 2: as it should be, 0: not of the object
  const marks = new Uint8Array(width * height);
  const [cos, sin] = [Math.cos(pose.angle) / pose.scale, Math.sin(pose.angle) / pose.scale];
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  for (let y = 0; y < height; y++) {
    const row = Math.min(whole.height - 1, Math.floor((y + 0.5) / seen.scaleY)) * whole.width;
    for (let x = 0; x < width; x++) {
      if (whole.data[row + Math.min(whole.width - 1, Math.floor((x + 0.5) / seen.scaleX))] === 0) continue;
      const [ox, oy] = [(x + 0.5) / seen.scaleX - pose.x, (y + 0.5) / seen.scaleY - pose.y];
      const u = Math.round((look.middle.x + cos * ox + sin * oy) * own.scaleX - 0.5);
      const v = Math.round((look.middle.y - sin * ox + cos * oy) * own.scaleY - 0.5);
      if (u < 0 || v < 0 || u >= own.image.width || v >= own.image.height) continue;
      let difference = 0;
      for (let c = 0; c < 3; c++) {
        const expected = light.gain * (own.image.data[3 * (v * own.image.width + u) + c] as number) + (light.offset[c] as number);
        difference += Math.abs((data[3 * (y * width + x) + c] as number) - expected);
      }
      marks[y * width + x] = difference / 3 > MISFIT ? 1 : 2;
      [box.x0, box.x1] = [Math.min(box.x0, x), Math.max(box.x1, x + 1)];
      [box.y0, box.y1] = [Math.min(box.y0, y), Math.max(box.y1, y + 1)];
    }
  }
  yield;
  const hidden = new Uint8Array(width * height);
  for (let y = box.y0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++) {
      if (marks[y * width + x] === 0) continue;
      let [differ, all] = [0, 0];
      for (let dy = -AROUND; dy <= AROUND; dy++) {
        for (let dx = -AROUND; dx <= AROUND; dx++) {
          const [px, py] = [x + dx, y + dy];
          const mark = px < 0 || py < 0 || px >= width || py >= height ? 0 : (marks[py * width + px] as number);
          if (mark !== 0) all++;
          if (mark === 1) differ++;
        }
      }
      if (differ > HIDDEN_FROM * all) hidden[y * width + x] = 1;
    }
  }
  let done = 0;
  for (let y = 0; y < whole.height; y++) {
    const row = Math.min(height - 1, Math.floor((y + 0.5) * seen.scaleY)) * width;
    for (let x = 0; x < whole.width; x++) {
      const at = y * whole.width + x;
      if (whole.data[at] !== 0 && hidden[row + Math.min(width - 1, Math.floor((x + 0.5) * seen.scaleX))] !== 0) whole.data[at] = 0;
    }
    done += whole.width;
    if (done < PAUSE_AFTER) continue;
    done = 0;
    yield;
  }
}
