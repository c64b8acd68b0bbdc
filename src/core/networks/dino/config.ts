/** Numbers of DINO's ViTs as backbones: version 2, with registers or without, and version 3. */

interface DinoVitConfig {
  /** Side of the square input in pixels. */
  imageSize: number;
  patchSize: number;
  embedDim: number;
  depth: number;
  numHeads: number;
  mlpRatio: number;
  /** Tokens between the class token and the patches that no map shows. */
  numRegisterTokens: number;
  /** Blocks after which the second, third and fourth map are taken. */
  stageEnds: readonly [number, number, number];
}

export interface Dinov2Config extends DinoVitConfig {
  kind: 'dinov2';
}

export interface Dinov3Config extends DinoVitConfig {
  kind: 'dinov3';
  /** Base of the rotary frequencies: a head of width d turns by 2 pi * coordinate / ropeTheta ^ (4 j / d), j < d / 4. */
  ropeTheta: number;
}

export type DinoConfig = Dinov2Config | Dinov3Config;

export const DINOV2_VIT_B14: Dinov2Config = {
  kind: 'dinov2',
  imageSize: 518,
  patchSize: 14,
  embedDim: 768,
  depth: 12,
  numHeads: 12,
  mlpRatio: 4,
  numRegisterTokens: 0,
  stageEnds: [6, 10, 12],
};
/** Small DINOv2, as deep as ViT-B, so its stages end where ViT-B's do. */
export const DINOV2_VIT_S14: Dinov2Config = { ...DINOV2_VIT_B14, embedDim: 384, numHeads: 6 };
/** Stage ends as the paper's authors gave them. */
export const DINOV2_VIT_L14: Dinov2Config = { ...DINOV2_VIT_B14, embedDim: 1024, depth: 24, numHeads: 16, stageEnds: [12, 21, 24] };
/** Small DINOv2 with the registers of "Vision Transformers Need Registers" (Darcet et al., 2023). */
export const DINOV2_VIT_S14_REG: Dinov2Config = { ...DINOV2_VIT_S14, numRegisterTokens: 4 };

/** Base of the rotary frequencies in every published DINOv3. */
export const DINOV3_ROPE_THETA = 100;

/** Small DINOv3 (Siméoni et al., 2025) at ResNet's input size, with the stage ends of DINOv2, which is as deep. */
export const DINOV3_VIT_S16: Dinov3Config = {
  ...DINOV2_VIT_S14_REG,
  kind: 'dinov3',
  imageSize: 512,
  patchSize: 16,
  ropeTheta: DINOV3_ROPE_THETA,
};
