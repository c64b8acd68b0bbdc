/** Maps on the feature grid as SAM's only prompt: what they show is redrawn by its mask decoder. */
import { aboveZero } from '../../mask/resize-map.ts';
import type { Geometry } from '../../image/geometry.ts';
import type { Networks } from '../../onnx/networks.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { featureContrast } from './feature-contrast.ts';
import type { MethodContext, MethodResult } from './method.ts';
import { decodeSamPrompts, logitsAtImageSize, lowResSide, maskPrompt } from './sam-prompts.ts';
import { sigmoid } from './sigmoid.ts';
import type { SamMask } from './stable-mask.ts';

/** Logits on the grid, limited as this SAM's mask prompts are, then on its low-resolution square. [h * w] -> [4g * 4g] */
export function gridPrompt(
  { networks, geometry }: { networks: Pick<Networks, 'sam2' | 'drawsPrompts'>; geometry: Geometry },
  target: ImageFeatures,
  logits: Float32Array,
): Float32Array {
  const [, , height, width] = target.mid.shape as [number, number, number, number];
  const map = { data: maskPrompt(networks, logits), width, height };
  return geometry.gridToLow(map, target.width, target.height, lowResSide(target)).data;
}

/** Mask prompt of what 'nearest' finds. [4g * 4g] */
export async function nearestPrompt(
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
): Promise<Float32Array> {
  const contrast = await featureContrast(context, target, references, context.networks.matching.nearest);
  context.lap('prompt');
  return gridPrompt(context, target, contrast);
}

/** SAM's one mask for a mask prompt and a padding point. mask [4g * 4g] */
export async function redrawnMask(
  { networks, geometry }: Pick<MethodContext, 'networks' | 'geometry'>,
  target: ImageFeatures,
  mask: Float32Array,
): Promise<SamMask> {
  return (await decodeSamPrompts(networks, geometry, target, [], mask)).single;
}

/** The same as a method's result. */
export async function redrawn(context: MethodContext, target: ImageFeatures, mask: Float32Array): Promise<MethodResult> {
  const single = await redrawnMask(context, target, mask);
  context.lap('decode');
  const result = samResult(context, target, single);
  context.lap('resize');
  return result;
}

/** A mask of SAM's as a method's result. */
export function samResult({ geometry }: Pick<MethodContext, 'geometry'>, target: ImageFeatures, mask: SamMask): MethodResult {
  const side = Math.sqrt(mask.logits.length);
  const seen = geometry.visible({ data: mask.logits, width: side, height: side }, target.width, target.height);
  return {
    field: logitsAtImageSize(geometry, target, mask.logits),
    probability: { ...seen, data: seen.data.map(sigmoid) },
    decision: aboveZero(seen.data),
    samIou: mask.iou,
    lowResLogits: mask.logits,
  };
}
