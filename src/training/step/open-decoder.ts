/** A model's own mask decoder under the training loss. */
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { readFloatTensors, type FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { geometryOf } from '../../core/image/geometry.ts';
import { preprocessOf } from '../../core/onnx/networks.ts';
import { createPromptDecoder, type PromptDecoder } from './prompt-decoder.ts';
import type { Tf } from '../tfjs/tfjs-ops.ts';

/** Reads everything of SAM but its image encoder, by far the largest part. @throws CHECKPOINT_* */
export async function openPromptDecoder(tf: Tf, model: Model): Promise<PromptDecoder> {
  const { sam, manifest } = model;
  const names = [...sam.tensors.keys()].filter((name) => !name.startsWith('image_encoder.'));
  const weights = await readFloatTensors(sam, names);
  const { convention } = geometryOf(preprocessOf(model));
  return createPromptDecoder(tf, (name) => weights.get(name) as FloatTensor, manifest.sam.config, convention);
}
