/** `Ops` that emit an ONNX graph: every call appends a node and knows the shape it makes. */
import { fixed, type Conv2dOptions, type Dim, type MaxPoolOptions, type Ops, type Shape } from '../networks/ops.ts';
import { ELEMENT_TYPE, type ElementType, type OnnxAttribute, type OnnxInitializer, type OnnxNode, type OnnxValue } from './graph-file.ts';

/** A value of the graph under construction. */
export interface GraphValue {
  readonly name: string;
  readonly shape: Shape;
}

/** Grows while a network function runs; `onnxModelBytes` writes it out. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly inputs: OnnxValue[] = [];

  input(name: string, shape: Shape): GraphValue {
    this.inputs.push({ name, shape });
    return { name, shape };
  }

  initializer(
    type: ElementType,
    shape: readonly number[],
    data: OnnxInitializer['data'],
    name = `c${this.initializers.length}`,
  ): GraphValue {
    this.initializers.push({ name, type, shape, data });
    return { name, shape };
  }

  /** domain: operator set other than ONNX's own. */
  node(
    op: string,
    inputs: readonly GraphValue[],
    shape: Shape,
    attributes?: Record<string, OnnxAttribute>,
    domain?: OnnxNode['domain'],
  ): GraphValue {
    const output = `v${this.nodes.length}`;
    const names = inputs.map((value) => value.name);
    this.nodes.push({ op, inputs: names, output, ...(attributes && { attributes }), ...(domain !== undefined && { domain }) });
    return { name: output, shape };
  }

  cast(x: GraphValue, to: ElementType): GraphValue {
    return this.node('Cast', [x], x.shape, { to: ELEMENT_TYPE[to] });
  }

  /** A list of integers as ONNX wants shapes, axes and indices. */
  integers(values: readonly number[]): GraphValue {
    const data = new BigInt64Array(values.map((value) => BigInt(value)));
    return this.initializer('i64', [values.length], new Uint8Array(data.buffer));
  }
}

export function onnxOps(graph: GraphBuilder): Ops<GraphValue> {
  const unary = (op: string) => (x: GraphValue) => graph.node(op, [x], x.shape);
  const binary = (op: string) => (a: GraphValue, b: GraphValue) => graph.node(op, [a, b], broadcast(a.shape, b.shape));
  const reduction = (op: string) => (x: GraphValue, axes: readonly number[]) =>
    graph.node(
      op,
      [x, graph.integers(axes)],
      x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
      { keepdims: 1 },
    );

  const reshape = (x: GraphValue, shape: Shape): GraphValue => {
    if (sameShape(x.shape, shape)) return x;
    return graph.node('Reshape', [x, graph.integers(reshapeTarget(x.shape, shape))], shape);
  };
  const transpose = (x: GraphValue, permutation: readonly number[]): GraphValue =>
    graph.node(
      'Transpose',
      [x],
      permutation.map((from) => x.shape[from] as Dim),
      { perm: permutation },
    );
  const concat = (xs: readonly GraphValue[], axis: number): GraphValue => {
    const [first] = xs as [GraphValue];
    const along = sumDims(xs.map((x) => x.shape[axis] as Dim));
    return graph.node(
      'Concat',
      xs,
      first.shape.map((dim, i) => (i === axis ? along : dim)),
      { axis },
    );
  };
  const slice = (x: GraphValue, axis: number, start: number, end: number): GraphValue =>
    graph.node(
      'Slice',
      [x, graph.integers([start]), graph.integers([end]), graph.integers([axis])],
      x.shape.map((dim, i) => (i === axis ? end - start : dim)),
    );

  const matMul = (a: GraphValue, b: GraphValue, options?: { transposeB?: boolean }): GraphValue => {
    const swap = b.shape.map((_, i) => i);
    if (options?.transposeB) swap.push(...swap.splice(-2).reverse());
    const right = options?.transposeB ? transpose(b, swap) : b;
    const lead = broadcast(a.shape.slice(0, -2), right.shape.slice(0, -2));
    return graph.node('MatMul', [a, right], [...lead, a.shape.at(-2) as Dim, right.shape.at(-1) as Dim]);
  };

  /**
   * Gemm keeps PyTorch's weight layout but wants two axes, so leading ones are folded and unfolded around it. Where their
   * sizes are unknown, a product with the transposed weight (turned once, when the session is made) needs no unfolding.
   */
  const linear = (x: GraphValue, weight: GraphValue, bias?: GraphValue): GraphValue => {
    const [out, from] = weight.shape as [number, number];
    const shape = [...x.shape.slice(0, -1), out];
    if (shape.some((dim) => typeof dim === 'string')) {
      const product = matMul(x, weight, { transposeB: true });
      return bias ? graph.node('Add', [product, bias], shape) : product;
    }
    const rows = (shape as number[]).slice(0, -1).reduce((product, dim) => product * dim, 1);
    const folded = reshape(x, [rows, from]);
    return reshape(graph.node('Gemm', bias ? [folded, weight, bias] : [folded, weight], [rows, out], { transB: 1 }), shape);
  };

  const single: Ops<GraphValue>['constant'] = (values, shape) =>
    graph.initializer('f32', shape, new Uint8Array(Float32Array.from(values).buffer));

  return {
    shapeOf: (x) => x.shape,
    constant: single,
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    maximum: binary('Max'),
    exp: unary('Exp'),
    sin: unary('Sin'),
    cos: unary('Cos'),
    sqrt: unary('Sqrt'),
    relu: unary('Relu'),
    clip: (x, low, high) => graph.node('Clip', [x, ...[low, high].map((bound) => single([bound], []))], x.shape),
    gelu: unary('Gelu'),
    matMul,
    linear,
    softmax: (x) => graph.node('Softmax', [x], x.shape, { axis: -1 }),
    layerNorm: (x, weight, bias, epsilon) =>
      graph.node('LayerNormalization', [x, weight, bias], x.shape, { axis: -1, epsilon: { float: epsilon } }),
    reduceSum: reduction('ReduceSum'),
    reduceMax: reduction('ReduceMax'),
    reduceMin: reduction('ReduceMin'),
    reshape,
    transpose,
    concat,
    slice,
    padEnd: (x, axis, count) => padEnd(graph, x, axis, count),
    gatherRows: (x, indices) => graph.node('Gather', [x, graph.integers(indices)], [indices.length, ...x.shape.slice(1)], { axis: 0 }),
    repeatLike(x, like) {
      const count = like.shape[0] as Dim;
      if (count === 1) return x;
      // Adding a column of zeros of the right length: asking for a shape at run time would send GPUs back to the CPU.
      const column = like.shape.slice(1).reduce((part: GraphValue, _, i) => slice(part, i + 1, 0, 1), like);
      const zero = graph.node('Sub', [column, column], column.shape);
      return graph.node('Add', [x, zero], [count, ...x.shape.slice(1)]);
    },
    conv2d: (x, weight, bias, options) => conv2d(graph, ...inFours(graph, x, weight), bias, options),
    maxPool: (x, options) => maxPool(graph, x, options),
    batchNorm: (x, { weight, bias, mean, variance }, epsilon) =>
      graph.node('BatchNormalization', [x, weight, bias, mean, variance], x.shape, { epsilon: { float: epsilon } }),
    resizeAligned(x, height, width) {
      const shape = [x.shape[0] as Dim, x.shape[1] as Dim, height, width];
      const sizes = graph.integers(shape.map(fixed));
      const none = { name: '', shape: [] };
      return graph.node('Resize', [x, none, none, sizes], shape, { mode: 'linear', coordinate_transformation_mode: 'align_corners' });
    },
  };
}

function padEnd(graph: GraphBuilder, x: GraphValue, axis: number, count: number): GraphValue {
  const pads = new Array<number>(2 * x.shape.length).fill(0);
  pads[x.shape.length + axis] = count;
  const shape = x.shape.map((dim, i) => (i === axis ? fixed(dim) + count : dim));
  return graph.node('Pad', [x, graph.integers(pads)], shape, { mode: 'constant' });
}

/**
 * ONNX Runtime 1.30 on WebGPU convolves 6, 9, ... channels wrongly, as if they were pixels of three. Zeros beside them change
 * nothing; no published network has such a layer.
 */
function inFours(graph: GraphBuilder, x: GraphValue, weight: GraphValue): [x: GraphValue, weight: GraphValue] {
  const channels = fixed(x.shape[1]);
  const misread = channels > 3 && channels % 3 === 0 && channels % 4 !== 0 && weight.shape[1] === channels;
  if (!misread) return [x, weight];
  const missing = 4 - (channels % 4);
  return [padEnd(graph, x, 1, missing), padEnd(graph, weight, 1, missing)];
}

function conv2d(
  graph: GraphBuilder,
  x: GraphValue,
  weight: GraphValue,
  bias: GraphValue | undefined,
  options: Conv2dOptions = {},
): GraphValue {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const [out, , kernelH, kernelW] = weight.shape as [number, number, number, number];
  const side = (dim: Dim | undefined, kernel: number): number =>
    Math.floor((fixed(dim) + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const shape = [x.shape[0] as Dim, out, side(x.shape[2], kernelH), side(x.shape[3], kernelW)];
  return graph.node('Conv', bias ? [x, weight, bias] : [x, weight], shape, {
    kernel_shape: [kernelH, kernelW],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group: groups,
  });
}

function maxPool(graph: GraphBuilder, x: GraphValue, options: MaxPoolOptions): GraphValue {
  const { size, stride, padding = 0, ceilMode = false } = options;
  const round = ceilMode ? Math.ceil : Math.floor;
  const side = (dim: Dim | undefined): number => round((fixed(dim) + 2 * padding - size) / stride) + 1;
  const shape = [x.shape[0] as Dim, x.shape[1] as Dim, side(x.shape[2]), side(x.shape[3])];
  return graph.node('MaxPool', [x], shape, {
    kernel_shape: [size, size],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    ceil_mode: ceilMode ? 1 : 0,
  });
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

function sumDims(dims: readonly Dim[]): Dim {
  const known = dims.filter((dim) => typeof dim === 'number').reduce((sum, dim) => sum + dim, 0);
  const names = dims.filter((dim) => typeof dim === 'string');
  return names.length === 0 ? known : [...names, known].join('+');
}

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
  });
}

/** ONNX's Reshape target: 0 copies a named dimension that stays in place, -1 works out the one that does not. */
function reshapeTarget(from: Shape, to: Shape): number[] {
  let inferred = 0;
  const target = to.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    if (from[i] === dim) return 0;
    inferred++;
    return -1;
  });
  if (inferred > 1) throw new Error(`reshape of [${from.join(', ')}] to [${to.join(', ')}] has two unknown sizes`);
  return target;
}
