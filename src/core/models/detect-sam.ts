/** Detects a SAM: every number of its configuration from names and shapes. */
import { ProsamError } from '../common/errors.ts';
import { MOBILE_SAM, type SamConfig, type TinyVitConfig, type VitConfig } from '../networks/config.ts';
import type { CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { countBlocks, shapesOf } from '../checkpoint/tensor-shapes.ts';
import { describeHiera } from './detect-hiera.ts';
import type { Sam2Facts } from './transformers-config.ts';

export interface DescribeSamOptions {
  /** Heads of the mask decoder, which no shape tells. @default 8, as in every published SAM */
  decoderHeads?: number;
  /** SAM 2: facts from the config.json beside the weights. @default those of the published size */
  facts?: Sam2Facts | undefined;
}

/** tensors: under the networks' names (`samTensors`). @throws CHECKPOINT_MISMATCH */
export function describeSam(tensors: CheckpointTensors, label: string, options: DescribeSamOptions = {}): SamConfig {
  const { facts, decoderHeads = facts?.decoderHeads ?? 8 } = options;
  return { ...describeEncoder(tensors, label, facts), ...describeDecoder(tensors, label, decoderHeads) };
}

const TINY_VIT = 'image_encoder.patch_embed.seq.0.c.weight';
const HIERA = 'image_encoder.trunk.pos_embed_window';
const EFFICIENTNET = 'image_encoder.trunk.stem.weight';

function describeEncoder(tensors: CheckpointTensors, label: string, facts: Sam2Facts | undefined) {
  if (tensors.has(EFFICIENTNET))
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label} is an EfficientNet-Lite2 under SAM 2's decoder: expected the manifest.json of its model folder beside it, which says how images are ` +
        'prepared and prompts are drawn (no tensor does), got none that knows this file. Copy it there, or use the model folder itself: --model FOLDER.',
    );
  if (tensors.has(HIERA)) return describeHiera(tensors, label, facts);
  return tensors.has(TINY_VIT) ? describeTinyVit(tensors, label) : describeVit(tensors, label);
}

function describeVit(tensors: CheckpointTensors, label: string): { imageSize: number; encoder: VitConfig } {
  const shape = shapesOf(tensors, label);
  const [embedDim, , patchSize] = shape('image_encoder.patch_embed.proj.weight', 4) as [number, number, number, number];
  const [, grid] = shape('image_encoder.pos_embed', 4) as [number, number, number, number];
  const depth = countBlocks(tensors, 'image_encoder.blocks');
  const sides: number[] = [];
  for (let i = 0; i < depth; i++) sides.push(((shape(`image_encoder.blocks.${i}.attn.rel_pos_h`, 2)[0] as number) + 1) / 2);
  const windowSize = Math.min(...sides);
  const headDim = shape('image_encoder.blocks.0.attn.rel_pos_h', 2)[1] as number;
  if (sides.some((side) => side !== grid && side !== windowSize) || embedDim % headDim !== 0)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected windows of one size and global attention over the ${grid} x ${grid} grid, got relative positions for sides of ${[...new Set(sides)].join(', ')}. This SAM is not known.`,
    );
  const hidden = shape('image_encoder.blocks.0.mlp.lin1.weight', 2)[0] as number;
  return {
    imageSize: grid * patchSize,
    encoder: {
      kind: 'vit',
      patchSize,
      embedDim,
      depth,
      numHeads: embedDim / headDim,
      globalAttnIndexes: sides.flatMap((side, i) => (side === grid ? [i] : [])),
      windowSize,
      mlpRatio: hidden / embedDim,
    },
  };
}

/**
 * Configuration of TinyViT. Numbers no tensor reveals are those of the one published model: input side, and those idle in the first
 * stage.
 */
function describeTinyVit(tensors: CheckpointTensors, label: string): { imageSize: number; encoder: TinyVitConfig } {
  const shape = shapesOf(tensors, label);
  const published = MOBILE_SAM.encoder as TinyVitConfig;
  const at = 'image_encoder.layers';
  const widths = ['patch_embed.seq.2', ...[0, 1, 2].map((stage) => `layers.${stage}.downsample.conv3`)];
  const attention = [1, 2, 3].map((stage) => shape(`${at}.${stage}.blocks.0.attn.attention_biases`, 2));
  const [first] = widths.map((name) => shape(`image_encoder.${name}.c.weight`, 4)[0] as number) as [number];
  const second = shape(`${at}.1.blocks.0.mlp.fc1.weight`, 2) as [number, number];
  return {
    imageSize: MOBILE_SAM.imageSize,
    encoder: {
      kind: 'tiny_vit',
      embedDims: widths.map((name) => shape(`image_encoder.${name}.c.weight`, 4)[0]) as unknown as TinyVitConfig['embedDims'],
      depths: [0, 1, 2, 3].map((stage) => countBlocks(tensors, `${at}.${stage}.blocks`)) as unknown as TinyVitConfig['depths'],
      numHeads: [published.numHeads[0], ...attention.map(([heads]) => heads)] as unknown as TinyVitConfig['numHeads'],
      windowSizes: [
        published.windowSizes[0],
        ...attention.map((sizes) => Math.sqrt(sizes[1] as number)),
      ] as unknown as TinyVitConfig['windowSizes'],
      mlpRatio: second[0] / second[1],
      mbconvExpandRatio: (shape(`${at}.0.blocks.0.conv1.c.weight`, 4)[0] as number) / first,
      localConvSize: shape(`${at}.1.blocks.0.local_conv.c.weight`, 4)[2] as number,
    },
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
