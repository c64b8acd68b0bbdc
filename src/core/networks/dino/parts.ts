/** Pieces in which DINO's ViTs differ, and the patches they share. */
import type { DinoConfig } from './config.ts';
import type { Ops, Weights } from '../ops.ts';

/** One of DINO's ViTs, without its frame of norms, layer scales and MLPs. N = 1 + registers + h * w tokens, the class token first. */
export interface DinoParts<T> {
  /** Epsilon of every norm. */
  epsilon: number;
  /** image [B, 3, S, S] -> tokens before the first block [B, N, D] */
  embed: (image: T) => T;
  /** weights: of the block; x [B, N, D], normalised -> [B, N, D] */
  attention: (weights: Weights<T>, x: T) => T;
}

/** Side of the grid of patches. */
export function gridSide({ imageSize, patchSize }: DinoConfig): number {
  return imageSize / patchSize;
}

/** Class and register tokens, which have no place in the image. */
export function prefixTokens({ numRegisterTokens }: DinoConfig): number {
  return 1 + numRegisterTokens;
}

/** image [B, 3, S, S] -> [B, h * w, D], row by row */
export function patchTokens<T>(ops: Ops<T>, weights: Weights<T>, config: DinoConfig, image: T): T {
  const { embedDim: width, patchSize } = config;
  const batch = ops.shapeOf(image)[0] as number;
  const map = ops.conv2d(
    image,
    weights.get('patch_embed.proj.weight', [width, 3, patchSize, patchSize]),
    weights.get('patch_embed.proj.bias', [width]),
    { stride: patchSize },
  ); // [B, D, h, w]
  return ops.transpose(ops.reshape(map, [batch, width, gridSide(config) ** 2]), [0, 2, 1]);
}
