/** Network configurations as JSON: keys as the networks' own code spells them, checked, then turned into the types of `model/config.ts`. */
import * as z from 'zod';
import type { OwnBackboneConfig } from '../networks/backbone.ts';
import { DINOV3_ROPE_THETA } from '../networks/dino/config.ts';
import { GRID_STRIDE, type PromptEncoderConfig, type SamBackboneConfig, type SamConfig } from '../networks/config.ts';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type CamelKeys<T> = { [K in keyof T as K extends string ? Camel<K> : K]: T[K] };

function camelKeys<T extends object>(record: T): CamelKeys<T> {
  const entries = Object.entries(record).map(([key, value]): [string, unknown] => [
    key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as CamelKeys<T>;
}

export const size = z.int().positive().max(1_000_000);
/** Anything there is one set of weights for each of: a graph is built before the weights are compared with it. */
export const count = z.int().positive().max(1000);
/** Sides of squares: attention over them needs tables of side x side. */
export const imageSide = z.int().positive().max(16_384);
const windowSide = z.int().positive().max(1024);
/** Angles of rotary positions stand in the graph; 64 wide heads at 8192 pixels have as many. */
const MAX_ROTARY_VALUES = 2 ** 24;
/** Published ones have four. */
const MAX_REGISTERS = 1000;
const index = z.int().min(0).max(10_000);
const ratio = z.number().positive().max(64);
const threeCounts = z.tuple([count, count, count]);
const fourCounts = z.tuple([count, count, count, count]);
const fiveCounts = z.tuple([count, count, count, count, count]);
const four = z.tuple([size, size, size, size]);
const five = z.tuple([size, size, size, size, size]);

/** Keys around either image encoder. */
const samDecoderKeys = {
  out_chans: size,
  mask_in_chans: size.multipleOf(4),
  decoder_depth: count,
  decoder_mlp_dim: size,
  decoder_heads: size,
  num_multimask_outputs: count,
  iou_head_depth: count,
  iou_head_hidden_dim: size,
};

/** The encoder's keys stand beside the others, as in SAM's own code. */
const samWithVit = z
  .strictObject({
    image_encoder: z.literal('vit').optional(),
    image_size: imageSide,
    patch_size: size,
    embed_dim: size,
    depth: count,
    num_heads: size,
    global_attn_indexes: z.array(index),
    window_size: windowSide,
    mlp_ratio: ratio,
    ...samDecoderKeys,
  })
  .refine((c) => c.image_size % c.patch_size === 0, 'image_size must be a multiple of patch_size')
  .refine((c) => c.image_size <= 1024 * c.patch_size, 'image_size must be at most 1024 patches')
  .refine((c) => c.embed_dim % c.num_heads === 0, 'embed_dim must be a multiple of num_heads');

/** SAM with TinyViT, as in MobileSAM's own code. */
const samWithTinyVit = z
  .strictObject({
    image_encoder: z.literal('tiny_vit'),
    image_size: imageSide.multipleOf(GRID_STRIDE),
    embed_dims: four,
    depths: fourCounts,
    num_heads: four,
    window_sizes: z.tuple([windowSide, windowSide, windowSide, windowSide]),
    mlp_ratio: ratio,
    mbconv_expand_ratio: ratio,
    local_conv_size: count.refine((side) => side % 2 === 1, 'must be odd'),
    ...samDecoderKeys,
  })
  .refine((c) => c.embed_dims.every((width, i) => i === 0 || width % (c.num_heads[i] as number) === 0), {
    message: 'embed_dims must be multiples of num_heads',
  })
  .refine((c) => c.embed_dims[0] % 2 === 0, 'the first of embed_dims must be even');

/** Global attention asks for a table of all pairs of cells, however it is cut. */
const MAX_HIERA_SIDE = 4096;

/** SAM 2's image model, as in its own code; switches that are the same in every published model may be left out. */
const samWithHiera = z
  .strictObject({
    image_encoder: z.literal('hiera'),
    image_size: imageSide.max(MAX_HIERA_SIDE).multipleOf(2 * GRID_STRIDE),
    embed_dim: size,
    num_heads: size,
    stages: fourCounts,
    global_att_blocks: z.array(index),
    window_spec: z.tuple([windowSide, windowSide, windowSide, windowSide]),
    window_pos_embed_bkg_spatial_size: z.tuple([windowSide, windowSide]),
    mlp_ratio: ratio,
    q_pool: z.literal(3).optional(),
    q_stride: z.tuple([z.literal(2), z.literal(2)]).optional(),
    dim_mul: z.literal(2).optional(),
    head_mul: z.literal(2).optional(),
    fpn_top_down_levels: z.tuple([z.literal(2), z.literal(3)]).optional(),
    scalp: z.literal(1).optional(),
    use_high_res_features_in_sam: z.literal(true).optional(),
    iou_prediction_use_sigmoid: z.literal(true).optional(),
    pred_obj_scores_mlp: z.literal(true).optional(),
    directly_add_no_mem_embed: z.literal(true).optional(),
    pred_obj_scores: z.boolean().default(true),
    dynamic_multimask_stability_delta: z.number().min(0).max(100).default(0.05),
    dynamic_multimask_stability_thresh: z.number().min(0).max(1).default(0.98),
    ...samDecoderKeys,
  })
  .refine((c) => c.embed_dim % c.num_heads === 0, 'embed_dim must be a multiple of num_heads')
  .refine((c) => c.image_size % (4 * c.window_spec[0]) === 0, 'image_size must be a multiple of 4 times the first of window_spec')
  .refine((c) => c.window_spec.slice(0, 3).every((side) => side % 2 === 0), 'the first three of window_spec must be even: they are pooled')
  .refine(({ global_att_blocks: blocks, stages }) => {
    const firsts = stages.map((_, i) => stages.slice(0, i).reduce((sum, count) => sum + count, 0));
    const depth = stages.reduce((sum, count) => sum + count, 0);
    return blocks.every((block) => block < depth && !firsts.slice(1).includes(block));
  }, 'global_att_blocks must lie within stages and not start one: those blocks are pooled in windows');

function hieraConfig(c: z.output<typeof samWithHiera>): SamConfig {
  const { image_encoder: kind, image_size: imageSize, embed_dim, num_heads, stages, global_att_blocks, window_spec, mlp_ratio } = c;
  const { window_pos_embed_bkg_spatial_size } = c;
  const encoder = { embed_dim, num_heads, stages, global_att_blocks, window_spec, window_pos_embed_bkg_spatial_size, mlp_ratio };
  const { pred_obj_scores, dynamic_multimask_stability_delta, dynamic_multimask_stability_thresh } = c;
  const stability = camelKeys({ dynamic_multimask_stability_delta, dynamic_multimask_stability_thresh });
  const { out_chans, mask_in_chans, decoder_depth, decoder_mlp_dim, decoder_heads } = c;
  const { num_multimask_outputs, iou_head_depth, iou_head_hidden_dim } = c;
  const decoder = { out_chans, mask_in_chans, decoder_depth, decoder_mlp_dim, decoder_heads };
  const heads = { num_multimask_outputs, iou_head_depth, iou_head_hidden_dim };
  return {
    imageSize,
    encoder: { kind, ...camelKeys(encoder) },
    sam2: { predObjScores: pred_obj_scores, stability },
    ...camelKeys(decoder),
    ...camelKeys(heads),
  };
}

/** `image_encoder` says which: "vit" where it is absent. */
export const samConfigSchema = z
  .discriminatedUnion('image_encoder', [samWithVit, samWithTinyVit, samWithHiera])
  .refine((c) => c.out_chans % (2 * c.decoder_heads) === 0, 'out_chans must be a multiple of 2 * decoder_heads')
  .refine((c) => c.out_chans % 8 === 0, 'out_chans must be a multiple of 8')
  .transform((c): SamConfig => {
    if (c.image_encoder === 'hiera') return hieraConfig(c);
    if (c.image_encoder === 'tiny_vit') {
      const { image_encoder: kind, image_size, embed_dims, depths, num_heads, window_sizes, ...more } = c;
      const { mlp_ratio, mbconv_expand_ratio, local_conv_size, ...decoder } = more;
      const encoder = { embed_dims, depths, num_heads, window_sizes, mlp_ratio, mbconv_expand_ratio, local_conv_size };
      return { imageSize: image_size, encoder: { kind, ...camelKeys(encoder) }, ...camelKeys(decoder) };
    }
    const { image_encoder: kind = 'vit', image_size, patch_size, embed_dim, depth, num_heads, ...more } = c;
    const { global_attn_indexes, window_size, mlp_ratio, ...decoder } = more;
    const encoder = { patch_size, embed_dim, depth, num_heads, global_attn_indexes, window_size, mlp_ratio };
    return { imageSize: image_size, encoder: { kind, ...camelKeys(encoder) }, ...camelKeys(decoder) };
  });

export const promptEncoderConfigSchema = z
  .strictObject({
    mid_channels: size,
    dim: size.multipleOf(2),
    num_prompts: size,
    num_heads: size,
    dropout2d: z.number().min(0).max(1),
    mask_gain: z.number(),
    pseudo_norm: z.enum(['none', 'minmax']),
    probabilistic: z.boolean(),
    stacked_heads: z.boolean().optional(),
    dense: z.enum(['none', 'coarse']).optional(),
  })
  .refine((c) => c.dim % c.num_heads === 0, 'dim must be a multiple of num_heads')
  .refine((c) => !(c.probabilistic && c.stacked_heads), 'stacked_heads needs probabilistic to be false')
  .transform((c): PromptEncoderConfig => camelKeys(c));

const resnetSchema = z.strictObject({
  kind: z.literal('resnet'),
  image_size: imageSide.default(512),
  layers: fourCounts,
  planes: four,
  deep_stem: z.boolean(),
  stem_mid: size,
  dilate: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
});

const vggSchema = z.strictObject({
  kind: z.literal('vgg'),
  image_size: imageSide.default(512),
  widths: five,
  convs: fiveCounts,
  batch_norm: z.boolean().default(true),
});

const dinoSchema = z.strictObject({
  image_size: imageSide,
  patch_size: size,
  embed_dim: size,
  depth: count,
  num_heads: size,
  mlp_ratio: ratio,
  num_register_tokens: z.int().min(0).max(MAX_REGISTERS).default(0),
  stage_ends: threeCounts,
});

const dinov2Schema = checkedDino(dinoSchema.extend({ kind: z.literal('dinov2') }));
const dinov3Schema = checkedDino(
  dinoSchema.extend({
    kind: z.literal('dinov3'),
    image_size: imageSide.default(512),
    rope_theta: z.number().positive().max(1e9).default(DINOV3_ROPE_THETA),
  }),
)
  .refine((c) => c.embed_dim % (4 * c.num_heads) === 0, 'embed_dim must be a multiple of 4 * num_heads')
  .refine((c) => (c.image_size / c.patch_size) ** 2 * (c.embed_dim / c.num_heads) <= MAX_ROTARY_VALUES, {
    message: `patches times the width of a head must be at most ${MAX_ROTARY_VALUES}`,
  });

function checkedDino<S extends z.ZodType<z.output<typeof dinoSchema>>>(schema: S): S {
  return schema
    .refine((c) => c.image_size % c.patch_size === 0, 'image_size must be a multiple of patch_size')
    .refine((c) => c.embed_dim % c.num_heads === 0, 'embed_dim must be a multiple of num_heads')
    .refine(({ stage_ends: [a, b, c], depth }) => a < b && b < c && c <= depth, 'stage_ends must ascend and end within depth');
}

/** A backbone with weights of its own. */
export const ownBackboneSchema = z
  .discriminatedUnion('kind', [resnetSchema, vggSchema, dinov2Schema, dinov3Schema])
  .transform((c): OwnBackboneConfig => camelKeys(c) as OwnBackboneConfig);

const tapNames = z
  .array(z.enum(['tap0', 'tap1', 'tap2', 'tap3']))
  .min(1)
  .max(4);
const tapNumbers = (names: z.output<typeof tapNames>): number[] => names.map((name) => Number(name.slice('tap'.length)));

/** SAM as its own backbone, by blocks. */
export const samBackboneSchema = z
  .strictObject({ kind: z.literal('sam'), mid_blocks: z.array(index).min(1) })
  .transform((c): SamBackboneConfig => ({ kind: c.kind, midBlocks: c.mid_blocks }));

/** The same by the maps of its strides. */
export const samTapsSchema = z
  .strictObject({ kind: z.literal('sam'), mid: tapNames, high: tapNames })
  .transform((c): SamBackboneConfig => ({ kind: c.kind, midTaps: tapNumbers(c.mid), highTaps: tapNumbers(c.high) }));
