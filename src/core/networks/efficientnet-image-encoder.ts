/**
 * EfficientNet-Lite2 in the place of SAM 2's image encoder: every map normed over its channels, a transformer that gives the coarsest one
 * the whole image, then the neck of 1x1 convolutions, whose two finer maps are for the mask decoder.
 */
import { mergeHeads, attendInPieces, splitHeads } from './attention.ts';
import type { EfficientNetConfig, SamConfig } from './config.ts';
import { efficientNet } from './efficientnet.ts';
import { addNearest, applied, fused, layerOf, nested, type HighResMaps, type Layer } from './neck-layers.ts';
import type { Ops, Weights } from './ops.ts';

const EPSILON = 1e-6;

export interface EfficientNetImageFeatures<T> {
  /** The trunk's maps as they are, finest first. [B, C, h, w] each */
  taps: readonly [T, T, T, T];
  /** [B, c, g, g] */
  embedding: T;
  highRes: HighResMaps<T>;
}

/** image [B, 3, S, S], normalised. weights: at the root of the checkpoint. piece: values made at once. */
export function efficientNetImageEncoder<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  encoder: EfficientNetConfig,
  image: T,
  piece: number,
): EfficientNetImageFeatures<T> {
  const { outChans: width } = config;
  const taps = efficientNet(ops, weights.under('image_encoder.trunk.'), encoder, image);
  const neck = weights.under('image_encoder.neck.');
  const maps = taps.map((tap, i) => {
    const cells = ops.transpose(tap, [0, 2, 3, 1]);
    return norm(ops, neck.under(`norms.${i}.`), cells);
  }) as [T, T, T, T]; // [B, h, w, C]
  const channels = (map: T): number => ops.shapeOf(map)[3] as number;
  // The neck's convolutions count from the coarsest map.
  const lateral = (level: number, map: T): Layer<T> => layerOf(ops, neck.under(`convs.${level}.conv.`), width, channels(map));

  const seen = context(ops, weights.under('image_encoder.context.'), encoder, width, maps[3], piece); // [B, g / 2, g / 2, c]
  const placed = addNearest(ops, applied(ops, lateral(1, maps[2]), maps[2]), applied(ops, lateral(0, seen), seen)); // [B, g, g, c]

  const decoder = weights.under('mask_decoder.');
  const projected = (name: string, level: number, map: T, out: number): T =>
    applied(ops, fused(ops, layerOf(ops, decoder.under(`${name}.`), out, width), lateral(level, map)), map);
  return {
    taps,
    embedding: ops.transpose(placed, [0, 3, 1, 2]),
    highRes: {
      highRes0: nested(ops, projected('conv_s0', 3, maps[0], width / 8), 2),
      highRes1: nested(ops, projected('conv_s1', 2, maps[1], width / 4), 1),
    },
  };
}

/** Pre-norm transformer over all cells of the coarsest map. [B, h, w, C] -> [B, h, w, c] */
function context<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  { context: { blocks, heads, mlpDim } }: EfficientNetConfig,
  width: number,
  map: T,
  piece: number,
): T {
  const [batch, height, columns, channels] = ops.shapeOf(map) as [number, number, number, number];
  const tokens = height * columns;
  const projected = applied(ops, layerOf(ops, weights.under('proj.'), width, channels), map);
  let x = ops.add(ops.reshape(projected, [batch, tokens, width]), weights.get('pos_embed', [1, tokens, width])); // [B, n, c]
  for (let i = 0; i < blocks; i++) {
    const at = weights.under(`blocks.${i}.`);
    const linear = (name: string, y: T, from: number, to: number): T =>
      ops.linear(y, at.get(`${name}.weight`, [to, from]), at.get(`${name}.bias`, [to]));
    const packed = linear('qkv', norm(ops, at.under('norm1.'), x), width, 3 * width); // [B, n, 3c]
    const part = (n: number): T => splitHeads(ops, ops.slice(packed, 2, n * width, (n + 1) * width), heads);
    const attended = mergeHeads(ops, attendInPieces(ops, part(0), part(1), part(2), piece));
    x = ops.add(x, linear('proj', attended, width, width));
    const inner = ops.gelu(linear('fc1', norm(ops, at.under('norm2.'), x), width, mlpDim));
    x = ops.add(x, linear('fc2', inner, mlpDim, width));
  }
  return ops.reshape(norm(ops, weights.under('norm.'), x), [batch, height, columns, width]);
}

/** Layer norm over the last axis. */
function norm<T>(ops: Ops<T>, weights: Weights<T>, x: T): T {
  const channels = ops.shapeOf(x).at(-1) as number;
  return ops.layerNorm(x, weights.get('weight', [channels]), weights.get('bias', [channels]), EPSILON);
}
