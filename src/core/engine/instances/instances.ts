/** The separate objects of a label's mask: split by SAM where that was measured to be better, else by connected regions. */
import type { Manifest } from '../../checkpoint/manifest.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { splitInstancesSteps } from '../../mask/instances.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { DEFAULT_MIN_INSTANCE_SHARE } from '../defaults.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { MethodContext, MethodResult } from '../methods/method.ts';
import type { InstancePrediction } from '../results.ts';
import { scoredInstances } from '../scoring.ts';
import type { PredictOptions } from '../types.ts';
import { splitBySam } from './split-by-sam.ts';

/** mask: of the result, at the target's own size. -> largest first */
export type FindInstances = (
  context: Pick<MethodContext, 'checkpoint'>,
  mask: BinaryMask,
  result: Pick<MethodResult, 'probability'>,
  options: Pick<PredictOptions, 'minInstanceShare' | 'signal'>,
  target: () => Promise<ImageFeatures>,
) => Promise<InstancePrediction[]>;

/** Trunk of the model that the split was measured good with; that of `tiny` cuts a third of single objects in photos (docs/results.md). */
const SPLIT_WITH: Manifest['sam']['config']['encoder']['kind'] = 'efficientnet-lite2';

/** bySam: whether SAM's masks tell touching objects apart. @default as measured for the model */
export function instanceFinder(
  { networks, geometry }: Pick<MethodContext, 'networks' | 'geometry'>,
  { sam }: Pick<Manifest, 'sam'>,
  bySam = sam.config.encoder.kind === SPLIT_WITH,
): FindInstances {
  return async ({ checkpoint }, mask, { probability }, { minInstanceShare = DEFAULT_MIN_INSTANCE_SHARE, signal }, target) => {
    const leastArea = Math.max(1, minInstanceShare * mask.data.length);
    const regions = await runSteps(splitInstancesSteps(mask, leastArea), signal);
    if (regions.length === 0) return [];
    const found = bySam ? await splitBySam({ networks, geometry, checkpoint }, await target(), regions, { leastArea, signal }) : regions;
    return runSteps(scoredInstances(found, probability, mask), signal);
  };
}
