/** Everything that is said about a mask: its size and box, how good it is, where it is uncertain, and its separate regions. */
import { splitInstances } from '../mask/instances.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import { maskExtent } from '../mask/raster.ts';
import { aboveZero, resizeMap, type FloatMap } from '../mask/resize-map.ts';
import { DEFAULT_MIN_INSTANCE_SHARE } from './defaults.ts';
import type { DrawnMask } from './auto.ts';
import type { InstancePrediction, MaskPrediction, MaskQuality, PredictOptions } from './types.ts';

/** drawn: a method's result, and what was found about it. */
export function scoredMask(
  label: string,
  { name, result, judgement, check, compared }: DrawnMask,
  options: Pick<PredictOptions, 'uncertaintyMap' | 'instances' | 'minInstanceShare' | 'threshold'>,
): MaskPrediction {
  const { width, height } = result.field;
  const { evidence, score, present } = judgement;
  const shown = present >= (options.threshold ?? 0);
  const mask = { data: shown ? aboveZero(result.field.data) : new Uint8Array(width * height), width, height };
  const extent = maskExtent(mask);
  const detailed = options.uncertaintyMap || options.instances ? resizeMap(result.probability, width, height, 'half-pixel') : undefined;
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
    ...(detailed && options.uncertaintyMap && { uncertaintyMap: entropyLevels(detailed.data) }),
    ...(detailed && options.instances && { instances: instancesOf(mask, detailed, options.minInstanceShare) }),
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

/** A region's score is the mean probability of its pixels. */
function instancesOf(mask: BinaryMask, probability: FloatMap, minShare = DEFAULT_MIN_INSTANCE_SHARE): InstancePrediction[] {
  return splitInstances(mask, Math.max(1, minShare * mask.data.length)).map((region) => {
    const [x0, y0] = region.boxXyxy;
    let sum = 0;
    region.mask.data.forEach((value, i) => {
      if (value === 0) return;
      const row = y0 + Math.floor(i / region.mask.width);
      sum += probability.data[row * mask.width + x0 + (i % region.mask.width)] as number;
    });
    return { ...region, score: sum / region.area };
  });
}
