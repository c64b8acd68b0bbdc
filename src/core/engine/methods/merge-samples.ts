/** From decoded logits to one mask at the target's size, and the probability behind it (paper, section 9.3). */
import type { Geometry } from '../../image/geometry.ts';
import { aboveZero, type FloatMap } from '../../mask/resize-map.ts';
import type { Tensor } from '../../onnx/session.ts';
import { mergeLogits, type Strategy } from '../strategy.ts';
import type { MethodResult } from './method.ts';
import { sigmoid } from './sigmoid.ts';

/** logits [1 + K, 1, 4g, 4g]: of the mean prompt, then of the samples. */
export function mergeSamples(
  { data, shape }: Tensor,
  strategy: Strategy,
  geometry: Geometry,
  { width, height }: { width: number; height: number },
): MethodResult {
  const side = shape[3] as number;
  const maps = Array.from({ length: shape[0] as number }, (_, k): FloatMap => {
    return { data: data.subarray(k * side * side, (k + 1) * side * side), width: side, height: side };
  });
  const [mean, ...samples] = maps as [FloatMap, ...FloatMap[]];
  const chosen = strategy === 'mean_prompt' ? [mean] : samples;
  const field =
    strategy === 'mean_prompt'
      ? geometry.lowToImage(mean, width, height)
      : geometry.toImage(
          merge(
            chosen.map((map) => geometry.toSquare(map)),
            strategy,
          ),
          width,
          height,
        );

  const average = averageProbability(samples.length > 0 ? samples : [mean]);
  const decision = geometry.visible(merge(chosen, strategy), width, height);
  return {
    field,
    probability: geometry.visible({ ...mean, data: average }, width, height),
    decision: aboveZero(decision.data),
    lowResLogits: mean.data.slice(),
  };
}

/** Mean of the maps' probabilities, place by place. */
function averageProbability(maps: readonly FloatMap[]): Float32Array {
  const sums = new Float64Array(maps[0]?.data.length ?? 0);
  for (const { data } of maps) for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + sigmoid(data[i] as number);
  return new Float32Array(sums.map((sum) => sum / maps.length));
}

function merge(maps: readonly FloatMap[], strategy: Strategy): FloatMap {
  const [first] = maps as [FloatMap];
  if (strategy === 'mean_prompt') return first;
  const data = mergeLogits(
    maps.map((map) => map.data),
    strategy,
  );
  return { ...first, data };
}
