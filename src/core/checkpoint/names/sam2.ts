/**
 * SAM 2 and 2.1 under the names the networks ask for, from Meta's checkpoints or those of Hugging Face's transformers. The decoder and
 * the prompt encoder go by SAM 1's names. Video tensors are left out.
 */
import { ProsamError } from '../../common/errors.ts';
import type { CheckpointTensor, CheckpointTensors } from '../checkpoint.ts';
import { layerName, PROMPT_AND_DECODER_RULES } from './transformers.ts';
import { firstNames, mapNames, renamed, underMarker, type RenameRule } from './rename.ts';

/** File beside Hugging Face's weights with the numbers that stand in no shape. */
export const TRANSFORMERS_CONFIG = 'config.json';
/** Published ones have a few thousand bytes. */
export const MAX_CONFIG_BYTES = 1_000_000;

const META = 'image_encoder.trunk.pos_embed_window';
/** EfficientNet-Lite2 in the place of Hiera, under Meta's names. */
const EFFICIENTNET = 'image_encoder.trunk.stem.weight';
const TRANSFORMERS = 'vision_encoder.backbone.pos_embed_window';
/** In every model of SAM 2's family, whatever its trunk, at Meta and in transformers. */
const FAMILY = ['sam_mask_decoder.iou_token.weight', 'sam_mask_decoder.conv_s0.weight', 'mask_decoder.conv_s0.weight', 'maskmem_tpos_enc'];
/** Tensors that tell which of the family it is. */
const RELATIVES: readonly (readonly [name: string, marker: RegExp])[] = [
  ['SAM 3', /^(detector|tracker)(_model|_multiplex)?\./],
  ['EdgeTAM', /(^|\.)(spatial_perceiver|image_encoder\.trunk\.body|vision_encoder\.backbone\.timm_model)\./],
  ['EfficientTAM', /(^|\.)image_encoder\.trunk\.blocks\.0\./],
];

const META_RULES: readonly RenameRule[] = [
  [/^sam_prompt_encoder\./, 'prompt_encoder.'],
  [/^sam_mask_decoder\.transformer\.layers\.(\d+)\.mlp\.layers\.0\./, 'mask_decoder.transformer.layers.$1.mlp.lin1.'],
  [/^sam_mask_decoder\.transformer\.layers\.(\d+)\.mlp\.layers\.1\./, 'mask_decoder.transformer.layers.$1.mlp.lin2.'],
  [/^sam_mask_decoder\./, 'mask_decoder.'],
];

const TRANSFORMERS_RULES: readonly RenameRule[] = [
  [/^vision_encoder\.backbone\.patch_embed\.projection\./, 'image_encoder.trunk.patch_embed.proj.'],
  [/^vision_encoder\.backbone\.blocks\.(\d+)\.layer_norm([12])\./, 'image_encoder.trunk.blocks.$1.norm$2.'],
  [/^vision_encoder\.backbone\.blocks\.(\d+)\.mlp\.proj_in\./, 'image_encoder.trunk.blocks.$1.mlp.layers.0.'],
  [/^vision_encoder\.backbone\.blocks\.(\d+)\.mlp\.proj_out\./, 'image_encoder.trunk.blocks.$1.mlp.layers.1.'],
  [/^vision_encoder\.backbone\./, 'image_encoder.trunk.'],
  [/^vision_encoder\.neck\.convs\.(\d+)\./, 'image_encoder.neck.convs.$1.conv.'],
  [/^mask_decoder\.transformer\.layers\.(\d+)\.mlp\.proj_in\./, 'mask_decoder.transformer.layers.$1.mlp.lin1.'],
  [/^mask_decoder\.transformer\.layers\.(\d+)\.mlp\.proj_out\./, 'mask_decoder.transformer.layers.$1.mlp.lin2.'],
  [/^(mask_decoder\.transformer\..*)\.o_proj\./, '$1.out_proj.'],
  [/^no_memory_embedding$/, 'no_mem_embed'],
  ...PROMPT_AND_DECODER_RULES,
];
/** Four rows in one tensor. */
const POINT_ROWS = 'prompt_encoder.point_embed.weight';

/** Memory, object pointers and temporal positions: tensors no single image needs, at Meta and in transformers. */
const VIDEO =
  /^(memory_attention\.|memory_encoder\.|mask_downsample\.|(maskmem_tpos_enc|no_mem_pos_enc|no_obj_ptr|no_obj_embed_spatial|memory_temporal_positional_encoding|no_memory_positional_encoding|no_object_pointer|occlusion_spatial_embedding_parameter)$|(obj_ptr|object_pointer)_(proj|tpos_proj)\.|temporal_positional_encoding_projection_layer\.)/;
/** Tensors that version 2.1 added. */
const ONLY_IN_2_1 = ['no_obj_embed_spatial', 'occlusion_spatial_embedding_parameter'] as const;

/**
 * Tensors of SAM 2's image model; undefined for a checkpoint that is none of the family.
 * @throws CHECKPOINT_MISMATCH for one of the family with another trunk
 */
export function sam2Tensors(tensors: CheckpointTensors, label: string): CheckpointTensors | undefined {
  const theirs = underMarker(tensors, TRANSFORMERS);
  if (theirs !== undefined) return fromTransformers(theirs, label);
  const meta = underMarker(tensors, META) ?? underMarker(tensors, EFFICIENTNET);
  if (meta !== undefined) return mapNames(meta, (name) => (VIDEO.test(name) ? undefined : renamed(name, META_RULES)));
  if (!FAMILY.some((marker) => underMarker(tensors, marker) !== undefined)) return undefined;
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected SAM 2 with its Hiera trunk (${META}), got ${relativeOf(tensors)}: ${firstNames(tensors)}. ` +
      'Use a SAM 2 or SAM 2.1 checkpoint.',
  );
}

function relativeOf(tensors: CheckpointTensors): string {
  const names = [...tensors.keys()];
  const found = RELATIVES.find(([, marker]) => names.some((name) => marker.test(name)));
  return found === undefined ? "SAM 2's decoder with another trunk" : `${found[0]}, which has SAM 2's decoder and another trunk`;
}

/** Facts for people about a checkpoint of SAM 2; undefined for any other. */
export function aboutSam2(tensors: CheckpointTensors): { version: '2.0' | '2.1' | undefined; videoTensors: number } | undefined {
  const found = underMarker(tensors, META) ?? underMarker(tensors, TRANSFORMERS);
  if (found === undefined) return undefined;
  const videoTensors = [...found.keys()].filter((name) => VIDEO.test(name)).length;
  const is21 = ONLY_IN_2_1.some((name) => found.has(name));
  return { version: is21 ? '2.1' : videoTensors > 0 ? '2.0' : undefined, videoTensors };
}

function fromTransformers(tensors: CheckpointTensors, label: string): CheckpointTensors {
  const out = mapNames(tensors, (name) => {
    if (VIDEO.test(name) || name === POINT_ROWS) return undefined;
    return layerName(tensors, name) ?? renamed(name, TRANSFORMERS_RULES);
  });
  const points = tensors.get(POINT_ROWS);
  if (points !== undefined) rowsOf(points, label).forEach((row, i) => out.set(`prompt_encoder.point_embeddings.${i}.weight`, row));
  return out;
}

/** A matrix as its rows, each [1, n], where they lie. @throws CHECKPOINT_MISMATCH */
function rowsOf({ dtype, shape, byteLength, parts }: CheckpointTensor, label: string): CheckpointTensor[] {
  const [rows = 0, width = 0] = shape;
  const [part] = parts;
  if (shape.length !== 2 || rows !== 4 || parts.length !== 1)
    throw new ProsamError('CHECKPOINT_MISMATCH', `${label}: expected ${POINT_ROWS} of 4 rows, got [${shape.join(', ')}].`);
  const bytes = byteLength / rows;
  return Array.from({ length: rows }, (_, i) => {
    const place = { ...part, offset: part.offset + i * bytes, byteLength: bytes, shape: [1, width] };
    return { dtype, shape: [1, width], byteLength: bytes, parts: [place] };
  });
}
