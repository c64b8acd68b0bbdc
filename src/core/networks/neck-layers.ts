/** Pieces of the neck between SAM 2's trunk of four strides and its mask decoder. */
import type { Ops, Weights } from './ops.ts';

/**
 * Maps that the mask decoder adds while it upscales, pixels in the order the decoder makes them: cell, quarter of the cell, quarter of
 * the quarter.
 */
export interface HighResMaps<T> {
  /** Stride 4. [B, 16 g * g, c / 8] */
  highRes0: T;
  /** Stride 8. [B, 4 g * g, c / 4] */
  highRes1: T;
}

/** A 1x1 convolution as a linear layer. */
export interface Layer<T> {
  /** [out, in] */
  weight: T;
  /** [out] */
  bias: T;
}

export function layerOf<T>(ops: Ops<T>, weights: Weights<T>, out: number, from: number): Layer<T> {
  return { weight: ops.reshape(weights.get('weight', [out, from, 1, 1]), [out, from]), bias: weights.get('bias', [out]) };
}

export function applied<T>(ops: Ops<T>, { weight, bias }: Layer<T>, map: T): T {
  return ops.linear(map, weight, bias);
}

/** Two layers in a row as one: W = W2 W1, b = W2 b1 + b2. */
export function fused<T>(ops: Ops<T>, second: Layer<T>, first: Layer<T>): Layer<T> {
  const [out, between] = ops.shapeOf(second.weight) as [number, number];
  const carried = ops.reshape(ops.matMul(second.weight, ops.reshape(first.bias, [between, 1])), [out]);
  return { weight: ops.matMul(second.weight, first.weight), bias: ops.add(carried, second.bias) };
}

/** Adds a map of half the side, every cell of it to its four. fine [B, h, w, c], coarse [B, h / 2, w / 2, c] */
export function addNearest<T>(ops: Ops<T>, fine: T, coarse: T): T {
  const [batch, height, width, channels] = ops.shapeOf(coarse) as [number, number, number, number];
  const split = ops.reshape(fine, [batch * height, 2, width, 2, channels]);
  const spread = ops.reshape(coarse, [batch * height, 1, width, 1, channels]);
  return ops.reshape(ops.add(split, spread), [batch, 2 * height, 2 * width, channels]);
}

/** Rows of pixels in the decoder's order. depth: times each cell is quartered. [B, h, w, C] -> [B, h * w, C] */
export function nested<T>(ops: Ops<T>, map: T, depth: 1 | 2): T {
  const [batch, height, width, channels] = ops.shapeOf(map) as [number, number, number, number];
  const quarters = Array.from({ length: depth }, () => 2);
  const cells = [height, width].map((side) => side / 2 ** depth);
  const split = ops.reshape(map, [batch, cells[0] as number, ...quarters, cells[1] as number, ...quarters, channels]);
  // Cell row and column first, then row and column inside it, level by level.
  const axes = quarters.reduce((order, _, i) => [...order, 2 + i, 3 + depth + i], [0, 1, 2 + depth]);
  return ops.reshape(ops.transpose(split, [...axes, 3 + 2 * depth]), [batch, height * width, channels]);
}
