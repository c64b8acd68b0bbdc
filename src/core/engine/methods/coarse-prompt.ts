/** From logits on the feature grid to a mask prompt: a prompt encoder's coarse masks, or what matching found. */
import { resizeMap } from '../../mask/resize-map.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import type { SamFeatures } from '../../onnx/networks.ts';
import type { Tensor } from '../../onnx/session.ts';
import { lowResSide } from './sam-prompts.ts';

/**
 * Mean of the maps, limited, then bilinear with half-pixel centers; undefined where a reference has none.
 * maps: one for each reference. [1, 1, h, w] -> [1, 1, 4g, 4g]
 */
export function coarsePrompt({ embedding }: Pick<SamFeatures, 'embedding'>, maps: readonly (Tensor | undefined)[]): Tensor | undefined {
  const found = maps.filter((map) => map !== undefined);
  const [first] = found;
  if (first === undefined || found.length < maps.length) return undefined;
  const limited = (value: number): number => Math.max(-MASK_PROMPT_LIMIT, Math.min(MASK_PROMPT_LIMIT, value));
  const data = first.data.map((_, i) => limited(found.reduce((sum, map) => sum + (map.data[i] as number), 0) / found.length));
  const [, , height, width] = first.shape as [number, number, number, number];
  const side = lowResSide({ embedding });
  return { data: resizeMap({ data, width, height }, side, side, 'half-pixel').data, shape: [1, 1, side, side] };
}
