/**
 * Regions that are on the screen while somebody clicks, and the one the click is about. Label Studio sends a click without its region, but
 * the task beside it has all regions: where one holds the click, that is what a person clicked on.
 */
import { isProsamError } from '../../core/common/errors.ts';
import { runSteps } from '../../core/mask/cooperative.ts';
import { parsePoints } from '../../core/mask/annotation.ts';
import { maskFromAnnotation } from '../../core/mask/draw-annotation.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { maskExtentSteps, type Point } from '../../core/mask/raster.ts';
import type { RefinePrompts } from '../../core/engine/types.ts';
import type { Asked } from './prompts.ts';
import { annotationOfRegion, kindOfRegion, labelsOfRegion } from './protocol/read-region.ts';
import type { MlRegion, MlTask } from './protocol/request-schemas.ts';

type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** Regions that are looked at: of 12 megapixels, each takes some milliseconds. */
const MAX_REGIONS = 40;

/** Predicted regions of the label asked for, corrected or not: what is being edited where it has some, else submitted, else predicted; the newest of each. */
export function shownRegions(
  { label, toName, item }: Asked,
  { drafts, annotations, predictions }: Pick<MlTask, 'drafts' | 'annotations' | 'predictions'>,
  context: readonly MlRegion[],
): MlRegion[] {
  const prompts = new Set(context.map(({ id }) => id));
  const isOf = (region: MlRegion): boolean =>
    kindOfRegion(region) !== 'keypointlabels' &&
    !prompts.has(region.id) &&
    region.to_name === toName &&
    (region.item_index ?? 0) === item &&
    labelsOfRegion(region).includes(label);
  // What people drew is finished, and no hint.
  const ofPeople = (region: MlRegion): boolean => isOf(region) && region.origin?.startsWith('prediction') === true;
  for (const [list, isShown] of [[drafts, ofPeople] as const, [annotations, ofPeople] as const, [predictions, isOf] as const]) {
    const found = list.toReversed().map(({ result }) => result.filter(isShown));
    const newest = found.find((regions) => regions.length > 0);
    if (newest) return newest.slice(-MAX_REGIONS);
  }
  return [];
}

/**
 * Box around the regions that hold the clicks on the object, x1 and y1 past the last pixel; of clicks beside the object alone, around the
 * region that holds the newest of them, else the nearest. undefined: a click lies on none, so it is about something else.
 */
export async function clickedBox(
  regions: readonly MlRegion[],
  { points = [], negative = [] }: Pick<RefinePrompts, 'points' | 'negative'>,
  size: { width: number; height: number },
  signal: AbortSignal,
): Promise<Box | undefined> {
  const on = parsePoints('points', points);
  const asked = on.length > 0 ? on : parsePoints('negative', negative).slice(-1);
  const [newest] = asked;
  if (newest === undefined) return undefined;
  // One mask at a time: that of a large photo takes megabytes.
  const seen: { boxXyxy: Box; area: number; holds: boolean[] }[] = [];
  for (const region of regions) {
    const mask = await maskOf(region, size, signal);
    if (mask === undefined) continue;
    const { boxXyxy, area } = await runSteps(maskExtentSteps(mask), signal);
    if (boxXyxy) seen.push({ boxXyxy, area, holds: asked.map((point) => isOn(mask, point)) });
  }
  const held = asked.map((_point, i) => smallest(seen.filter(({ holds }) => holds[i] === true)));
  if (on.length > 0) return held.every((one) => one !== undefined) ? around(held) : undefined;
  const [nearest] = [...seen].sort((one, other) => distance(one.boxXyxy, newest) - distance(other.boxXyxy, newest));
  return (held[0] ?? nearest)?.boxXyxy;
}

/** undefined: a region that cannot be read, or is of another image. */
async function maskOf(region: MlRegion, size: { width: number; height: number }, signal: AbortSignal): Promise<BinaryMask | undefined> {
  const { width, height } = size;
  const isDrawn = region.type === 'brushlabels' || region.type === 'bitmasklabels';
  try {
    // Outlines are percent of the image as it is, whatever size they claim; masks have their own.
    const sized = isDrawn ? region : { ...region, original_width: width, original_height: height };
    const annotation = await annotationOfRegion(sized, {}, signal);
    const mask = annotation && maskFromAnnotation(annotation, width, height);
    return mask?.width === width && mask.height === height ? mask : undefined;
  } catch (error) {
    if (!isProsamError(error)) throw error;
    return undefined;
  }
}

function isOn({ data, width }: BinaryMask, [x, y]: Point): boolean {
  return data[Math.floor(y) * width + Math.floor(x)] === 1;
}

function smallest<T extends { area: number }>(all: readonly T[]): T | undefined {
  return [...all].sort((one, other) => one.area - other.area)[0];
}

function around(parts: readonly { boxXyxy: Box }[]): Box {
  const side = (at: 0 | 1 | 2 | 3) => parts.map(({ boxXyxy }) => boxXyxy[at]);
  return [Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3))];
}

function distance([x0, y0, x1, y1]: Box, [x, y]: Point): number {
  return Math.hypot(Math.max(x0 - x, 0, x - x1), Math.max(y0 - y, 0, y - y1));
}
