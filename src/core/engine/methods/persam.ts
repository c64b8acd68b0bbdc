/**
 * No training: after PerSAM (Zhang et al., 2023), feature similarity chooses positive and negative points, SAM draws the
 * mask and refines it twice, with its own mask and then its box. Points come from the contrast of object and background
 * features rather than from similarity alone, and three positive points instead of one, which measured better.
 */
import { aboveZero } from '../../mask/resize-map.ts';
import type { SamMask } from './stable-mask.ts';
import type { ImageFeatures } from '../image-features.ts';
import { gridOf, type Geometry } from '../../image/geometry.ts';
import { boundingBox } from '../../mask/raster.ts';
import { cellCentres } from './cell-centres.ts';
import { featureContrast } from './feature-contrast.ts';
import { samResult } from './mask-prompts.ts';
import type { RunMethod } from './method.ts';
import { bestMask, boxPrompts, decodeSamPrompts, type SamPrompt } from './sam-prompts.ts';

const POSITIVE_POINTS = 3;
/** Least distance between positive points, as a share of the grid's side. */
const SPACING = 1 / 8;

export const persam: RunMethod = async (context, target, references) => {
  const { networks, geometry } = context;
  const points = choosePoints(geometry, target, await featureContrast(context, target, references, networks.matching.persam));
  context.lap('prompt');

  let mask = bestMask((await decodeSamPrompts(networks, geometry, target, points)).all);
  context.checkpoint();
  mask = bestMask((await decodeSamPrompts(networks, geometry, target, points, mask.logits)).all);
  context.checkpoint();
  const box = lowResBox(geometry, target, mask);
  if (box) mask = bestMask((await decodeSamPrompts(networks, geometry, target, [...points, ...boxPrompts(box)], mask.logits)).all);
  context.lap('decode');

  const result = samResult(context, target, mask);
  context.lap('resize');
  return result;
};

/** The best cells, well apart, as positive points, and the worst as a negative one; in the image's pixels. */
function choosePoints(geometry: Geometry, target: ImageFeatures, contrast: Float32Array): SamPrompt[] {
  const { columns } = gridOf(geometry, target);
  const { x, y, inImage } = cellCentres({ geometry }, target, { columns });
  const centre = (cell: number) => ({ x: x(cell % columns), y: y(Math.floor(cell / columns)) });
  const ranked = [...contrast.keys()].filter(inImage).sort((a, b) => (contrast[b] as number) - (contrast[a] as number));
  const chosen: number[] = [];
  for (const cell of ranked) {
    if (chosen.length === POSITIVE_POINTS) break;
    const apart = chosen.every(
      (other) =>
        Math.hypot((cell % columns) - (other % columns), Math.floor(cell / columns) - Math.floor(other / columns)) >= SPACING * columns,
    );
    if (apart) chosen.push(cell);
  }
  const worst = ranked.at(-1) as number;
  return [...chosen.map((cell): SamPrompt => ({ ...centre(cell), kind: 'positive' })), { ...centre(worst), kind: 'negative' }];
}

/** Box of the mask in the image's pixels. */
function lowResBox(geometry: Geometry, target: ImageFeatures, mask: SamMask): [number, number, number, number] | undefined {
  const side = Math.sqrt(mask.logits.length);
  const seen = geometry.visible({ data: mask.logits, width: side, height: side }, target.width, target.height);
  const box = boundingBox({ ...seen, data: aboveZero(seen.data) });
  if (!box) return undefined;
  const [scaleX, scaleY] = [target.width / seen.width, target.height / seen.height];
  return [box[0] * scaleX, box[1] * scaleY, box[2] * scaleX, box[3] * scaleY];
}
