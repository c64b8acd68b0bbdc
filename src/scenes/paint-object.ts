import type { Canvas } from './canvas.ts';
import type { Appearance } from './concepts.ts';
import { drawPose } from './object-pose.ts';
import type { ObjectPose } from './object-pose.ts';
import type { SceneRandom } from './scene-random.ts';
import { SHAPES } from './shapes.ts';
import type { NamedShape } from './shapes.ts';
import { makeTexture } from './textures.ts';

export interface PaintOptions {
  /** Radius before the concept's size factor, as a share of the canvas. */
  readonly radius: number;
  /** Number that the covered pixels get in the canvas's owners: 1..255, or 0 for an object that has no label. */
  readonly owner: number;
  /** See-through and without a shadow. */
  readonly soft?: boolean;
}

/** Pixels of the canvas that an object can touch; `right` and `bottom` are excluded. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const SHADOW_BRIGHTNESS = 0.72;

/**
 * Paints one object at a random place over what is there.
 * Returns how many pixels it covers; 0 when its outline misses the canvas, which then stays as it was.
 */
export function paintObject(canvas: Canvas, appearance: Appearance, random: SceneRandom, options: PaintOptions): number {
  const pose = drawPose(appearance, random, options.radius);
  const box = findBox(pose, canvas.size);
  if (box.right <= box.left || box.bottom <= box.top) return 0;
  const mask = new Uint8Array((box.right - box.left) * (box.bottom - box.top));
  const covered = fillMask(mask, box, pose, appearance, canvas.size);
  if (covered === 0) return 0;
  // The opacity is drawn last, and only for soft objects that show.
  const opacity = options.soft ? random.range(0.35, 0.7) : 1;
  if (!options.soft) paintShadow(canvas, mask, box, Math.max(2, Math.trunc(pose.radius * canvas.size * 0.12)));
  paintSurface(canvas, mask, box, pose, appearance, opacity, options.owner);
  return covered;
}

function findBox(pose: ObjectPose, size: number): Box {
  return {
    left: Math.max(0, Math.trunc((pose.centreX - pose.reach) * size)),
    right: Math.min(size, Math.trunc((pose.centreX + pose.reach) * size) + 1),
    top: Math.max(0, Math.trunc((pose.centreY - pose.reach) * size)),
    bottom: Math.min(size, Math.trunc((pose.centreY + pose.reach) * size) + 1),
  };
}

/** Sets the pixels inside the outline, and returns their number. */
function fillMask(mask: Uint8Array, box: Box, pose: ObjectPose, appearance: Appearance, size: number): number {
  const { centreX, centreY, uPerX, uPerY, vPerX, vPerY } = pose;
  const { shape } = SHAPES[appearance.shape] as NamedShape;
  const isInside = shape(pose.variation, appearance.kind);
  let covered = 0;
  for (let row = box.top, at = 0; row < box.bottom; row++) {
    const dy = (row + 0.5) / size - centreY;
    for (let column = box.left; column < box.right; column++, at++) {
      const dx = (column + 0.5) / size - centreX;
      const u = uPerX * dx + uPerY * dy;
      const v = vPerX * dx + vPerY * dy;
      if (Math.abs(u) < 1 && Math.abs(v) < 1 && isInside(u, v)) {
        mask[at] = 1;
        covered++;
      }
    }
  }
  return covered;
}

/** Darkens what lies `offset` pixels below and to the right of the object, inside its box, and is not the object itself. */
function paintShadow(canvas: Canvas, mask: Uint8Array, box: Box, offset: number): void {
  const { colours, size } = canvas;
  const width = box.right - box.left;
  const height = box.bottom - box.top;
  for (let row = offset; row < height; row++) {
    for (let column = offset; column < width; column++) {
      const at = row * width + column;
      if (mask[at] === 1 || mask[at - offset * width - offset] === 0) continue;
      const pixel = ((box.top + row) * size + box.left + column) * 3;
      colours[pixel] = (colours[pixel] as number) * SHADOW_BRIGHTNESS;
      colours[pixel + 1] = (colours[pixel + 1] as number) * SHADOW_BRIGHTNESS;
      colours[pixel + 2] = (colours[pixel + 2] as number) * SHADOW_BRIGHTNESS;
    }
  }
}

function paintSurface(
  canvas: Canvas,
  mask: Uint8Array,
  box: Box,
  pose: ObjectPose,
  appearance: Appearance,
  opacity: number,
  owner: number,
): void {
  const { colours, owners, size } = canvas;
  const { centreX, centreY, uPerX, uPerY, vPerX, vPerY, first, second } = pose;
  const weightAt = makeTexture(appearance.texture, pose.frequency, pose.textureSeed);
  const rest = 1 - opacity;
  for (let row = box.top, at = 0; row < box.bottom; row++) {
    const dy = (row + 0.5) / size - centreY;
    for (let column = box.left; column < box.right; column++, at++) {
      if (mask[at] === 0) continue;
      const dx = (column + 0.5) / size - centreX;
      const u = uPerX * dx + uPerY * dy;
      const v = vPerX * dx + vPerY * dy;
      const weight = weightAt(u, v);
      // Light from the upper left.
      const light = (0.82 + 0.18 * Math.min(Math.max(0.6 - 0.5 * u - 0.6 * v, 0), 1.6)) * opacity;
      const pixel = row * size + column;
      owners[pixel] = owner;
      for (let channel = 0; channel < 3; channel++) {
        const colour = (first[channel] as number) + ((second[channel] as number) - (first[channel] as number)) * weight;
        colours[pixel * 3 + channel] = (colours[pixel * 3 + channel] as number) * rest + colour * light;
      }
    }
  }
}
