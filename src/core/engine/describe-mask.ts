/** From a method's result to what callers see: mask, size, box, score, uncertainty and separate regions. */
import { splitInstances } from '../mask/instances.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import { maskExtent } from '../mask/raster.ts';
import { resizeMap, type FloatMap } from '../mask/resize-map.ts';
import { entropyLevel, expectedIou, type MethodResult } from './methods/method.ts';
import { maskFromField } from './strategy.ts';
import type { InstancePrediction, MaskPrediction, Method, PredictOptions } from './types.ts';

const DEFAULT_MIN_INSTANCE = 0.0005;

export function describeMask(label: string, method: Method, result: MethodResult, options: PredictOptions): MaskPrediction {
  const { width, height } = result.field;
  const mask = { data: maskFromField(result.field.data), width, height };
  const score = expectedIou(result);
  const detailed = options.uncertaintyMap || options.instances ? resizeMap(result.probability, width, height, 'half-pixel') : undefined;
  return {
    label,
    method,
    mask,
    ...maskExtent(mask),
    score,
    uncertainty: 1 - score,
    ...(result.predictedIou !== undefined && { predictedIou: result.predictedIou }),
    ...(result.lowRes && { lowRes: result.lowRes }),
    ...(detailed && options.uncertaintyMap && { uncertaintyMap: Uint8Array.from(detailed.data, entropyLevel) }),
    ...(detailed && options.instances && { instances: instancesOf(mask, detailed, options.minInstanceShare) }),
  };
}

/** A region's score is the mean probability of its pixels. */
function instancesOf(mask: BinaryMask, probability: FloatMap, minShare = DEFAULT_MIN_INSTANCE): InstancePrediction[] {
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
