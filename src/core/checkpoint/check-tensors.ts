/** Does a checkpoint hold what a network asks for? */
import { ProsamError } from '../common/errors.ts';
import type { Dtype } from './formats/safetensors.ts';

const READ: readonly Dtype[] = ['F32', 'F16', 'BF16'];

/** Tensors that checkpoints carry and these networks never read: counters, classifiers, constants and indices that follow from the configuration. */
const UNUSED =
  /(^|\.)num_batches_tracked$|^(fc|classifier|pre_logits|head)\.|^mask_token$|^norm\.(weight|bias)$|^image_encoder\.(norm_)?head\.|\.attention_bias_idxs$|(^|\.)(pixel_(mean|std)|relative_position_index|relative_coords_table|position_ids|attn_mask|freqs_cis|inv_freq)$/;

/**
 * Compares a checkpoint with the tensors a network needs and lists every difference in one error.
 * @throws CHECKPOINT_MISMATCH
 */
export function checkTensors(
  needed: ReadonlyMap<string, readonly number[]>,
  tensors: ReadonlyMap<string, { shape: readonly number[]; dtype?: Dtype }>,
  label: string,
): void {
  const problems: string[] = [];
  for (const [name, shape] of needed) {
    const entry = tensors.get(name);
    if (entry === undefined) problems.push(`missing: ${name} [${shape.join(', ')}]`);
    else if (entry.shape.join() !== shape.join())
      problems.push(`shape: ${name} should be [${shape.join(', ')}], is [${entry.shape.join(', ')}]`);
    else if (entry.dtype !== undefined && !READ.includes(entry.dtype))
      problems.push(
        `dtype: ${name} should be ${READ.join(' or ')}, is ${entry.dtype}${entry.dtype === 'F64' ? ' (prosam models add converts those)' : ''}`,
      );
  }
  for (const name of tensors.keys()) if (!needed.has(name) && !UNUSED.test(name)) problems.push(`not part of this network: ${name}`);
  if (problems.length === 0) return;
  const shown = problems.slice(0, 20).map((line) => `\n  ${line}`);
  const more = problems.length > shown.length ? `\n  and ${problems.length - shown.length} more` : '';
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label} does not fit the configuration in the model's manifest:${shown.join('')}${more}\nCorrect the configuration or use the checkpoint it describes.`,
  );
}
