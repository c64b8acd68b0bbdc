/** Predicted masks as shapes for CVAT, checked before they leave: CVAT itself stores wrong ones without a word. */
import { ProsamError } from '../../../core/common/errors.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import { ellipseSteps } from '../../../core/mask/ellipse.ts';
import { splitInstancesSteps, type Region } from '../../../core/mask/instances.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { outlinesOf } from '../../../core/mask/outlines.ts';
import { boundingBox } from '../../../core/mask/raster.ts';
import { ellipsePoints } from '../shape-annotation.ts';
import { checkCvatRle, cvatRleFromMaskSync, cvatRleFromMask } from '../../../core/mask/cvat-rle.ts';
import type { CvatLabel, NewCvatShape } from '../api/types.ts';

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
}

/** -> shapes of one label on one frame; none where the mask is empty. */
export async function shapesOfMask(
  mask: BinaryMask,
  where: { frame: number; label_id: number },
  { form, tolerance, parts, minShare }: ShapeOptions,
): Promise<NewCvatShape[]> {
  const shape = (points: readonly number[], rotation = 0): NewCvatShape => ({
    ...{ type: form, ...where, points },
    ...(rotation !== 0 && { rotation }),
  });
  if (form === 'mask' && parts === undefined) return boundingBox(mask) === undefined ? [] : [shape(await cvatRleFromMask(mask))];
  const shapes: NewCvatShape[] = [];
  const all = withoutCrumbs(parts ?? (await runSteps(splitInstancesSteps(mask, Math.max(1, minShare * mask.data.length)))));
  for (const { boxXyxy, mask: cut } of all) {
    const [left, top, right, bottom] = boxXyxy;
    if (form === 'rectangle') shapes.push(shape([left, top, right, bottom]));
    else if (form === 'ellipse') {
      const ellipse = await runSteps(ellipseSteps(cut, { at: [left, top], within: mask }));
      if (ellipse) shapes.push(shape(ellipsePoints(ellipse), ellipse.rotation));
    } else if (form === 'mask') shapes.push(shape(moved(cvatRleFromMaskSync(cut), left, top)));
    else {
      // Polygons of CVAT have no holes, and parts of an object that do not touch have outlines of their own.
      for (const outline of await outlinesOf(cut, { tolerance, least: minShare * mask.data.length }))
        shapes.push(shape(outline.flatMap(([x, y]) => [x + left, y + top])));
    }
  }
  return shapes;
}

/** Least part, as a share of the largest of its mask: smaller ones are crumbs of it, which people would have to delete one by one. */
const LEAST_PART = 0.05;

/** parts: of one mask, in any order. -> those that are no crumbs */
export function withoutCrumbs<T extends Pick<Region, 'area'>>(parts: readonly T[]): T[] {
  const largest = parts.reduce((most, { area }) => Math.max(most, area), 0);
  return parts.filter(({ area }) => area >= LEAST_PART * largest);
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
