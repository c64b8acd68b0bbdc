/** Masks in the requested format, written without blocking the event loop. */
import { pngFromMask, uncertaintyPng } from '../../core/image/node/png.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { polygonsFromMask, type PolygonWithHoles } from '../../core/mask/polygon-groups.ts';
import { cocoRleFromMask, type CompressedRle } from '../../core/mask/rle.ts';
import type { MaskPrediction } from '../../core/engine/types.ts';
import type { Format } from './schemas.ts';

export interface OutputForm {
  format: Format;
  /** Pixels an outline may deviate. */
  tolerance: number;
}

export type WrittenMask = { rle: CompressedRle } | { polygons: PolygonWithHoles[] } | { png: string };

export async function writeMask(mask: BinaryMask, { format, tolerance }: OutputForm, signal?: AbortSignal): Promise<WrittenMask> {
  switch (format) {
    case 'rle':
      return { rle: await cocoRleFromMask(mask, { signal }) };
    case 'polygon':
      return { polygons: await polygonsFromMask(mask, { tolerance, signal }) };
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
    ...(instances && { instances: instances.map((one) => ({ boxXyxy: one.boxXyxy, area: one.area, score: one.score })) }),
    ...(prediction.uncertaintyMap && { uncertaintyPng: base64(await uncertaintyPng(prediction)) }),
  };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
