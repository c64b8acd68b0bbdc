/** Which SAM a checkpoint is: every number of its configuration from names and shapes. */
import { ProsamError } from '../errors.ts';
import type { SamConfig } from '../model/config.ts';
import type { CheckpointTensors } from './checkpoint.ts';
import { countBlocks, shapesOf } from './tensor-shapes.ts';

export interface DescribeSamOptions {
  /** Heads of the mask decoder, which no shape tells. @default 8, as in every published SAM */
  decoderHeads?: number;
}

/** tensors: under Meta's names (`samTensors`). @throws CHECKPOINT_MISMATCH */
export function describeSam(tensors: CheckpointTensors, label: string, { decoderHeads = 8 }: DescribeSamOptions = {}): SamConfig {
  const shape = shapesOf(tensors, label);
  const [embedDim, , patchSize] = shape('image_encoder.patch_embed.proj.weight', 4) as [number, number, number, number];
  const [, grid] = shape('image_encoder.pos_embed', 4) as [number, number, number, number];
  const depth = countBlocks(tensors, 'image_encoder.blocks');
  const sides: number[] = [];
  for (let i = 0; i < depth; i++) sides.push(((shape(`image_encoder.blocks.${i}.attn.rel_pos_h`, 2)[0] as number) + 1) / 2);
  const windowSize = Math.min(...sides);
  const headDim = shape('image_encoder.blocks.0.attn.rel_pos_h', 2)[1] as number;
  if (sides.some((side) => side !== grid && side !== windowSize) || embedDim % headDim !== 0 || depth === 0)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: wanted windows of one size and global attention over the ${grid} x ${grid} grid, got relative positions for sides of ${[...new Set(sides)].join(', ')}. This SAM is not known.`,
    );
  const hidden = shape('image_encoder.blocks.0.mlp.lin1.weight', 2)[0] as number;
  return {
    imageSize: grid * patchSize,
    patchSize,
    embedDim,
    depth,
    numHeads: embedDim / headDim,
    globalAttnIndexes: sides.flatMap((side, i) => (side === grid ? [i] : [])),
    windowSize,
    mlpRatio: hidden / embedDim,
    ...describeDecoder(tensors, label, decoderHeads),
  };
}

function describeDecoder(tensors: CheckpointTensors, label: string, decoderHeads: number) {
  const shape = shapesOf(tensors, label);
  return {
    outChans: shape('mask_decoder.iou_token.weight', 2)[1] as number,
    maskInChans: shape('prompt_encoder.mask_downscaling.3.weight', 4)[0] as number,
    decoderDepth: countBlocks(tensors, 'mask_decoder.transformer.layers'),
    decoderMlpDim: shape('mask_decoder.transformer.layers.0.mlp.lin1.weight', 2)[0] as number,
    decoderHeads,
    numMultimaskOutputs: (shape('mask_decoder.mask_tokens.weight', 2)[0] as number) - 1,
    iouHeadDepth: countBlocks(tensors, 'mask_decoder.iou_prediction_head.layers'),
    iouHeadHiddenDim: shape('mask_decoder.iou_prediction_head.layers.0.weight', 2)[0] as number,
  };
}
