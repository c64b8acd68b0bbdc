/** Network configurations as JSON: keys as the networks' own code spells them, checked, then turned into the types of `model/config.ts`. */
import * as z from 'zod';
import type { OwnBackboneConfig } from '../networks/backbone.ts';
import { TINY_VIT_STRIDE, type PromptEncoderConfig, type SamBackboneConfig, type SamConfig } from '../networks/config.ts';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type CamelKeys<T> = { [K in keyof T as K extends string ? Camel<K> : K]: T[K] };

function camelKeys<T extends object>(record: T): CamelKeys<T> {
  const entries = Object.entries(record).map(([key, value]): [string, unknown] => [
    key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as CamelKeys<T>;
}

const size = z.int().positive().max(1_000_000);
/** Anything there is one set of weights for each of: a graph is built before the weights are compared with it. */
const count = z.int().positive().max(1000);
/** Sides of squares: attention over them needs tables of side x side. */
const imageSide = z.int().positive().max(16_384);
const windowSide = z.int().positive().max(1024);
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
    image_size: imageSide.multipleOf(TINY_VIT_STRIDE),
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

/** `image_encoder` says which: "vit" where it is absent. */
export const samConfigSchema = z
  .discriminatedUnion('image_encoder', [samWithVit, samWithTinyVit])
  .refine((c) => c.out_chans % (2 * c.decoder_heads) === 0, 'out_chans must be a multiple of 2 * decoder_heads')
  .refine((c) => c.out_chans % 8 === 0, 'out_chans must be a multiple of 8')
  .transform((c): SamConfig => {
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

const dinov2Schema = z
  .strictObject({
    kind: z.literal('dinov2'),
    image_size: imageSide,
    patch_size: size,
    embed_dim: size,
    depth: count,
    num_heads: size,
    mlp_ratio: ratio,
    stage_ends: threeCounts,
  })
  .refine((c) => c.image_size % c.patch_size === 0, 'image_size must be a multiple of patch_size')
  .refine((c) => c.embed_dim % c.num_heads === 0, 'embed_dim must be a multiple of num_heads')
  .refine(({ stage_ends: [a, b, c], depth }) => a < b && b < c && c <= depth, 'stage_ends must ascend and end within depth');

/** A backbone with weights of its own. */
export const ownBackboneSchema = z
  .discriminatedUnion('kind', [resnetSchema, vggSchema, dinov2Schema])
  .transform((c): OwnBackboneConfig => camelKeys(c) as OwnBackboneConfig);

export const samBackboneSchema = z
  .strictObject({ kind: z.literal('sam'), mid_blocks: z.array(index).min(1) })
  .transform((c): SamBackboneConfig => camelKeys(c));
