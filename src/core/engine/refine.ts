/** Interactive correction with SAM's own prompts. */
import type { SamMask } from './methods/stable-mask.ts';
import { ProsamError } from '../common/errors.ts';
import type { Geometry } from '../image/geometry.ts';
import { parseBox, parsePrompts } from '../mask/annotation.ts';
import { maskExtent } from '../mask/raster.ts';
import type { Networks } from '../onnx/networks.ts';
import type { ImageFeatures } from './image-features.ts';
import { boxPrompts, decodeSamPrompts, lowResSide, maskPrompt, type SamPrompt } from './methods/sam-prompts.ts';
import type { RefinedMask, RefinePrompts } from './types.ts';

/** @throws OPTION_INVALID, ANNOTATION_INVALID, ANNOTATION_OUTSIDE */
export async function refineMask(
  networks: Networks,
  geometry: Geometry,
  image: ImageFeatures,
  prompts: RefinePrompts,
): Promise<RefinedMask[]> {
  const { maskInput } = prompts;
  const points = samPrompts(prompts, image);
  const expected = lowResSide(image) ** 2;
  if (maskInput !== undefined && maskInput.length !== expected) {
    throw new ProsamError(
      'OPTION_INVALID',
      `maskInput: expected the ${expected} lowResLogits of an earlier result, got ${maskInput.length} values.`,
    );
  }
  const { all, single, objectScore } = await decodeSamPrompts(networks, geometry, image, points, maskInput);
  // One point may mean the whole thing or a part, so SAM's three answers are all of use; anything more is unambiguous.
  const ambiguous = points.length === 1 && maskInput === undefined;
  const masks = ambiguous ? all.slice(1).sort((a, b) => b.iou - a.iou) : [single];
  return masks.map((mask) => ({ ...atImageSize(networks, geometry, image, mask), ...(objectScore !== undefined && { objectScore }) }));
}

function samPrompts({ points = [], negative = [], box, maskInput }: RefinePrompts, { width, height }: ImageFeatures): SamPrompt[] {
  const count = points.length + negative.length;
  if (count === 0 && box === undefined && maskInput === undefined)
    throw new ProsamError('OPTION_INVALID', 'expected points, a box or a maskInput to refine from, got none.');
  const parsed = parsePrompts(points, negative);
  const prompts = [
    ...parsed.points.map(([x, y]): SamPrompt => ({ x, y, kind: 'positive' })),
    ...parsed.negative.map(([x, y]): SamPrompt => ({ x, y, kind: 'negative' })),
    ...(box === undefined ? [] : boxPrompts(parseBox(box))),
  ];
  for (const { x, y } of prompts) {
    if (x >= 0 && y >= 0 && x <= width && y <= height) continue;
    throw new ProsamError('ANNOTATION_OUTSIDE', `expected points inside the image of ${width} x ${height} pixels, got (${x}, ${y}).`);
  }
  return prompts;
}

function atImageSize(networks: Networks, geometry: Geometry, image: ImageFeatures, { logits, iou }: SamMask): RefinedMask {
  const { width, height } = image;
  const side = lowResSide(image);
  const mask = { data: geometry.lowToMask({ data: logits, width: side, height: side }, width, height), width, height };
  return { mask, ...maskExtent(mask), samIou: iou, lowResLogits: maskPrompt(networks, logits) };
}
