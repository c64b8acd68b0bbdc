/** Relatives of SAM, by tensors that SAM does not have: what is read without them, and what cannot be. */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint.ts';

/** Part of SAM-HQ beside the SAM it was trained on, whose own weights it leaves as they are. */
const SAM_HQ = /(^|\.|sam_)mask_decoder\.(hf_token|hf_mlp|compress_vit_feat|embedding_encoder|embedding_maskfeature)\b/;

/** Names of tensors -> what it is, and what to do. */
const UNREAD: readonly (readonly [name: RegExp, what: string, advice: string])[] = [
  [
    /\.lora_[AB]\.|\.lora_(down|up|a|b)\b|\.linear_[ab]_[qkv]\.|\bw_[ab]_\d+$|(^|\.)[wW]_[ab]_\d{3}/,
    'adapters of a LoRA fine-tune, apart from the weights they change',
    'Merge them into the model (peft: model.merge_and_unload()) and save the whole state_dict()',
  ],
  [
    /\.(Space|MLP|Depth)_Adapter\.|\.adapter(_\w+)?\.(down|up|fc|D_fc)/,
    'adapters between the layers of a SAM',
    'Networks with layers of their own are not read: use a checkpoint of SAM itself',
  ],
  [
    /^(\w+\.)*image_encoder\.features\.\d+\.(token_mixer|channel_mixer)\b/,
    'a RepViT-SAM or an EdgeSAM',
    'Use SAM, MobileSAM, SAM 2 or SAM 2.1',
  ],
  [/^(\w+\.)*mask_decoder\.final_output_upscaling_layers\./, 'an EfficientSAM', 'Use SAM, MobileSAM, SAM 2 or SAM 2.1'],
  [/^(\w+\.)*image_encoder\.backbone\.(input_stem|stages)\./, 'an EfficientViT-SAM', 'Use SAM, MobileSAM, SAM 2 or SAM 2.1'],
  [/^model\.\d+\.(conv|cv\d|m)\./, 'a YOLO of Ultralytics, such as a FastSAM', 'Use SAM, MobileSAM, SAM 2 or SAM 2.1'],
  [/^(detector\.)?(geometry_encoder|backbone\.vision_backbone)\./, 'a SAM 3', 'Use SAM, MobileSAM, SAM 2 or SAM 2.1'],
];

/** @throws CHECKPOINT_MISMATCH for relatives of SAM that these networks cannot compute */
export function refuseRelatives(tensors: CheckpointTensors, label: string): void {
  const names = [...tensors.keys()];
  for (const [pattern, what, advice] of UNREAD) {
    const found = names.find((name) => pattern.test(name));
    if (found !== undefined)
      throw new ProsamError('CHECKPOINT_MISMATCH', `${label}: expected a SAM checkpoint, got ${what} (${found}). ${advice}.`);
  }
}

/** A SAM without the tensors of SAM-HQ's own part. left: how many those were */
export function withoutHq(tensors: CheckpointTensors): { tensors: CheckpointTensors; left: number } {
  const kept = new Map([...tensors].filter(([name]) => !SAM_HQ.test(name)));
  return kept.size === tensors.size ? { tensors, left: 0 } : { tensors: kept, left: tensors.size - kept.size };
}
