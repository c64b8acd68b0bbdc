/** Shapes people drew in CVAT as annotations of references, and the labels a frame has already. */
import { isProsamError } from '../../../core/common/errors.ts';
import { maskFromAnnotation } from '../../../core/mask/draw-annotation.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { maskArea } from '../../../core/mask/raster.ts';
import type { CvatAnnotations } from '../api/types.ts';
import { isSaidToBeDrawn } from '../jobs/job-shapes.ts';
import { valuesOf, valuesOfTrack, type AttributeValue, type ReferenceValues } from './attributes.ts';
import { annotationFromShape, USABLE_SHAPES, type MarkedShape, type ShapeAnnotation } from '../shape-annotation.ts';

export interface ReferenceAnnotation {
  label: string;
  annotation: ShapeAnnotation;
  /** Marked pixels; for clicks, how many. */
  area: number;
}

export interface FrameAnnotations {
  marks: ReferenceAnnotation[];
  /** Attributes of each shape among the marks. */
  values: ReferenceValues[];
  /** Shapes that mark nothing that can be looked for, and why. */
  unused: { label: string; type: string; reason: string }[];
}

/**
 * The annotations of one frame: the areas of one label joined, clicks for themselves. Where people drew a label, what programs made of it is
 * left out. labels: names by id; shapes of others are left out.
 */
export function annotationsOfFrame(
  annotations: CvatAnnotations,
  frame: number,
  labels: ReadonlyMap<number, string>,
  { width, height }: { width: number; height: number },
): FrameAnnotations {
  const areas = new Map<string, BinaryMask>();
  const clicks: ReferenceAnnotation[] = [];
  const unused: FrameAnnotations['unused'] = [];
  const values: ReferenceValues[] = [];
  const there = [...shapesOn(annotations, frame)];
  const drawnLabels = new Set(there.filter(isSaidToBeDrawn).map(({ label_id }) => label_id));
  for (const shape of there) {
    const label = labels.get(shape.label_id);
    if (label === undefined) continue;
    if (drawnLabels.has(shape.label_id) && !isSaidToBeDrawn(shape)) {
      unused.push({ label, type: shape.type, reason: 'a program made it, and what people drew of this label counts instead.' });
      continue;
    }
    try {
      const annotation = annotationFromShape(shape, width, height);
      if ('points' in annotation) {
        clicks.push({ label, annotation, area: annotation.points.length });
        values.push({ label, frame, values: shape.values });
        continue;
      }
      const area = maskFromAnnotation(annotation, width, height);
      values.push({ label, frame, values: shape.values });
      const joined = areas.get(label);
      if (joined) for (let i = 0; i < area.data.length; i++) joined.data[i] = (joined.data[i] as number) | (area.data[i] as number);
      else areas.set(label, area);
    } catch (error) {
      if (!isProsamError(error)) throw error;
      unused.push({ label, type: shape.type, reason: error.message });
    }
  }
  const drawn = [...areas].map(([label, mask]): ReferenceAnnotation => ({ label, annotation: { mask }, area: maskArea(mask) }));
  return { marks: [...drawn, ...clicks], values, unused };
}

interface FrameShape extends MarkedShape {
  label_id: number;
  source: string;
  values: AttributeValue[];
}

/** Shapes of the frame, and of tracks those drawn on this very frame. */
function* shapesOn({ shapes, tracks }: CvatAnnotations, frame: number): Generator<FrameShape> {
  for (const shape of shapes) if (shape.frame === frame) yield { ...shape, values: valuesOf(shape.attributes) };
  for (const track of tracks) {
    for (const shape of track.shapes)
      if (shape.frame === frame && !shape.outside)
        yield { ...shape, label_id: track.label_id, source: track.source, values: valuesOfTrack(track, frame) };
  }
}

/** Attribute values of each shape of a label on a frame: of those that people drew, where they drew any. */
export function valuesOnFrame(annotations: CvatAnnotations, frame: number, label: number): AttributeValue[][] {
  const there = [...shapesOn(annotations, frame)].filter(({ label_id: of, type }) => of === label && USABLE_SHAPES.has(type));
  const drawn = there.filter(isSaidToBeDrawn);
  return (drawn.length > 0 ? drawn : there).map(({ values }) => values);
}

/** Ids of labels that stand on a frame already, whoever drew them: nothing is put on top of them. */
export function labelsOnFrame({ shapes, tracks }: CvatAnnotations, frame: number): Set<number> {
  const found = new Set(shapes.filter((shape) => shape.frame === frame).map((shape) => shape.label_id));
  for (const track of tracks) {
    const before = track.shapes.filter((shape) => shape.frame <= frame).sort((a, b) => b.frame - a.frame);
    if (before[0]?.outside === false) found.add(track.label_id);
  }
  return found;
}
