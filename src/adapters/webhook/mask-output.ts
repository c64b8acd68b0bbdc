/** Masks in the requested format, written without blocking the event loop. */
import { pngFromMask, uncertaintyPng } from '../../core/image/node/png.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { polygonsFromMask, type HoleForm, type PolygonWithHoles } from '../../core/mask/polygon-groups.ts';
import type { Point } from '../../core/mask/raster.ts';
import { cocoRleFromMask, type CompressedRle } from '../../core/mask/rle.ts';
import type { InstancePrediction, MaskPrediction } from '../../core/engine/types.ts';
import type { Format } from './schemas.ts';

export interface OutputForm {
  format: Format;
  /** Pixels an outline may deviate. */
  tolerance: number;
  holes: HoleForm;
}

export type WrittenMask = { rle: CompressedRle } | { polygons: PolygonWithHoles[] } | { png: string };

export async function writeMask(mask: BinaryMask, { format, tolerance, holes }: OutputForm, signal?: AbortSignal): Promise<WrittenMask> {
  switch (format) {
    case 'rle':
      return { rle: await cocoRleFromMask(mask, { signal }) };
    case 'polygon':
      return { polygons: await polygonsFromMask(mask, { tolerance, holes, signal }) };
    case 'png':
      return { png: base64(await pngFromMask(mask)) };
  }
}

export async function writePrediction(prediction: MaskPrediction, form: OutputForm, signal?: AbortSignal) {
  const { label, method, quality, area, boxXyxy, instances, mask } = prediction;
  return {
    label,
    method,
    area,
    ...(boxXyxy && { boxXyxy }),
    quality,
    ...(await writeMask(mask, form, signal)),
    ...(instances && { instances: await writeInstances(instances, form, signal) }),
    ...(prediction.uncertaintyMap && { uncertaintyPng: base64(await uncertaintyPng(prediction)) }),
  };
}

/** Masks are cut to their boxes, so that many small objects in a large image stay small; outlines are in the image's pixels. */
async function writeInstances(instances: readonly InstancePrediction[], form: OutputForm, signal?: AbortSignal) {
  const written = [];
  for (const { boxXyxy, area, score, mask } of instances) {
    const own = await writeMask(mask, form, signal);
    const [left, top] = boxXyxy;
    const placed = 'polygons' in own ? { polygons: own.polygons.map((polygon) => movedPolygon(polygon, left, top)) } : own;
    written.push({ boxXyxy, area, score, ...placed });
  }
  return written;
}

function movedPolygon({ exterior, holes }: PolygonWithHoles, left: number, top: number): PolygonWithHoles {
  const moved = (ring: readonly Point[]): Point[] => ring.map(([x, y]) => [x + left, y + top]);
  return { exterior: moved(exterior), holes: holes.map(moved) };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
