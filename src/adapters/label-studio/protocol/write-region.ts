/** A mask as regions of the control that is to show it. */
import { randomUUID } from 'node:crypto';
import { DEFAULT_MIN_INSTANCE_SHARE } from '../../../core/engine/defaults.ts';
import { alphaPng } from '../../../core/image/node/alpha-png.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { outlinesOf } from '../../../core/mask/outlines.ts';
import { DEFAULT_TOLERANCE, MAX_TOLERANCE } from '../../../core/mask/polygon-groups.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import { ellipseSteps, type Ellipse } from '../../../core/mask/ellipse.ts';
import { maskExtentSteps, type Point } from '../../../core/mask/raster.ts';
import { encodeBrushRle, type MaskPlace } from '../../../core/mask/brush-rle.ts';
import type { Control, ControlKind, ShapeKind } from './label-config.ts';

/** Region in the form Label Studio stores and shows as JSON. */
export interface WrittenRegion {
  id: string;
  /** That of its control; of a control without labels, and of the `Labels` that name its regions, one part of one id each. */
  type: ControlKind | ShapeKind | 'labels';
  from_name: string;
  to_name: string;
  /** Page of an image object that shows a list, from 0. */
  item_index?: number;
  original_width: number;
  original_height: number;
  image_rotation: 0;
  origin: 'prediction';
  /** 0..1 */
  score: number;
  value: Record<string, unknown>;
}

export interface MaskToWrite {
  label: string;
  /** At the size of the upright image. */
  mask: BinaryMask;
  /** Tight box of the mask, where it is known. @default looked for */
  boxXyxy?: readonly [number, number, number, number] | undefined;
  /** 0..1; anything else is brought into that range. */
  score: number;
  /** Written as regions of their own instead of the whole, where there are any; each mask is cut to its box. */
  instances?: readonly { boxXyxy: readonly [number, number, number, number]; mask: BinaryMask; score: number }[];
}

export interface WriteOptions {
  /** At most one region: of several parts the largest, where the control cannot hold them all. @default false */
  single?: boolean;
  /** Page it lies on, from 0, of an image object that shows a list. @default an object with one image */
  item?: number | undefined;
  /** Pixels a polygon may deviate, 0 to 100; less where a region would change too much. @default 1, or a thousandth of the longer side */
  tolerance?: number | undefined;
  /** Parts of polygons below this share of the image's pixels are left out, unless there is no larger one. @default 0.0005 */
  minShare?: number;
  signal?: AbortSignal;
}

/** None for an empty mask. */
export async function writeRegions(control: Control, found: MaskToWrite, options: WriteOptions = {}): Promise<WrittenRegion[]> {
  const { mask, label } = found;
  const { width, height } = mask;
  const box = found.boxXyxy ?? (await runSteps(maskExtentSteps(mask), options.signal)).boxXyxy;
  if (box === undefined) return [];
  const { item } = options;
  const region = (score: number, value: Record<string, unknown>): WrittenRegion[] => {
    const common = {
      ...{ id: randomUUID().replaceAll('-', '').slice(0, 10), to_name: control.toName, ...(item !== undefined && { item_index: item }) },
      ...{ original_width: width, original_height: height, image_rotation: 0 as const },
      ...{ origin: 'prediction' as const, score: clampScore(score) },
    };
    const { kind, name, labelledBy } = control;
    if (labelledBy === undefined) return [{ ...common, type: kind, from_name: name, value: { ...value, [kind]: [label] } }];
    const type = kind.slice(0, -'labels'.length) as ShapeKind;
    // Both hold the geometry, as in what the editor submits.
    return [
      { ...common, type, from_name: name, value },
      { ...common, type: 'labels', from_name: labelledBy, value: { ...value, labels: [label] } },
    ];
  };
  const parts = options.single === true ? undefined : found.instances;
  switch (control.kind) {
    case 'rectanglelabels': {
      const boxes = parts ?? [{ boxXyxy: box, score: found.score }];
      return boxes.flatMap(({ boxXyxy: [x0, y0, x1, y1], score }) =>
        region(score, { ...percent(x0, y0, width, height), ...extent(x1 - x0, y1 - y0, width, height), rotation: 0 }),
      );
    }
    case 'ellipselabels': {
      const regions = [];
      for (const { boxXyxy: at, mask: part, score } of parts ?? [{ boxXyxy: [0, 0] as const, mask, score: found.score }]) {
        const ellipse = await runSteps(ellipseSteps(part, { at, within: mask }), options.signal);
        if (ellipse) regions.push(...region(score, ellipseValue(ellipse, width, height)));
      }
      return regions;
    }
    case 'polygonlabels':
      return (await outlines(mask, options)).flatMap((points) =>
        region(found.score, { points: points.map(([x, y]) => [(100 * x) / width, (100 * y) / height]), closed: true }),
      );
    case 'brushlabels':
    case 'bitmasklabels': {
      const regions = [];
      if (parts === undefined)
        return region(found.score, await maskValue(control.kind, mask, { x0: 0, y0: 0, width, height }, options.signal, box));
      for (const part of parts) {
        const [x0, y0] = part.boxXyxy;
        regions.push(...region(part.score, await maskValue(control.kind, part.mask, { x0, y0, width, height }, options.signal)));
      }
      return regions;
    }
    default:
      return [];
  }
}

/** Into 0..1, four digits. */
export function clampScore(score: number): number {
  return Number.isFinite(score) ? Math.round(10_000 * Math.min(1, Math.max(0, score))) / 10_000 : 0;
}

async function maskValue(
  kind: 'brushlabels' | 'bitmasklabels',
  mask: BinaryMask,
  place: MaskPlace,
  signal?: AbortSignal,
  box?: MaskToWrite['boxXyxy'],
) {
  signal?.throwIfAborted();
  if (kind === 'brushlabels') return { format: 'rle', rle: asList(await encodeBrushRle(mask, signal, place, box)) };
  const png = await alphaPng(mask, place);
  return { imageDataURL: `data:image/png;base64,${Buffer.from(png).toString('base64')}` };
}

/** Bytes that turn into a list of numbers when they are written as JSON: as a list they would take eight times the memory until then. */
function asList(bytes: Uint8Array): Uint8Array {
  return Object.defineProperty(bytes, 'toJSON', { value: () => Array.from(bytes) });
}

/** Polygons hold no holes: slits lead to them. Largest first. */
function outlines(
  mask: BinaryMask,
  { single = false, tolerance, minShare = DEFAULT_MIN_INSTANCE_SHARE, signal }: WriteOptions,
): Promise<readonly Point[][]> {
  const { width, height } = mask;
  const deviation = tolerance ?? Math.min(MAX_TOLERANCE, Math.max(DEFAULT_TOLERANCE, Math.max(width, height) / 1000));
  return outlinesOf(mask, { tolerance: deviation, least: single ? Infinity : minShare * width * height, signal });
}

function percent(x: number, y: number, width: number, height: number) {
  return { x: (100 * x) / width, y: (100 * y) / height };
}

function ellipseValue({ cx, cy, radiusX, radiusY, rotation }: Ellipse, width: number, height: number) {
  return { ...percent(cx, cy, width, height), radiusX: (100 * radiusX) / width, radiusY: (100 * radiusY) / height, rotation };
}

function extent(across: number, down: number, width: number, height: number) {
  return { width: (100 * across) / width, height: (100 * down) / height };
}
