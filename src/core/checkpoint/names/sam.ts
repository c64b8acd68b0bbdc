/** SAM under Meta's own names, from its checkpoints or from those of Hugging Face's transformers. SAM 2: `sam2.ts`. */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint.ts';
import { refuseRelatives, withoutHq } from './fine-tunes.ts';
import { layerName, PROMPT_AND_DECODER_RULES } from './transformers.ts';
import { sam2Tensors } from './sam2.ts';
import { firstNames, mapNames, renamed, underMarker, type RenameRule } from './rename.ts';

const META = 'mask_decoder.iou_token.weight';
const TRANSFORMERS = 'vision_encoder.patch_embed.projection.weight';

const RULES: readonly RenameRule[] = [
  [/^vision_encoder\.patch_embed\.projection\./, 'image_encoder.patch_embed.proj.'],
  [/^vision_encoder\.layers\.(\d+)\.layer_norm([12])\./, 'image_encoder.blocks.$1.norm$2.'],
  [/^vision_encoder\.layers\./, 'image_encoder.blocks.'],
  [/^vision_encoder\.neck\.conv1\./, 'image_encoder.neck.0.'],
  [/^vision_encoder\.neck\.layer_norm1\./, 'image_encoder.neck.1.'],
  [/^vision_encoder\.neck\.conv2\./, 'image_encoder.neck.2.'],
  [/^vision_encoder\.neck\.layer_norm2\./, 'image_encoder.neck.3.'],
  [/^vision_encoder\./, 'image_encoder.'],
  [/^prompt_encoder\.point_embed\./, 'prompt_encoder.point_embeddings.'],
  ...PROMPT_AND_DECODER_RULES,
];

/** @throws CHECKPOINT_MISMATCH for a checkpoint that is no SAM. label: of the checkpoint, for messages */
export function samTensors(tensors: CheckpointTensors, label: string): CheckpointTensors {
  refuseRelatives(tensors, label);
  return withoutHq(namedTensors(tensors, label)).tensors;
}

function namedTensors(tensors: CheckpointTensors, label: string): CheckpointTensors {
  const second = sam2Tensors(tensors, label); // first: Hugging Face's SAM 2 has SAM 1's marker, too
  if (second !== undefined) return second;
  const theirs = underMarker(tensors, TRANSFORMERS);
  if (theirs !== undefined) return mapNames(theirs, (name) => layerName(theirs, name) ?? renamed(name, RULES));
  const meta = underMarker(tensors, META);
  if (meta !== undefined && [...meta.keys()].some((name) => name.startsWith('image_encoder.'))) return meta;
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected a SAM checkpoint (with ${META} and image_encoder.*, SAM 2's sam_mask_decoder.*, or the names of Hugging Face's ` +
      `SamModel or Sam2Model), got ${firstNames(tensors)}. Exported graphs are not read. Use a SAM, MobileSAM, SAM 2 or SAM 2.1 checkpoint.`,
  );
}
