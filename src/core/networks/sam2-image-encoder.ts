/**
 * SAM 2's image encoder (Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024), the part single images need: a trunk of four
 * strides, a feature pyramid of 1x1 convolutions, the embedding on the third stride and two finer maps for the mask decoder. Video
 * models add a memory to the embedding; without one it is one constant vector, `no_mem_embed`.
 */
import { gridBlocks, type HieraConfig, type SamConfig } from './config.ts';
import { hiera } from './hiera.ts';
import { addNearest, applied, fused, layerOf, nested, type HighResMaps, type Layer } from './neck-layers.ts';
import type { Ops, Weights } from './ops.ts';

export interface Sam2ImageFeatures<T> {
  /** Input of the first block. [B, S / 4, S / 4, E] */
  patches: T;
  /** Output of every block on the embedding's grid: the third stage's. [B, g, g, 4E] each */
  blocks: readonly T[];
  /** Output of every block, whatever its grid. */
  allBlocks: readonly T[];
  /** Outputs of the neck on strides 16 and 32, before the constant vector. [B, h, w, c] */
  levels: { fpn2: T; fpn3: T };
  /** [B, c, g, g] */
  embedding: T;
  highRes: HighResMaps<T>;
}

/** image [B, 3, S, S], normalised. weights: at the root of the checkpoint. piece: values made at once. */
export function sam2ImageEncoder<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  encoder: HieraConfig,
  image: T,
  piece: number,
): Sam2ImageFeatures<T> {
  const { outChans: width } = config;
  const { patches, blocks, stages } = hiera(ops, weights.under('image_encoder.trunk.'), encoder, image, piece);
  const [stage1, stage2, stage3, stage4] = stages as readonly [T, T, T, T];
  // The neck's convolutions count from the coarsest stage.
  const neck = (level: number, from: number): Layer<T> =>
    layerOf(ops, weights.under(`image_encoder.neck.convs.${level}.conv.`), width, from);
  const channels = (map: T): number => ops.shapeOf(map)[3] as number;
  const lateral = (level: number, map: T): T => applied(ops, neck(level, channels(map)), map);

  const fpn3 = lateral(0, stage4); // [B, g / 2, g / 2, c]
  const fpn2 = addNearest(ops, lateral(1, stage3), fpn3); // [B, g, g, c]
  const placed = ops.add(fpn2, weights.get('no_mem_embed', [1, 1, width]));

  // Nothing else reads the two finest levels: neck and decoder's projection are one linear map.
  const decoder = weights.under('mask_decoder.');
  const projected = (name: string, level: number, map: T, out: number): T =>
    applied(ops, fused(ops, layerOf(ops, decoder.under(`${name}.`), out, width), neck(level, channels(map))), map);
  const first = encoder.stages[0] + encoder.stages[1];
  return {
    patches,
    blocks: blocks.slice(first, first + gridBlocks(config)),
    allBlocks: blocks,
    levels: { fpn2, fpn3 },
    embedding: ops.transpose(placed, [0, 3, 1, 2]),
    highRes: {
      highRes0: nested(ops, projected('conv_s0', 3, stage1, width / 8), 2),
      highRes1: nested(ops, projected('conv_s1', 2, stage2, width / 4), 1),
    },
  };
}
