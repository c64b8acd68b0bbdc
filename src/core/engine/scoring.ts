/** Everything that is said about a mask: its size and box, how good it is, where it is uncertain, and its separate objects. */
import { cleanMask } from '../mask/clean-mask.ts';
import type { Steps } from '../mask/cooperative.ts';
import type { Region } from '../mask/instances.ts';
import { maskExtent } from '../mask/raster.ts';
import { aboveZero, resizeMap, type FloatMap } from '../mask/resize-map.ts';
import type { DrawnMask } from './auto.ts';
import { DEFAULT_FILL_HOLES, DEFAULT_MIN_AREA } from './defaults.ts';
import type { InstancePrediction, MaskPrediction, MaskQuality, PredictOptions } from './types.ts';

/** drawn: a method's result, and what was found about it. */
export function scoredMask(
  label: string,
  { name, result, judgement, check, compared }: DrawnMask,
  options: Pick<PredictOptions, 'uncertaintyMap' | 'threshold' | 'minArea' | 'fillHoles' | 'largestOnly'>,
): MaskPrediction {
  const { width, height } = result.field;
  const { evidence, score, present } = judgement;
  const shown = present >= (options.threshold ?? 0);
  const mask = { data: shown ? aboveZero(result.field.data) : new Uint8Array(width * height), width, height };
  const { minArea = DEFAULT_MIN_AREA, fillHoles = DEFAULT_FILL_HOLES, largestOnly = false } = options;
  cleanMask(mask, { minArea, fillHoles, largestOnly });
  const extent = maskExtent(mask);
  const quality: MaskQuality = {
    ...{ score, present },
    ...(!shown && result.decision.includes(1) && { withheld: true as const }),
    ...(result.samIou !== undefined && { samIou: result.samIou }),
    ...(check && { referenceIou: check.referenceIou, referenceIouFrom: check.basis }),
    ...(compared && { compared }),
    ...(result.pointsLeftOut !== undefined && { pointsLeftOut: result.pointsLeftOut }),
  };
  return {
    ...{ label, method: name, mask },
    ...extent,
    quality,
    ...(evidence && { evidence }),
    ...(result.lowResLogits && { lowResLogits: result.lowResLogits }),
    ...(options.uncertaintyMap && { uncertaintyMap: entropyLevels(resizeMap(result.probability, width, height, 'half-pixel').data) }),
  };
}

/** A loop, as `from` with a function takes ten times as long. */
function entropyLevels(probabilities: Float32Array): Uint8Array {
  const out = new Uint8Array(probabilities.length);
  for (let i = 0; i < out.length; i++) out[i] = entropyLevel(probabilities[i] as number);
  return out;
}

/** Entropy of p in bits, scaled to 0..255. */
function entropyLevel(p: number): number {
  if (p <= 0 || p >= 1) return 0;
  return Math.round(-255 * (p * Math.log2(p) + (1 - p) * Math.log2(1 - p)));
}

/** The objects of a mask, each scored by the mean probability of its pixels. probability: at any size */
export function* scoredInstances(
  regions: readonly Region[],
  probability: FloatMap,
  { width, height }: { width: number; height: number },
): Steps<InstancePrediction[]> {
  const { data } = resizeMap(probability, width, height, 'half-pixel');
  const scored: InstancePrediction[] = [];
  for (const region of regions) {
    const [x0, y0] = region.boxXyxy;
    const { mask } = region;
    let sum = 0;
    for (let y = 0; y < mask.height; y++) {
      const from = (y0 + y) * width + x0;
      for (let x = 0; x < mask.width; x++) if (mask.data[y * mask.width + x] !== 0) sum += data[from + x] as number;
    }
    scored.push({ ...region, score: sum / region.area });
    yield;
  }
  return scored;
}
