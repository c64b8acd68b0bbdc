/** Interactive correction with SAM's own prompts. */
import { ProsamError } from '../common/errors.ts';
import type { ImageFeatures } from './image-features.ts';
import type { FeatureStore } from './references.ts';
import { boxPrompts, decodeSamPrompts, type SamMask, type SamPrompt } from './methods/sam-prompts.ts';
import { maskExtent } from '../mask/raster.ts';
import type { Networks } from '../onnx/networks.ts';
import { maskFromField } from './strategy.ts';
import type { RefinedMask, RefinePrompts } from './types.ts';

const MAX_POINTS = 1000;

/** @throws OPTION_INVALID, ANNOTATION_OUTSIDE */
export async function refineMask(
  networks: Networks,
  features: FeatureStore,
  image: ImageFeatures,
  prompts: RefinePrompts,
): Promise<RefinedMask[]> {
  const points = samPrompts(prompts, image);
  const { previous } = prompts;
  const expected = (4 * (image.embedding.shape[2] as number)) ** 2;
  if (previous !== undefined && previous.length !== expected) {
    throw new ProsamError(
      'OPTION_INVALID',
      `previous: expected the ${expected} low-resolution logits of an earlier answer, got ${previous.length} values.`,
    );
  }
  const offered = await decodeSamPrompts(networks, features, image, points, previous);
  // One point may mean the whole thing or a part, so SAM's three answers are all of use; anything more is unambiguous.
  const ambiguous = points.length === 1 && previous === undefined;
  const masks = ambiguous ? offered.slice(1) : offered.slice(0, 1);
  return masks.sort((a, b) => b.iou - a.iou).map((mask) => atImageSize(features, image, mask));
}

function samPrompts({ points = [], boxXyxy, previous }: RefinePrompts, { width, height }: ImageFeatures): SamPrompt[] {
  if (points.length === 0 && boxXyxy === undefined && previous === undefined) {
    throw new ProsamError('OPTION_INVALID', 'expected points, a box or a previous mask to refine from, got none.');
  }
  if (points.length > MAX_POINTS) throw new ProsamError('OPTION_INVALID', `expected at most ${MAX_POINTS} points, got ${points.length}.`);
  const prompts = [
    ...points.map(({ x, y, positive = true }): SamPrompt => ({ x, y, kind: positive ? 'positive' : 'negative' })),
    ...(boxXyxy ? boxPrompts(boxXyxy) : []),
  ];
  for (const { x, y } of prompts) {
    if (x >= 0 && y >= 0 && x <= width && y <= height) continue; // false for NaN
    throw new ProsamError('ANNOTATION_OUTSIDE', `expected points inside the image of ${width} x ${height} pixels, got (${x}, ${y}).`);
  }
  return prompts;
}

function atImageSize({ geometry }: FeatureStore, { width, height }: ImageFeatures, { logits, iou }: SamMask): RefinedMask {
  const side = Math.sqrt(logits.length);
  const field = geometry.toImage(geometry.toSquare({ data: logits, width: side, height: side }), width, height);
  const mask = { data: maskFromField(field.data), width, height };
  return { mask, ...maskExtent(mask), predictedIou: iou, lowRes: logits };
}
