/** Weights under the names other projects publish them with. */
import type { TensorSource } from './checkpoint-writers.ts';

type Rename = (tensors: readonly TensorSource[]) => TensorSource[];

function byName(rename: (name: string) => string): Rename {
  return (tensors) => tensors.map((one) => ({ ...one, name: rename(one.name) }));
}

/** In order: each is applied to what the ones before left. */
function replacing(...pairs: [RegExp | string, string][]): (name: string) => string {
  return (name) => pairs.reduce((text, [from, to]) => text.replace(from, to), name);
}

/** Hugging Face's SamModel. */
export const samOfTransformers = byName(
  replacing(
    ['image_encoder.patch_embed.proj', 'vision_encoder.patch_embed.projection'],
    [/image_encoder\.blocks\.(\d+)\.norm/, 'vision_encoder.layers.$1.layer_norm'],
    ['image_encoder.blocks', 'vision_encoder.layers'],
    ['image_encoder.neck.0', 'vision_encoder.neck.conv1'],
    ['image_encoder.neck.1', 'vision_encoder.neck.layer_norm1'],
    ['image_encoder.neck.2', 'vision_encoder.neck.conv2'],
    ['image_encoder.neck.3', 'vision_encoder.neck.layer_norm2'],
    ['image_encoder.', 'vision_encoder.'],
    ['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix', 'prompt_encoder.shared_embedding.positional_embedding'],
    ['point_embeddings', 'point_embed'],
    ['mask_downscaling.0', 'mask_embed.conv1'],
    ['mask_downscaling.1', 'mask_embed.layer_norm1'],
    ['mask_downscaling.3', 'mask_embed.conv2'],
    ['mask_downscaling.4', 'mask_embed.layer_norm2'],
    ['mask_downscaling.6', 'mask_embed.conv3'],
    [/(mask_decoder\.transformer\.layers\.\d+)\.norm/, '$1.layer_norm'],
    ['norm_final_attn', 'layer_norm_final_attn'],
    ['output_upscaling.0', 'upscale_conv1'],
    ['output_upscaling.1', 'upscale_layer_norm'],
    ['output_upscaling.3', 'upscale_conv2'],
    [/(mlps\.\d+|prediction_head)\.layers\.0/, '$1.proj_in'],
    [/(mlps\.\d+|prediction_head)\.layers\.1/, '$1.layers.0'],
    [/(mlps\.\d+|prediction_head)\.layers\.2/, '$1.proj_out'],
  ),
);

/** SAM 2's rows of point embeddings, which transformers keep as one tensor. */
const POINT_ROW = /^sam_prompt_encoder\.point_embeddings\.\d+\.weight$/;
const MATRIX = 'shared_image_embedding.positional_embedding';

const sam2Names = byName(
  replacing(
    ['image_encoder.trunk.patch_embed.proj', 'vision_encoder.backbone.patch_embed.projection'],
    [/image_encoder\.trunk\.blocks\.(\d+)\.norm/, 'vision_encoder.backbone.blocks.$1.layer_norm'],
    ['image_encoder.trunk', 'vision_encoder.backbone'],
    [/image_encoder\.neck\.convs\.(\d)\.conv/, 'vision_encoder.neck.convs.$1'],
    ['sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix', MATRIX],
    ['sam_prompt_encoder', 'prompt_encoder'],
    ['mask_downscaling.0', 'mask_embed.conv1'],
    ['mask_downscaling.1', 'mask_embed.layer_norm1'],
    ['mask_downscaling.3', 'mask_embed.conv2'],
    ['mask_downscaling.4', 'mask_embed.layer_norm2'],
    ['mask_downscaling.6', 'mask_embed.conv3'],
    ['sam_mask_decoder', 'mask_decoder'],
    [/(mask_decoder\.transformer\.layers\.\d+)\.norm/, '$1.layer_norm'],
    ['norm_final_attn', 'layer_norm_final_attn'],
    ['.out_proj.', '.o_proj.'],
    [/(blocks\.\d+|transformer\.layers\.\d+)\.mlp\.layers\.0/, '$1.mlp.proj_in'],
    [/(blocks\.\d+|transformer\.layers\.\d+)\.mlp\.layers\.1/, '$1.mlp.proj_out'],
    ['output_upscaling.0', 'upscale_conv1'],
    ['output_upscaling.1', 'upscale_layer_norm'],
    ['output_upscaling.3', 'upscale_conv2'],
    [/(mlps\.\d+|prediction_head|score_head)\.layers\.0/, '$1.proj_in'],
    [/(mlps\.\d+|prediction_head|score_head)\.layers\.1/, '$1.layers.0'],
    [/(mlps\.\d+|prediction_head|score_head)\.layers\.2/, '$1.proj_out'],
    [/^no_mem_embed$/, 'no_memory_embedding'],
  ),
);

/** Hugging Face's Sam2Model: one matrix under two names, four point embeddings in one tensor. weights: the image model's at Meta. */
export const sam2OfTransformers: Rename = (weights) => {
  const rows = weights.filter(({ name }) => POINT_ROW.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const width = rows[0]?.shape[1] as number;
  const points: TensorSource = {
    name: 'prompt_encoder.point_embed.weight',
    shape: [rows.length, width],
    values: () => Float32Array.from(rows.flatMap((row) => Array.from(row.values()))),
  };
  const renamed = sam2Names(weights.filter(({ name }) => !POINT_ROW.test(name)));
  const tied = renamed
    .filter(({ name }) => name === MATRIX)
    .map((one) => ({ ...one, name: 'prompt_encoder.shared_embedding.positional_embedding' }));
  return [...renamed, ...tied, points];
};

/** Hugging Face's Dinov2Model and Dinov2WithRegistersModel, where query, key and value are three layers. */
export const dinov2OfTransformers: Rename = (tensors) =>
  inThirds(
    byName(
      replacing(
        [/^patch_embed\.proj/, 'embeddings.patch_embeddings.projection'],
        [/^pos_embed$/, 'embeddings.position_embeddings'],
        [/^(cls_token|mask_token|register_tokens)$/, 'embeddings.$1'],
        [/^norm\./, 'layernorm.'],
        [/^blocks\./, 'encoder.layer.'],
        ['.attn.proj.', '.attention.output.dense.'],
        [/\.ls([12])\.gamma/, '.layer_scale$1.lambda1'],
      ),
    )(tensors),
    ['attention.attention.query.', 'attention.attention.key.', 'attention.attention.value.'],
  );

/** Hugging Face's DINOv3ViTModel, from Meta's names: without what only training needs, and without a bias of the keys. */
export const dinov3OfTransformers: Rename = (tensors) =>
  inThirds(
    byName(
      replacing(
        [/^patch_embed\.proj/, 'embeddings.patch_embeddings'],
        [/^(cls_token|mask_token)$/, 'embeddings.$1'],
        [/^storage_tokens$/, 'embeddings.register_tokens'],
        [/^blocks\./, 'layer.'],
        ['.attn.proj.', '.attention.o_proj.'],
        [/\.ls([12])\.gamma/, '.layer_scale$1.lambda1'],
        ['.mlp.fc1.', '.mlp.up_proj.'],
        ['.mlp.fc2.', '.mlp.down_proj.'],
      ),
    )(tensors.filter(({ name }) => !/(\.bias_mask|^rope_embed\.periods)$/.test(name))),
    ['attention.q_proj.', 'attention.k_proj.', 'attention.v_proj.'],
  ).filter(({ name }) => !name.endsWith('.k_proj.bias'));

/** `attn.qkv.` cut into three of the names. */
function inThirds(tensors: readonly TensorSource[], names: readonly [string, string, string]): TensorSource[] {
  return tensors.flatMap((one) => {
    if (!one.name.includes('.attn.qkv.')) return [one];
    const [rows = 0, ...rest] = one.shape;
    return names.map((part, i): TensorSource => {
      const size = (rows / 3) * rest.reduce((a, b) => a * b, 1);
      return {
        name: one.name.replace('attn.qkv.', part),
        shape: [rows / 3, ...rest],
        values: () => one.values().slice(i * size, (i + 1) * size),
      };
    });
  });
}

/** A prompt encoder as VRP-SAM saves it in distributed training; the heads it does not have keep their names. */
export const promptEncoderOfVrpSam = byName(
  replacing(
    [/^reduce\.weight/, 'downsample_query.0.weight'],
    [/^fuse\.weight/, 'merge_1.0.weight'],
    [/^queries$/, 'transformer_decoder.supp_q_feat.weight'],
    [/^ref_cross\.attn/, 'transformer_decoder.transformer_cross_attention_layers_0.0.multihead_attn'],
    [/^ref_self\.attn/, 'transformer_decoder.transformer_self_attention_layers_0.0.self_attn'],
    [/^tgt_cross\.attn/, 'transformer_decoder.transformer_cross_attention_layers.0.multihead_attn'],
    [/^tgt_self\.attn/, 'transformer_decoder.transformer_self_attention_layers.0.self_attn'],
    [/^ref_cross\.norm/, 'transformer_decoder.transformer_cross_attention_layers_0.0.norm'],
    [/^ref_self\.norm/, 'transformer_decoder.transformer_self_attention_layers_0.0.norm'],
    [/^tgt_cross\.norm/, 'transformer_decoder.transformer_cross_attention_layers.0.norm'],
    [/^tgt_self\.norm/, 'transformer_decoder.transformer_self_attention_layers.0.norm'],
    [/^/, 'module.'],
  ),
);

/** VRP-SAM's copy of a deep-stem ResNet: its stem is a list with ReLUs between. */
export const resnetOfVrpSam = byName(
  replacing(
    [/^conv1\./, 'layer0.0.'],
    [/^bn1\./, 'layer0.1.'],
    [/^conv2\./, 'layer0.3.'],
    [/^bn2\./, 'layer0.4.'],
    [/^conv3\./, 'layer0.6.'],
    [/^bn3\./, 'layer0.7.'],
    [/^/, 'module.'],
  ),
);
