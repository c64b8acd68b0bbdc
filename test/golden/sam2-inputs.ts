/** Inputs and weights of SAM 2's golden cases, as the networks take them. */
import { samTensors } from '../../src/core/checkpoint/names/sam.ts';
import { samConfigSchema } from '../../src/core/checkpoint/config-schema.ts';
import { type HieraConfig, type Sam2Config, type SamConfig } from '../../src/core/networks/config.ts';
import type { Ops, Weights } from '../../src/core/networks/ops.ts';
import { samMaskDecoder, type MaskChoice } from '../../src/core/networks/sam-mask-decoder.ts';
import { POINT_KINDS } from '../../src/core/networks/sam-prompt-encoder.ts';
import { nested } from '../../src/core/networks/neck-layers.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { execute, type Build } from './execute.ts';
import type { GoldenCase } from './golden-set.ts';

export type Values = Record<string, ArrayLike<number>>;
export type Named<T> = Record<string, T>;

export function weightsName(golden: GoldenCase): string {
  return golden.entry.weights[0] as string;
}

export function configOf(golden: GoldenCase): SamConfig & { encoder: HieraConfig; sam2: Sam2Config } {
  const config = samConfigSchema.parse(golden.set.manifest.weights[weightsName(golden)]?.config);
  return config as SamConfig & { encoder: HieraConfig; sam2: Sam2Config };
}

export const run = (golden: GoldenCase, inputs: Named<Tensor>, build: Build): Promise<Named<Tensor>> =>
  execute(golden.set, weightsName(golden), inputs, build, samTensors);

/** The inputs of a decoder: SAM's view of the images with the finer maps in rows and columns, as the cases have them. */
export function features(golden: GoldenCase): Named<Tensor> {
  return {
    embedding: golden.floats('image_embeddings'),
    high_res_0: golden.floats('high_res_0'),
    high_res_1: golden.floats('high_res_1'),
  };
}

/** The finer maps in the decoder's own order. [B, C, h, w] -> [B, h * w, C] */
export function highResOf<T>(ops: Ops<T>, { high_res_0: fine, high_res_1: coarse }: Readonly<Named<T>>) {
  const inOrder = (map: T, depth: 1 | 2): T => nested(ops, ops.transpose(map, [0, 2, 3, 1]), depth);
  return { highRes0: inOrder(fine as T, 2), highRes1: inOrder(coarse as T, 1) };
}

/** Back from the decoder's order. [B, h * w, C] -> [B, C, h, w] */
export function inRowsAndColumns<T>(ops: Ops<T>, x: T, grid: number, depth: 1 | 2): T {
  const [batch, , channels] = ops.shapeOf(x) as [number, number, number];
  const side = grid * 2 ** depth;
  if (depth === 1) {
    const parts = ops.reshape(x, [batch, grid, grid, 2, 2, channels]);
    return ops.reshape(ops.transpose(parts, [0, 5, 1, 3, 2, 4]), [batch, channels, side, side]);
  }
  const parts = ops.reshape(x, [batch, grid, grid, 2, 2, 2, 2, channels]);
  return ops.reshape(ops.transpose(parts, [0, 7, 1, 3, 5, 2, 4, 6]), [batch, channels, side, side]);
}

export function decode<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  inputs: Readonly<Named<T>>,
  prompts: T,
  choice: MaskChoice,
  dense?: T,
) {
  const embedding = inputs['embedding'] as T;
  return samMaskDecoder(ops, weights, config, { embedding, highRes: highResOf(ops, inputs), prompts, ...(dense && { dense }) }, choice);
}

export interface PointRows {
  xy: Tensor;
  kinds: Tensor;
}

/** Corners first or last, clicks, and a padding point at the end or none. */
export function pointRows(golden: GoldenCase, order: readonly ('points' | 'boxes' | 'padding')[]): PointRows {
  const [batch, perSet] = golden.floats('points').shape as [number, number];
  const [points, labels, boxes] = [golden.floats('points').data, golden.floats('labels').data, golden.floats('boxes').data];
  const xy: number[] = [];
  const kinds: number[] = [];
  const push = (x: number, y: number, kind: (typeof POINT_KINDS)[number]): void => {
    xy.push(x, y);
    kinds.push(...POINT_KINDS.map((name) => (name === kind ? 1 : 0)));
  };
  for (let b = 0; b < batch; b++) {
    for (const part of order) {
      if (part === 'padding') push(0, 0, 'padding');
      if (part === 'boxes') {
        push(boxes[4 * b] as number, boxes[4 * b + 1] as number, 'boxTopLeft');
        push(boxes[4 * b + 2] as number, boxes[4 * b + 3] as number, 'boxBottomRight');
      }
      for (let i = b * perSet; part === 'points' && i < (b + 1) * perSet; i++) {
        const kind = { '-1': 'padding', 0: 'negative', 1: 'positive' }[labels[i] as -1 | 0 | 1] as 'padding';
        push(points[2 * i] as number, points[2 * i + 1] as number, kind);
      }
    }
  }
  const count = xy.length / 2 / batch;
  return {
    xy: { data: Float32Array.from(xy), shape: [batch, count, 2] },
    kinds: { data: Float32Array.from(kinds), shape: [batch, count, POINT_KINDS.length] },
  };
}
