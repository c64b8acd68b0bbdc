/** Names that Hugging Face's transformers gives to the parts SAM and SAM 2 have in common. */
import type { CheckpointTensors } from '../checkpoint.ts';
import type { RenameRule } from './rename.ts';

export const PROMPT_AND_DECODER_RULES: readonly RenameRule[] = [
  // One tensor under two names; a file may hold either or both.
  [
    /^(prompt_encoder\.shared_embedding|shared_image_embedding)\.positional_embedding$/,
    'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
  ],
  [/^prompt_encoder\.mask_embed\.conv1\./, 'prompt_encoder.mask_downscaling.0.'],
  [/^prompt_encoder\.mask_embed\.layer_norm1\./, 'prompt_encoder.mask_downscaling.1.'],
  [/^prompt_encoder\.mask_embed\.conv2\./, 'prompt_encoder.mask_downscaling.3.'],
  [/^prompt_encoder\.mask_embed\.layer_norm2\./, 'prompt_encoder.mask_downscaling.4.'],
  [/^prompt_encoder\.mask_embed\.conv3\./, 'prompt_encoder.mask_downscaling.6.'],
  [/^mask_decoder\.transformer\.layers\.(\d+)\.layer_norm([1-4])\./, 'mask_decoder.transformer.layers.$1.norm$2.'],
  [/^mask_decoder\.transformer\.layer_norm_final_attn\./, 'mask_decoder.transformer.norm_final_attn.'],
  [/^mask_decoder\.upscale_conv1\./, 'mask_decoder.output_upscaling.0.'],
  [/^mask_decoder\.upscale_layer_norm\./, 'mask_decoder.output_upscaling.1.'],
  [/^mask_decoder\.upscale_conv2\./, 'mask_decoder.output_upscaling.3.'],
];

/** A small network of linear layers: in transformers first, between and last; at Meta one list. */
const LAYERS =
  /^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head|pred_obj_score_head))\.(proj_in|layers\.(\d+)|proj_out)\.(weight|bias)$/;

/** The name of such a layer at Meta; undefined for any other tensor. */
export function layerName(tensors: CheckpointTensors, name: string): string | undefined {
  const found = LAYERS.exec(name);
  if (!found) return undefined;
  const [, network = '', which = '', between, kind = ''] = found;
  let inner = 0;
  while (tensors.has(`${network}.layers.${inner}.weight`)) inner++;
  const index = which === 'proj_in' ? 0 : which === 'proj_out' ? inner + 1 : Number(between) + 1;
  return `${network}.layers.${index}.${kind}`;
}
