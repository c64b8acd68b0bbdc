/** Prompts a user has drawn, grouped by object: points and boxes in pixels of the upright image. */
import type { RefinePrompts } from '../../core/engine/types.ts';
import type { LabelConfig } from './protocol/label-config.ts';
import { boxOf, labelsOfRegion, pointOf } from './protocol/read-region.ts';
import type { MlRegion, MlTask } from './protocol/request-schemas.ts';

/** Requested label and image: those of the newest prompt. */
export interface Asked {
  label: string;
  toName: string;
  /** Page of an image object that shows a list, from 0. */
  item: number;
}

type Box = ReturnType<typeof boxOf>;
interface Click {
  x: number;
  y: number;
  positive: boolean;
}

/** Boxes answered at once; older ones have been answered before. */
const MAX_BOXES = 8;
const MAX_POINTS = 200;

/** undefined: there is no prompt with a label in it. */
export function askedFor(context: readonly MlRegion[]): Asked | undefined {
  const newest = context.filter((region) => isPrompt(region) && labelsOfRegion(region).length > 0).at(-1);
  const [label] = newest === undefined ? [] : labelsOfRegion(newest);
  return newest === undefined || label === undefined ? undefined : { label, toName: newest.to_name, item: newest.item_index ?? 0 };
}

/**
 * One set of prompts an object. The editor sends points without boxes and boxes without points; those of the other kind are taken
 * from drafts where they are about the same place: points inside a box, the box around all points.
 * size: of the image as it is; percent of it count, whatever size a region claims.
 * @throws ANNOTATION_INVALID for prompts on a turned view
 */
export function promptsOf(
  { label, toName, item }: Asked,
  context: readonly MlRegion[],
  drafts: MlTask['drafts'],
  config: LabelConfig,
  size: { width: number; height: number },
): RefinePrompts[] {
  const smart = new Set(config.controls.filter((control) => control.smart).map(({ name }) => name));
  const own = (region: MlRegion): boolean =>
    isPrompt(region) && region.to_name === toName && (region.item_index ?? 0) === item && labelsOfRegion(region).includes(label);
  const given = sorted(context.filter(own), size);
  const ids = new Set(context.map(({ id }) => id));
  const drafted = sorted(
    drafts.flatMap(({ result }) => result).filter((region) => own(region) && smart.has(region.from_name) && !ids.has(region.id)),
    size,
  );
  if (given.boxes.length > 0) {
    const points = given.points.length > 0 ? given.points : drafted.points;
    return given.boxes.slice(-MAX_BOXES).map((box) => ({ box, ...pointsOf(points.filter((point) => isInside(point, box))) }));
  }
  if (given.points.length === 0) return [];
  const points = given.points.slice(-MAX_POINTS);
  const positive = points.filter((point) => point.positive);
  const around = drafted.boxes.filter((box) => positive.length > 0 && positive.every((point) => isInside(point, box))).at(-1);
  return [{ ...pointsOf(points), ...(around && { box: around }) }];
}

function pointsOf(clicks: readonly Click[]): Pick<RefinePrompts, 'points' | 'negative'> {
  const of = (wanted: boolean) => clicks.filter(({ positive }) => positive === wanted).map(({ x, y }) => ({ x, y }));
  const [points, negative] = [of(true), of(false)];
  return { ...(points.length > 0 && { points }), ...(negative.length > 0 && { negative }) };
}

function isPrompt({ type }: MlRegion): boolean {
  return type === 'keypointlabels' || type === 'rectanglelabels';
}

function sorted(regions: readonly MlRegion[], { width, height }: { width: number; height: number }): { points: Click[]; boxes: Box[] } {
  const points: Click[] = [];
  const boxes: Box[] = [];
  for (const region of regions) {
    const sized = { ...region, original_width: width, original_height: height };
    if (region.type === 'rectanglelabels') boxes.push(boxOf(sized));
    else {
      const [x, y] = pointOf(sized);
      points.push({ x, y, positive: region.is_positive ?? true });
    }
  }
  return { points, boxes };
}

function isInside({ x, y }: Click, [x0, y0, x1, y1]: Box): boolean {
  return x >= x0 && x < x1 && y >= y0 && y < y1;
}
