/** Detects a trained prompt encoder: from the plan its file carries, else from names and shapes. */
import { PROMPT_ENCODER, type PromptEncoderConfig } from '../networks/config.ts';
import type { NamedPromptEncoder } from '../checkpoint/names/prompt-encoder.ts';
import type { PromptEncoderPlan } from '../checkpoint/manifest.ts';
import { shapesOf } from '../checkpoint/tensor-shapes.ts';

/** Share of a cell that is marked, as this library trains. */
const COARSE_THRESHOLD = 0.25;

/**
 * The paper's settings for what no shape tells: four heads, masks times 10, annotations reduced to the nearest pixel, Student-t with
 * nu = 5. A file with a coarse mask is trained by this library, with annotations reduced by area. A file without heads for mean and scale is VRP-SAM's: its queries are the prompts, without a distribution.
 *
 * trainedAgainst: hashes of SAM and backbone it goes with.
 * @throws CHECKPOINT_MISMATCH
 */
export function describePromptEncoder(
  { tensors }: NamedPromptEncoder,
  label: string,
  trainedAgainst: PromptEncoderPlan['trained_against'],
): PromptEncoderPlan {
  const shape = shapesOf(tensors, label);
  const [dim, midChannels] = shape('reduce.weight', 4) as [number, number, number, number];
  const probabilistic = tensors.has('mu_head.weight') && tensors.has('log_sigma_head.weight');
  // The paper's has none: it is one of ours.
  const coarse = tensors.has('coarse.weight');
  const config: PromptEncoderConfig = {
    ...PROMPT_ENCODER,
    ...{ midChannels, dim, numPrompts: shape('queries', 2)[0] as number, probabilistic },
    ...(coarse && { dense: 'coarse' }),
  };
  return {
    config,
    distribution: probabilistic ? 'student_t' : 'deterministic',
    nu: 5,
    label_reduction: coarse ? { kind: 'area', threshold: COARSE_THRESHOLD } : { kind: 'nearest' },
    trained_against: trainedAgainst,
  };
}
