/** `Ops` whose values are half-precision numbers; what adds up many of them does so in single precision. */
import type { Ops } from '../networks/ops.ts';
import { onnxOps, type GraphBuilder, type GraphValue } from './onnx-ops.ts';

export function halfOps(graph: GraphBuilder): Ops<GraphValue> {
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
