import { hsvToRgb } from './colour.ts';
import type { Rgb } from './colour.ts';
import type { Appearance } from './concepts.ts';
import type { SceneRandom } from './scene-random.ts';

/** One object's random variation: where it is, how it is turned and stretched, what colours it has. */
export interface ObjectPose {
  /** Centre, as a share of the canvas from its left and top edge. */
  readonly centreX: number;
  readonly centreY: number;
  /** Radius before the stretch, as a share of the canvas. */
  readonly radius: number;
  /** Half the side of the square around the centre that gets painted, as a share of the canvas. */
  readonly reach: number;
  /** Object coordinates from offsets to the centre: u = uPerX * dx + uPerY * dy, and likewise v. */
  readonly uPerX: number;
  readonly uPerY: number;
  readonly vPerX: number;
  readonly vPerY: number;
  /** Variation of the outline, [0, 1). */
  readonly variation: number;
  readonly first: Rgb;
  readonly second: Rgb;
  readonly textureSeed: number;
  readonly frequency: number;
}

/** Draws the pose of an object whose radius, before its concept's own size factor, is the given share of the canvas. */
export function drawPose(appearance: Appearance, random: SceneRandom, wantedRadius: number): ObjectPose {
  const centreX = random.range(0.06, 0.94);
  const centreY = random.range(0.06, 0.94);
  const radius = wantedRadius * appearance.size;
  const stretch = Math.sqrt(appearance.aspect * random.range(0.85, 1.18));
  const radiusX = radius * stretch;
  const radiusY = radius / stretch;
  const angle = random.range(-appearance.rotation, appearance.rotation);
  const variation = random.uniform();
  const flip = random.uniform() < 0.5 ? -1 : 1;
  const shear = random.range(-0.12, 0.12);
  const hueShift = random.range(-0.035, 0.035);
  const valueFactor = random.range(0.85, 1.12);
  const saturation = Math.min(1, appearance.saturation * random.range(0.85, 1.1));
  const first = hsvToRgb(appearance.hue + hueShift, saturation, Math.min(1, appearance.value * valueFactor));
  const second = hsvToRgb(appearance.secondHue + hueShift, appearance.secondSaturation, Math.min(1, appearance.secondValue * valueFactor));
  const textureSeed = random.integer(1, 99999);
  const frequency = appearance.frequency * random.range(0.9, 1.12);

  const vPerX = -Math.sin(angle) / radiusY;
  const vPerY = Math.cos(angle) / radiusY;
  return {
    centreX,
    centreY,
    radius,
    reach: 1.5 * Math.max(radiusX, radiusY),
    uPerX: (Math.cos(angle) / radiusX) * flip + shear * vPerX,
    uPerY: (Math.sin(angle) / radiusX) * flip + shear * vPerY,
    vPerX,
    vPerY,
    variation,
    first,
    second,
    textureSeed,
    frequency,
  };
}
