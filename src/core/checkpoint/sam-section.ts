/** SAM's section of a manifest, in two layouts: one configuration as SAM's own code has it, or encoder and decoder apart. */
import * as z from 'zod';
import type { SamResize } from '../image/preprocess.ts';
import { GRID_STRIDE, type EfficientNetConfig, type SamConfig } from '../networks/config.ts';
import { efficientNetBlocks } from '../networks/efficientnet.ts';
import { count, imageSide, samConfigSchema, size } from './config-schema.ts';

/** A file of the model's own folder: no path may lead out of it. */
export const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be the plain name of a file in the model folder');
const triple = z.tuple([z.number(), z.number(), z.number()]);

/** Keys that both layouts have. */
const common = {
  file: fileName,
  resize: z.enum(['aligned', 'stretch', 'stretch-float', 'longest-side'] satisfies SamResize[]),
  mean: triple,
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  /** Points and boxes are drawn into the mask prompt besides. */
  prompts: z.literal('drawn').optional(),
  /** Logits are resized in one step with half-pixel centers. */
  upsample: z.literal('half_pixel').optional(),
};

export const samSectionSchema = z.strictObject({ ...common, config: samConfigSchema });
type SamSection = z.output<typeof samSectionSchema>;

/** Pixels along a cell of the four maps. */
const TAP_CELLS = [4, 8, 16, 32] as const;
/** Attention goes over all cells of the coarsest map. */
const MAX_CONTEXT_SIDE = 2048;

const tap = z
  .int()
  .min(0)
  .max(efficientNetBlocks().length - 1);
const encoderSchema = z
  .strictObject({
    kind: z.literal('efficientnet-lite2'),
    taps: z.tuple([tap, tap, tap, tap]),
    context: z.strictObject({ blocks: z.int().min(0).max(1000), heads: size, mlp_dim: size }),
  })
  .refine(({ taps }) => taps.every((block, i) => efficientNetBlocks()[block]?.cell === TAP_CELLS[i]), {
    message: `taps must name one block on each of the strides ${TAP_CELLS.join(', ')}`,
  });

/** Switches that are the same in every such model may be left out. */
const decoderSchema = z.strictObject({
  kind: z.literal('sam2'),
  out_chans: size.multipleOf(8).default(256),
  mask_in_chans: size.multipleOf(4),
  decoder_depth: count,
  decoder_mlp_dim: size,
  decoder_heads: size,
  num_multimask_outputs: count,
  object_score: z.boolean(),
  iou_sigmoid: z.literal(true).optional(),
  iou_head_depth: count.default(3),
  iou_head_hidden_dim: size.default(256),
  fuser_blocks: z.int().min(0).max(1000).default(0),
  fuser_dim: size.optional(),
});

export const splitSamSectionSchema = z
  .strictObject({
    ...common,
    image_size: imageSide.max(MAX_CONTEXT_SIDE).multipleOf(2 * GRID_STRIDE),
    encoder: encoderSchema,
    decoder: decoderSchema,
  })
  .refine(({ decoder }) => decoder.out_chans % (2 * decoder.decoder_heads) === 0, 'out_chans must be a multiple of 2 * decoder_heads')
  .refine(({ encoder, decoder }) => decoder.out_chans % encoder.context.heads === 0, 'out_chans must be a multiple of context.heads')
  .refine(({ decoder }) => decoder.fuser_blocks === 0 || decoder.fuser_dim !== undefined, 'fuser_blocks need a fuser_dim')
  .transform(({ image_size, encoder, decoder, ...rest }): SamSection => ({ ...rest, config: configOf(image_size, encoder, decoder) }));

function configOf(imageSize: number, encoder: z.output<typeof encoderSchema>, decoder: z.output<typeof decoderSchema>): SamConfig {
  const { blocks, heads, mlp_dim: mlpDim } = encoder.context;
  const { fuser_blocks, fuser_dim } = decoder;
  return {
    imageSize,
    encoder: { kind: encoder.kind, taps: encoder.taps, context: { blocks, heads, mlpDim } },
    sam2: {
      predObjScores: decoder.object_score,
      ...(fuser_blocks > 0 && fuser_dim !== undefined && { fuser: { blocks: fuser_blocks, dim: fuser_dim } }),
    },
    outChans: decoder.out_chans,
    maskInChans: decoder.mask_in_chans,
    decoderDepth: decoder.decoder_depth,
    decoderMlpDim: decoder.decoder_mlp_dim,
    decoderHeads: decoder.decoder_heads,
    numMultimaskOutputs: decoder.num_multimask_outputs,
    iouHeadDepth: decoder.iou_head_depth,
    iouHeadHiddenDim: decoder.iou_head_hidden_dim,
  };
}

/** The way back, without the keys around it. */
export function splitConfigJson({ imageSize, sam2, ...config }: SamConfig, encoder: EfficientNetConfig): Record<string, unknown> {
  const { blocks, heads, mlpDim } = encoder.context;
  return {
    image_size: imageSize,
    encoder: { kind: encoder.kind, taps: encoder.taps, context: { blocks, heads, mlp_dim: mlpDim } },
    decoder: {
      kind: 'sam2',
      out_chans: config.outChans,
      mask_in_chans: config.maskInChans,
      decoder_depth: config.decoderDepth,
      decoder_mlp_dim: config.decoderMlpDim,
      decoder_heads: config.decoderHeads,
      num_multimask_outputs: config.numMultimaskOutputs,
      object_score: sam2?.predObjScores === true,
      iou_head_depth: config.iouHeadDepth,
      iou_head_hidden_dim: config.iouHeadHiddenDim,
      ...(sam2?.fuser && { fuser_blocks: sam2.fuser.blocks, fuser_dim: sam2.fuser.dim }),
    },
  };
}

/** Does a manifest have SAM's encoder and decoder apart? */
export function isSplit(manifest: unknown): boolean {
  const sam = typeof manifest === 'object' && manifest !== null && 'sam' in manifest ? manifest.sam : undefined;
  return typeof sam === 'object' && sam !== null && 'encoder' in sam;
}
