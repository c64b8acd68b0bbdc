/** Masks in the form that was asked for, written without keeping the event loop from others. */
import { levelsPng, maskPng } from '../../core/image/node/mask-png.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { polygonsInTurns, type PolygonWithHoles } from '../../core/mask/polygon-groups.ts';
import { cocoRleInTurns, type CompressedRle } from '../../core/mask/rle.ts';
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
      return { rle: await cocoRleInTurns(mask, signal) };
    case 'polygon':
      return { polygons: await polygonsInTurns(mask, tolerance, signal) };
    case 'png':
      return { png: base64(await maskPng(mask)) };
  }
}

export async function writePrediction(prediction: MaskPrediction, form: OutputForm, signal?: AbortSignal) {
  const { label, method, score, uncertainty, area, boxXyxy, predictedIou, check, instances, uncertaintyMap, mask } = prediction;
  return {
    label,
    method,
    score,
    uncertainty,
    area,
    ...(boxXyxy && { boxXyxy }),
    ...(await writeMask(mask, form, signal)),
    ...(predictedIou !== undefined && { predictedIou }),
    ...(check && { expectedIou: check.expectedIou, expectedIouFrom: check.basis }),
    ...(instances && { instances: instances.map((one) => ({ boxXyxy: one.boxXyxy, area: one.area, score: one.score })) }),
    ...(uncertaintyMap && { uncertaintyPng: base64(await levelsPng(uncertaintyMap, mask.width, mask.height)) }),
  };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
