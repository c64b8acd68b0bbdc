/** What chance decides in one training step. */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { drawNoise, type DistributionConfig, type Noise } from '../../core/networks/prompt-distribution.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import type { Random } from '../../core/common/random.ts';

export interface StepDraws {
  /** eps [K, B * m, c], delta [K, B * m] */
  noise: Noise;
  /** Dropout2d: 0 or 1 / (1 - p) per channel, target first. [2, B, c]; absent where nothing is dropped */
  channelFactors?: FloatTensor;
}

export function drawStep(
  { dim, numPrompts, dropout2d }: PromptEncoderConfig,
  distribution: DistributionConfig,
  samples: number,
  images: number,
  random: Random,
): StepDraws {
  const noise = drawNoise(distribution, samples, images * numPrompts, dim, random);
  if (dropout2d === 0) return { noise };
  const data = Float32Array.from({ length: 2 * images * dim }, () => (random() < dropout2d ? 0 : 1 / (1 - dropout2d)));
  return { noise, channelFactors: { data, shape: [2, images, dim] } };
}
