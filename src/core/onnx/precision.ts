/**
 * Number formats of the frozen image networks. The mask decoder, the prompt encoder and the comparison of features always compute in
 * single precision: they are small, and masks depend on their exact values.
 */
import type { Ops } from '../networks/ops.ts';
import { onnxOps, type GraphBuilder, type GraphValue } from './onnx-ops.ts';
import { quantizedOps } from './quantized-ops.ts';

export const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
/**
 * - 'fp32': single precision
 * - 'fp16': half precision, sums and norms in single: for GPUs. On a CPU it is correct and not faster
 * - 'int8': linear layers in whole numbers of 8 bits, scaled per output channel and, for what comes in, per call: for CPUs
 */
export type Precision = (typeof PRECISIONS)[number];

/** Operations of one precision, and the way into and out of it. */
export interface PreciseOps {
  ops: Ops<GraphValue>;
  /** Element type that values have between the operations. */
  type: 'f32' | 'f16';
}

export function preciseOps(graph: GraphBuilder, precision: Precision): PreciseOps {
  switch (precision) {
    case 'fp32':
      return { ops: onnxOps(graph), type: 'f32' };
    case 'int8':
      return { ops: quantizedOps(graph), type: 'f32' };
    case 'fp16':
      return { ops: halfOps(graph), type: 'f16' };
  }
}

/** `Ops` whose values are half-precision numbers; sums of many of them are in single precision. */
function halfOps(graph: GraphBuilder): Ops<GraphValue> {
  const ops = onnxOps(graph);
  const half = (x: GraphValue): GraphValue => graph.cast(x, 'f16');
  const single = (x: GraphValue): GraphValue => graph.cast(x, 'f32');
  return {
    ...ops,
    constant: (values, shape) => half(ops.constant(values, shape)),
    clip: (x, low, high) => graph.node('Clip', [x, ...[low, high].map((bound) => half(ops.constant([bound], [])))], x.shape),
    softmax: (x) => half(ops.softmax(single(x))),
    layerNorm: (x, weight, bias, epsilon) => half(ops.layerNorm(single(x), single(weight), single(bias), epsilon)),
    reduceSum: (x, axes) => half(ops.reduceSum(single(x), axes)),
    reduceMax: (x, axes) => half(ops.reduceMax(single(x), axes)),
    reduceMin: (x, axes) => half(ops.reduceMin(single(x), axes)),
  };
}
