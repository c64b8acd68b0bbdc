/**
 * The tensor operations every network of this project is written in. A network is a function of `Ops<T>`:
 * one implementation emits an ONNX graph (T = graph node), another can execute eagerly (T = tensor).
 */

/** A dimension: its size, or a name where the size is only known at run time (batch of prompt sets, number of prompts). */
export type Dim = number | string;
export type Shape = readonly Dim[];

export interface Conv2dOptions {
  /** @default 1 */
  stride?: number;
  /** Zeros on all four sides. @default 0 */
  padding?: number;
  /** @default 1 */
  dilation?: number;
  /** 1, or the number of input channels: then every channel has kernels of its own (depthwise). @default 1 */
  groups?: number;
}

export interface MaxPoolOptions {
  size: number;
  stride: number;
  /** @default 0 */
  padding?: number;
  /** A last window that sticks out still counts. @default false */
  ceilMode?: boolean;
}

export interface Ops<T> {
  shapeOf(x: T): Shape;
  constant(values: ArrayLike<number>, shape: readonly number[]): T;

  /** Elementwise with broadcasting. */
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  maximum(a: T, b: T): T;

  exp(x: T): T;
  sin(x: T): T;
  cos(x: T): T;
  sqrt(x: T): T;
  relu(x: T): T;
  /** Values limited to low..high; the gradient beyond is zero. */
  clip(x: T, low: number, high: number): T;
  /** Exact (erf) GELU; the tanh form misses the reference numbers. */
  gelu(x: T): T;

  /** [..., n, k] x [..., k, m] (or [..., m, k] with transposeB) -> [..., n, m], leading dimensions broadcast. */
  matMul(a: T, b: T, options?: { transposeB?: boolean }): T;
  /** x [..., in], weight [out, in] as PyTorch stores it, bias [out] -> [..., out]. */
  linear(x: T, weight: T, bias?: T): T;
  /** Over the last axis. */
  softmax(x: T): T;
  /** Over the last axis. */
  layerNorm(x: T, weight: T, bias: T, epsilon: number): T;

  /** Multi-head attention in one piece, where a runtime does better than with `attend`'s own steps. Shapes as there. */
  attend?(q: T, k: T, v: T, heads: number): T;

  reduceSum(x: T, axes: readonly number[]): T;
  reduceMax(x: T, axes: readonly number[]): T;
  reduceMin(x: T, axes: readonly number[]): T;

  /** At most one new name may appear in `shape`; its size is worked out from the rest. */
  reshape(x: T, shape: Shape): T;
  transpose(x: T, permutation: readonly number[]): T;
  concat(xs: readonly T[], axis: number): T;
  slice(x: T, axis: number, start: number, end: number): T;
  /** Zeros behind the end of an axis. */
  padEnd(x: T, axis: number, count: number): T;
  /** Rows of x [n, ...] in the order of `indices`. */
  gatherRows(x: T, indices: readonly number[]): T;
  /** x [1, ...] repeated along axis 0 as often as `like` is long there. */
  repeatLike(x: T, like: T): T;

  /** x [B, in, h, w], weight [out, in / groups, kh, kw]. */
  conv2d(x: T, weight: T, bias?: T, options?: Conv2dOptions): T;
  maxPool(x: T, options: MaxPoolOptions): T;
  /** Running statistics; x [B, C, h, w]. */
  batchNorm(x: T, parts: { weight: T; bias: T; mean: T; variance: T }, epsilon: number): T;
  /** Bilinear with aligned corners: source coordinate = dst * (in - 1) / (out - 1); x [B, C, h, w]. */
  resizeAligned(x: T, height: number, width: number): T;
}

/** Named weights of one network. Asking for a name states the shape the network needs. */
export interface Weights<T> {
  get(name: string, shape: readonly number[]): T;
  /** The same weights with `prefix` put before every name. */
  under(prefix: string): Weights<T>;
}

/** Weights from a plain lookup. */
export function weightsFrom<T>(lookup: (name: string, shape: readonly number[]) => T): Weights<T> {
  const at = (prefix: string): Weights<T> => ({
    get: (name, shape) => lookup(prefix + name, shape),
    under: (more) => at(prefix + more),
  });
  return at('');
}

/** A dimension that must be known while the network is built. */
export function fixed(dim: Dim | undefined): number {
  if (typeof dim !== 'number') throw new Error(`a fixed dimension is needed here, not ${String(dim)}`);
  return dim;
}
