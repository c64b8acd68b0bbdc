/** A model's own mask decoder under the training loss. */
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { readFloatTensors, type FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { createPromptDecoder, type PromptDecoder } from './prompt-decoder.ts';
import type { Tf } from '../tfjs/tfjs-ops.ts';

/** Reads everything of SAM but its image encoder, by far the largest part. @throws CHECKPOINT_* */
export async function openPromptDecoder(tf: Tf, { sam, manifest }: Model): Promise<PromptDecoder> {
  const names = [...sam.tensors.keys()].filter((name) => !name.startsWith('image_encoder.'));
  const convention = manifest.sam.upsample === 'half_pixel' ? 'half-pixel' : 'aligned';
  const weights = await readFloatTensors(sam, names);
  return createPromptDecoder(tf, (name) => weights.get(name) as FloatTensor, manifest.sam.config, convention);
}
