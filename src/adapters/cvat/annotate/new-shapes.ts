/** Predicted masks as shapes for CVAT, checked before they leave: CVAT itself stores wrong ones without a word. */
import { ProsamError } from '../../../core/common/errors.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import { ellipseSteps } from '../../../core/mask/ellipse.ts';
import { splitInstancesSteps, type Region } from '../../../core/mask/instances.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { boundingBox } from '../../../core/mask/raster.ts';
import { ellipsePoints } from '../shape-annotation.ts';
import { checkCvatRle, cvatRleFromMaskSync, cvatRleFromMask } from '../../../core/mask/cvat-rle.ts';
import type { CvatLabel, NewCvatShape } from '../api/types.ts';
import { DEFAULT_LEAST_PART, largeEnough, outlinesOfObject } from './parts.ts';

export const SHAPE_FORMS = ['mask', 'polygon', 'rectangle', 'ellipse'] as const;
export type ShapeForm = (typeof SHAPE_FORMS)[number];

/** Shape form for a label: the requested one, or the only one the label allows. undefined: nothing that can be drawn. */
export function formFor(label: CvatLabel, wanted: ShapeForm): ShapeForm | undefined {
  return label.type === 'any' ? wanted : SHAPE_FORMS.find((form) => form === label.type);
}

/** Forms by label, as a function has to declare them to be asked for a label; undefined: the label takes nothing that can be drawn. */
export function declaredForms(labels: readonly CvatLabel[]): Map<string, ShapeForm | undefined> {
  const top = labels.filter(({ parent_id: parent }) => parent === null);
  return new Map(top.map((label) => [label.name, formFor(label, 'mask')]));
}

export interface ShapeOptions {
  form: ShapeForm;
  /** Pixels an outline may deviate; less where a region would change too much. */
  tolerance: number;
  /** Objects of the mask that get a shape each. @default one mask for all, outlines and boxes for each connected region */
  parts?: readonly Region[];
  /** Smallest region, as a share of the image. */
  minShare: number;
  /** Smallest part that gets a shape of its own, as a share of the largest, 0 to 1. @default 0.05 */
  leastPart?: number;
  /** Number for outlines that belong together, which no other shape of the frame has. @default they are not grouped */
  newGroup?: () => number;
}

export interface MadeShapes {
  shapes: NewCvatShape[];
  /** Parts that were too small for a shape of their own. */
  leftOut: number;
}

/**
 * -> shapes of one label on one frame; none where the mask is empty. Outlines of one object share a group: of each of `parts`, without them
 * of the whole mask, of which nobody knows what belongs together.
 */
export async function shapesOfMask(
  mask: BinaryMask,
  where: { frame: number; label_id: number },
  { form, tolerance, parts, minShare, leastPart = DEFAULT_LEAST_PART, newGroup }: ShapeOptions,
): Promise<MadeShapes> {
  const shape = (points: readonly number[], rotation = 0): NewCvatShape => ({
    ...{ type: form, ...where, points },
    ...(rotation !== 0 && { rotation }),
  });
  if (form === 'mask' && parts === undefined)
    return { shapes: boundingBox(mask) === undefined ? [] : [shape(await cvatRleFromMask(mask))], leftOut: 0 };
  const leastPixels = Math.max(1, minShare * mask.data.length);
  const regions = parts ?? (await runSteps(splitInstancesSteps(mask, 1)));
  const all = largeEnough(regions, leastPart, parts === undefined ? leastPixels : 0);
  const objects: NewCvatShape[][] = [];
  let { leftOut } = all;
  for (const { boxXyxy, mask: cut, area } of all.kept) {
    const [left, top, right, bottom] = boxXyxy;
    if (form === 'rectangle') objects.push([shape([left, top, right, bottom])]);
    else if (form === 'ellipse') {
      const ellipse = await runSteps(ellipseSteps(cut, { at: [left, top], within: mask }));
      if (ellipse) objects.push([shape(ellipsePoints(ellipse), ellipse.rotation)]);
    } else if (form === 'mask') objects.push([shape(moved(cvatRleFromMaskSync(cut), left, top))]);
    else {
      // Polygons of CVAT have no holes, and parts of an object that do not touch have outlines of their own.
      const outlines = await outlinesOfObject(cut, { tolerance, least: Math.max(leastPixels, leastPart * area) });
      leftOut += outlines.leftOut;
      objects.push(outlines.kept.map((outline) => shape(outline.flatMap(([x, y]) => [x + left, y + top]))));
    }
  }
  if (form !== 'polygon' || newGroup === undefined) return { shapes: objects.flat(), leftOut };
  const families = parts === undefined ? [objects.flat()] : objects;
  return { shapes: families.flatMap((family) => grouped(family, newGroup)), leftOut };
}

function grouped(family: readonly NewCvatShape[], newGroup: () => number): NewCvatShape[] {
  if (family.length < 2) return [...family];
  const group = newGroup();
  return family.map((one) => ({ ...one, group }));
}

/** A mask cut from an image, at its place there. */
function moved(points: readonly number[], left: number, top: number): number[] {
  const [x0, y0, x1, y1] = points.slice(-4) as [number, number, number, number];
  return [...points.slice(0, -4), x0 + left, y0 + top, x1 + left, y1 + top];
}

/** @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE */
export function checkShapes(shapes: readonly NewCvatShape[], { width, height }: { width: number; height: number }): void {
  for (const { type, points, frame } of shapes) {
    if (type === 'mask') checkCvatRle(points, width, height);
    else if (!points.every((value, i) => Number.isFinite(value) && value >= 0 && value <= (i % 2 === 0 ? width : height))) {
      throw new ProsamError(
        'ANNOTATION_OUTSIDE',
        `frame ${frame}: expected a ${type} inside ${width} x ${height} pixels, got one that is not.`,
      );
    }
  }
}
