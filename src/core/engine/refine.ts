/** Interactive correction with SAM's own prompts. */
import type { SamMask } from './methods/stable-mask.ts';
import { ProsamError } from '../common/errors.ts';
import type { Geometry } from '../image/geometry.ts';
import type { Notice } from '../common/notice.ts';
import { parseBox, parsePrompts, unitsOf } from '../mask/annotation.ts';
import { fittedBox, fittedClicks, tinyCoordinates } from '../mask/coordinates.ts';
import type { Point } from '../mask/raster.ts';
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
): Promise<{ masks: RefinedMask[]; notices: Notice[] }> {
  const { maskInput } = prompts;
  const { prompts: points, notices } = samPrompts(prompts, image);
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
  const refined = (prompts.best === true ? masks.slice(0, 1) : masks).map((mask) => ({
    ...atImageSize(networks, geometry, image, mask),
    ...(objectScore !== undefined && { objectScore }),
  }));
  return { masks: refined, notices };
}

function samPrompts({ points = [], negative = [], box, maskInput, units }: RefinePrompts, image: ImageFeatures) {
  const count = points.length + negative.length;
  if (count === 0 && box === undefined && maskInput === undefined)
    throw new ProsamError('OPTION_INVALID', 'expected points, a box or a maskInput to refine from, got none.');
  const parsed = parsePrompts(points, negative);
  const { units: given } = unitsOf(units);
  const corners = box === undefined ? undefined : parseBox(box);
  const at = (list: readonly Point[], kind: 'positive' | 'negative'): SamPrompt[] =>
    fittedClicks(list, given, image).map(([x, y]) => ({ x, y, kind }));
  const prompts = [
    ...at(parsed.points, 'positive'),
    ...at(parsed.negative, 'negative'),
    ...(corners === undefined ? [] : boxPrompts(fittedBox(corners, given, image))),
  ];
  const said: Point[] = [...parsed.points, ...parsed.negative];
  if (corners !== undefined) said.push([corners[0], corners[1]], [corners[2], corners[3]]);
  return { prompts, notices: given === undefined ? tinyCoordinates(said, corners === undefined ? 'points' : 'prompts', image) : [] };
}

function atImageSize(networks: Networks, geometry: Geometry, image: ImageFeatures, { logits, iou }: SamMask): RefinedMask {
  const { width, height } = image;
  const side = lowResSide(image);
  const mask = { data: geometry.lowToMask({ data: logits, width: side, height: side }, width, height), width, height };
  return { mask, ...maskExtent(mask), samIou: iou, lowResLogits: maskPrompt(networks, logits) };
}
