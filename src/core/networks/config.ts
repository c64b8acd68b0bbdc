/** Every number that tells one variant of a network from another. Networks take all their dimensions from here. */
import type { DinoConfig } from './dino/config.ts';

/** SAM's own image encoder: a plain ViT, every block on the embedding's grid. */
export interface VitConfig {
  kind: 'vit';
  patchSize: number;
  /** Width of the tokens. */
  embedDim: number;
  depth: number;
  numHeads: number;
  /** Blocks that attend globally; all others attend inside windows. */
  globalAttnIndexes: readonly number[];
  windowSize: number;
  mlpRatio: number;
}

/** MobileSAM's image encoder: four stages on 1/4, 1/8, 1/16 and 1/16 of the image's side. The first convolves, the others attend. */
export interface TinyVitConfig {
  kind: 'tiny_vit';
  /** Channels of the four stages. */
  embedDims: readonly [number, number, number, number];
  /** Blocks of the four stages. */
  depths: readonly [number, number, number, number];
  /** The first stage has no attention; its number is there because the published configurations have it. */
  numHeads: readonly [number, number, number, number];
  /** Sides of the windows in cells; the first number is as idle as the first of `numHeads`. */
  windowSizes: readonly [number, number, number, number];
  mlpRatio: number;
  /** Growth of the channels inside the first stage's blocks. */
  mbconvExpandRatio: number;
  /** Side of the depthwise convolution between attention and MLP. */
  localConvSize: number;
}

/** SAM 2's image encoder: four stages on 1/4, 1/8, 1/16 and 1/32 of the image's side; width and heads double from stage to stage. */
export interface HieraConfig {
  kind: 'hiera';
  /** Width of the first stage. */
  embedDim: number;
  /** Heads of the first stage. */
  numHeads: number;
  /** Blocks of the four stages. */
  stages: readonly [number, number, number, number];
  /** Blocks that attend globally, counted through all stages. */
  globalAttBlocks: readonly number[];
  /** Sides of the windows of the four stages in cells; the first block of a stage has those of the stage before. */
  windowSpec: readonly [number, number, number, number];
  /** Rows and columns of the position table that is spread over the whole input. */
  windowPosEmbedBkgSpatialSize: readonly [number, number];
  mlpRatio: number;
}

/**
 * Image encoder of EfficientNet-Lite2 (Tan, Le, 2019; batch norms folded) on strides 4, 8, 16 and 32, with a transformer on the coarsest
 * map, under SAM 2's decoder.
 */
export interface EfficientNetConfig {
  kind: 'efficientnet-lite2';
  /** Blocks whose outputs are the maps on the four strides, finest first; there are none after the last. */
  taps: readonly [number, number, number, number];
  /** Transformer on the coarsest map, as wide as the embedding. */
  context: { blocks: number; heads: number; mlpDim: number };
}

/** Rule by which one of the other three masks takes the place of the one mask of unambiguous prompts. */
export interface StabilityRule {
  /** A logit within this of zero counts as undecided when a mask's stability is measured. */
  dynamicMultimaskStabilityDelta: number;
  /** Least stability of the single mask; below it the best of the other three is taken. */
  dynamicMultimaskStabilityThresh: number;
}

/** Numbers that only SAM 2's mask decoder has. */
export interface Sam2Config {
  /** A token and a head for "is there an object at all". */
  predObjScores: boolean;
  /** Without one, token 0 is the one mask. */
  stability?: StabilityRule | undefined;
  /** Convolutional blocks over embedding and mask prompt, before the transformer. */
  fuser?: { blocks: number; dim: number } | undefined;
}

export interface SamConfig {
  /** Side of the square input in pixels. */
  imageSize: number;
  encoder: VitConfig | TinyVitConfig | HieraConfig | EfficientNetConfig;
  /** Present for SAM 2: high-resolution maps, an IoU head with sigmoid, and these. */
  sam2?: Sam2Config | undefined;
  /** Width of the image embedding and of every prompt vector. */
  outChans: number;
  maskInChans: number;
  decoderDepth: number;
  decoderMlpDim: number;
  decoderHeads: number;
  numMultimaskOutputs: number;
  iouHeadDepth: number;
  iouHeadHiddenDim: number;
}

export interface ResnetConfig {
  kind: 'resnet';
  /** Side of the square input in pixels. */
  imageSize: number;
  layers: readonly [number, number, number, number];
  planes: readonly [number, number, number, number];
  /** Three 3x3 convolutions instead of one 7x7. */
  deepStem: boolean;
  /** Channels of the first two convolutions of a deep stem. */
  stemMid: number;
  /** Replace the stride of stages 2, 3 and 4 by dilation. */
  dilate: readonly [boolean, boolean, boolean];
}

export interface VggConfig {
  kind: 'vgg';
  imageSize: number;
  /** Channels of the five stages. */
  widths: readonly [number, number, number, number, number];
  /** 3x3 convolutions in each stage. */
  convs: readonly [number, number, number, number, number];
  /** Batch norm after every convolution. */
  batchNorm: boolean;
}

/** SAM's own image encoder as the backbone: no second network. */
export type SamBackboneConfig = SamBlocksConfig | SamTapsConfig;

/** Blocks of SAM's image encoder as the mid-level map, its embedding as the high-level map. */
export interface SamBlocksConfig {
  kind: 'sam';
  /**
   * Blocks whose outputs are the mid-level maps; the high-level map is the image embedding. Counted from 0 among the blocks on the
   * embedding's grid: all of a ViT's; of a TinyViT those of stages 3 and 4, in one row (MobileSAM: 0-5 with 160 channels, 6-7 with
   * 320); of a Hiera those of stage 3 (SAM 2.1 tiny: 0-6 with 384 channels).
   */
  midBlocks: readonly number[];
}

/** Maps of an `efficientnet-lite2` as they come out of its blocks, on the embedding's grid; similarity knows marked cells alone. */
export interface SamTapsConfig {
  kind: 'sam';
  /** Numbers of `taps`, counted from 0, whose maps make the mid-level map, in this order. */
  midTaps: readonly number[];
  /** The same for the high-level map. */
  highTaps: readonly number[];
}

export type BackboneConfig = ResnetConfig | VggConfig | DinoConfig | SamBackboneConfig;

export interface PromptEncoderConfig {
  /** Channels of the concatenated mid-level maps. */
  midChannels: number;
  /** Width of a prompt vector; equals SAM's outChans. */
  dim: number;
  /** Prompt vectors per reference. */
  numPrompts: number;
  numHeads: number;
  /** Share of channels dropped in training after the reduction. */
  dropout2d: number;
  /** Factor on both masks before the fusing convolution (in the public code, not in the papers). */
  maskGain: number;
  /** Min-max scaling of the pseudo mask to [0, 1], as the paper words it; the public code has none. */
  pseudoNorm: 'none' | 'minmax';
  /** Two heads (mean and log sigma); false = VRP-SAM, whose queries are the prompts. */
  probabilistic: boolean;
  /**
   * Only where `probabilistic` is false: the two heads' weights as two linear layers in a row, which gives VRP-SAM as many
   * parameters as ProSAM (paper, table 7). @default false
   */
  stackedHeads?: boolean | undefined;
  /** 'coarse': a mask prompt goes with the prompts, read off the target's enhanced features. @default 'none', as in the paper */
  dense?: 'none' | 'coarse' | undefined;
}

/** Side of SAM's embedding grid in cells. */
export function gridSize({ imageSize, encoder }: SamConfig): number {
  return imageSize / (encoder.kind === 'vit' ? encoder.patchSize : GRID_STRIDE);
}

/** Blocks of SAM's image encoder on the embedding's grid: what `midBlocks` counts. */
export function gridBlocks({ encoder }: SamConfig): number {
  switch (encoder.kind) {
    case 'vit':
      return encoder.depth;
    case 'tiny_vit':
      return encoder.depths[2] + encoder.depths[3];
    case 'hiera':
      return encoder.stages[2];
    case 'efficientnet-lite2':
      return 0; // its maps are `taps`
  }
}

/** Pixels along one cell of the embedding of an encoder with stages. */
export const GRID_STRIDE = 16;

const decoder = {
  outChans: 256,
  maskInChans: 16,
  decoderDepth: 2,
  decoderMlpDim: 2048,
  decoderHeads: 8,
  numMultimaskOutputs: 3,
  iouHeadDepth: 3,
  iouHeadHiddenDim: 256,
};
const samVit = (embedDim: number, depth: number, numHeads: number, globalAttnIndexes: readonly number[]): SamConfig => ({
  imageSize: 1024,
  encoder: { kind: 'vit', patchSize: 16, embedDim, depth, numHeads, globalAttnIndexes, windowSize: 14, mlpRatio: 4 },
  ...decoder,
});

export const SAM_VIT_B = samVit(768, 12, 12, [2, 5, 8, 11]);
export const SAM_VIT_L = samVit(1024, 24, 16, [5, 11, 17, 23]);
export const SAM_VIT_H = samVit(1280, 32, 16, [7, 15, 23, 31]);

/** TinyViT-5M whose last merging keeps the grid, under SAM's own decoder. */
export const MOBILE_SAM: SamConfig = {
  imageSize: 1024,
  encoder: {
    kind: 'tiny_vit',
    embedDims: [64, 128, 160, 320],
    depths: [2, 2, 6, 2],
    numHeads: [2, 4, 5, 10],
    windowSizes: [7, 7, 14, 7],
    mlpRatio: 4,
    mbconvExpandRatio: 4,
    localConvSize: 3,
  },
  ...decoder,
};

const sam2Hiera = (
  embedDim: number,
  numHeads: number,
  stages: HieraConfig['stages'],
  globalAttBlocks: readonly number[],
  more: Partial<HieraConfig> = {},
): SamConfig => ({
  imageSize: 1024,
  encoder: {
    kind: 'hiera',
    embedDim,
    numHeads,
    stages,
    globalAttBlocks,
    windowSpec: [8, 4, 14, 7],
    windowPosEmbedBkgSpatialSize: [7, 7],
    mlpRatio: 4,
    ...more,
  },
  sam2: { predObjScores: true, stability: { dynamicMultimaskStabilityDelta: 0.05, dynamicMultimaskStabilityThresh: 0.98 } },
  ...decoder,
});

/** SAM 2 and 2.1 as published: only weights differ between the two. */
export const SAM2_HIERA_TINY = sam2Hiera(96, 1, [1, 2, 7, 2], [5, 7, 9]);
export const SAM2_HIERA_SMALL = sam2Hiera(96, 1, [1, 2, 11, 2], [7, 10, 13]);
export const SAM2_HIERA_BASE_PLUS = sam2Hiera(112, 2, [2, 3, 16, 3], [12, 16, 20], { windowPosEmbedBkgSpatialSize: [14, 14] });
export const SAM2_HIERA_LARGE = sam2Hiera(144, 2, [2, 6, 36, 4], [23, 33, 43], { windowSpec: [8, 4, 16, 8] });

/** ResNet-50 as VRP-SAM runs it: deep stem, output stride 8. */
export const RESNET50_DEEP: ResnetConfig = {
  kind: 'resnet',
  imageSize: 512,
  layers: [3, 4, 6, 3],
  planes: [64, 128, 256, 512],
  deepStem: true,
  stemMid: 64,
  dilate: [false, true, true],
};
/** ResNet-50 with torchvision's 7x7 stem. */
export const RESNET50_PLAIN: ResnetConfig = { ...RESNET50_DEEP, deepStem: false };

export const VGG16_BN: VggConfig = {
  kind: 'vgg',
  imageSize: 512,
  widths: [64, 128, 256, 512, 512],
  convs: [2, 2, 3, 3, 3],
  batchNorm: true,
};
export const VGG16: VggConfig = { ...VGG16_BN, batchNorm: false };

/** The paper's prompt encoder for ResNet-50 and DINOv2-B (1,723,648 parameters). */
export const PROMPT_ENCODER: PromptEncoderConfig = {
  midChannels: 1536,
  dim: 256,
  numPrompts: 50,
  numHeads: 4,
  dropout2d: 0.5,
  maskGain: 10,
  pseudoNorm: 'none',
  probabilistic: true,
};
