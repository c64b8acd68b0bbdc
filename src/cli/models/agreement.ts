/** `prosam models verify --precision`: differences of fp16 or int8 to fp32, measured on generated scenes. */
import { FEATURE_MAPS, measureAgreement, type ModelAgreement } from '../../core/models/compare-precision.ts';
import type { Device } from '../../core/runtime/devices/devices.ts';
import type { Precision } from '../../core/onnx/precision.ts';
import { withNetworks } from '../../core/models/verify-model.ts';
import { knownImage } from './add.ts';
import { textTable } from '../common/text-table.ts';

const SCENES = [11, 12, 13, 14] as const;
/** Least agreement that passes: chosen by eye, far above the differences of the built-in model. */
const MIN_COSINE = 0.99;
const MIN_IOU = 0.9;

export interface PrecisionAgreement extends ModelAgreement {
  precision: Precision;
  device: string;
  scenes: number;
  passed: boolean;
}

/** Compares a precision with single precision on the CPU. */
export async function agreementOf(
  folder: string,
  precision: Precision,
  { device, threads }: { device: Device | 'auto'; threads: number },
): Promise<PrecisionAgreement> {
  return withNetworks(folder, { threads }, (_, exact) =>
    withNetworks(folder, { device, threads, precision }, async (model, other) => {
      const found = await measureAgreement(model, exact, other, SCENES.map(knownImage));
      const alike = FEATURE_MAPS.every((name) => (found[name]?.cosine ?? 1) >= MIN_COSINE);
      const passed = alike && found.maskIou.mean >= MIN_IOU;
      return { precision, device: other.device, scenes: SCENES.length, passed, ...found };
    }),
  );
}

export function agreementLines({ precision, device, scenes, passed, maskIou, predictionIou, ...features }: PrecisionAgreement): string[] {
  const rows = FEATURE_MAPS.flatMap((name) => {
    const map = features[name];
    return map ? [[name, map.cosine.toFixed(6), (100 * map.rms).toFixed(3), (100 * map.maxRelative).toFixed(3)]] : [];
  });
  const share = (what: string, one: { mean: number; worst: number }): string =>
    `IoU of ${what}: ${one.mean.toFixed(4)} (worst ${one.worst.toFixed(4)})`;
  return [
    '',
    textTable({
      caption: `${precision} on ${device} against fp32 on the CPU, ${scenes} generated scenes: ${passed ? 'agrees' : 'DISAGREES'} (cosine from ${MIN_COSINE}, IoU from ${MIN_IOU} pass)`,
      head: ['features', 'cosine', 'rms difference in %', 'largest in %'],
      rows,
    }),
    share('masks for the same box', maskIou),
    ...(predictionIou ? [share('predicted masks', predictionIou)] : []),
  ];
}
