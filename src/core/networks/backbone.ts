/** The common face of the frozen backbones: a trunk up to the third map, and the last stage apart, because a reference is masked before it. */
import type { ResnetConfig, VggConfig } from './config.ts';
import { dinoFinal, dinoTrunk } from './dino/dino.ts';
import type { DinoConfig } from './dino/config.ts';
import { fixed, type Ops, type Weights } from './ops.ts';
import { resnetFinal, resnetTrunk } from './resnet.ts';
import { vggFinal, vggTrunk } from './vgg.ts';

/** A backbone that is a network of its own. */
export type OwnBackboneConfig = ResnetConfig | VggConfig | DinoConfig;

export interface BackboneTrunk<T> {
  /** [B, C2, h2, w2] */
  f2: T;
  /** [B, C3, h, w] */
  f3: T;
  /** f2 at f3's size, then f3. [B, C2 + C3, h, w] */
  mid: T;
  /** Input of the last stage: f3, or a DINO's tokens. */
  state: T;
}

/** Frozen image encoder of figure 5 (paper). image [B, 3, S, S], normalised. */
export function backboneTrunk<T>(ops: Ops<T>, weights: Weights<T>, config: OwnBackboneConfig, image: T): BackboneTrunk<T> {
  const { f2, f3, tokens } = trunkOf(ops, weights, config, image);
  const [, , height, width] = ops.shapeOf(f3);
  const [, , height2, width2] = ops.shapeOf(f2);
  const same = height === height2 && width === width2;
  const resized = same ? f2 : ops.resizeAligned(f2, fixed(height), fixed(width));
  return { f2, f3, mid: ops.concat([resized, f3], 1), state: tokens ?? f3 };
}

/** High-level map. `mask` [B, 1, h, w] on f3's grid hides everything but the object from the last stage. -> [B, C4, h, w] */
export function backboneFinal<T>(ops: Ops<T>, weights: Weights<T>, config: OwnBackboneConfig, state: T, mask?: T): T {
  if (endsInTokens(config)) return dinoFinal(ops, weights, config, state, mask);
  const masked = mask === undefined ? state : ops.mul(state, mask);
  return config.kind === 'resnet' ? resnetFinal(ops, weights, config, masked) : vggFinal(ops, weights, config, masked);
}

/** Backbones whose last stage goes on from tokens that no map shows in full. */
export function endsInTokens(config: OwnBackboneConfig): config is DinoConfig {
  return config.kind === 'dinov2' || config.kind === 'dinov3';
}

function trunkOf<T>(ops: Ops<T>, weights: Weights<T>, config: OwnBackboneConfig, image: T): { f2: T; f3: T; tokens?: T } {
  switch (config.kind) {
    case 'resnet':
      return resnetTrunk(ops, weights, config, image);
    case 'vgg':
      return vggTrunk(ops, weights, config, image);
    case 'dinov2':
    case 'dinov3':
      return dinoTrunk(ops, weights, config, image);
  }
}
