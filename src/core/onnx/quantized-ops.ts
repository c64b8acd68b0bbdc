/**
 * `Ops` whose linear layers multiply whole numbers of 8 bits. Weights are brought to -63..63 inside the graph, by nodes that
 * depend on nothing else: ONNX Runtime computes them once, when the session is made, so that no other file is needed. What
 * comes into a layer is scaled when it is known.
 *
 * CPUs without VNNI instructions add two products in 16 bits, which 255 * 127 + 255 * 127 exceeds, silently; with weights of 7 bits every
 * CPU gives the same sums.
 */
import type { Ops } from '../networks/ops.ts';
import { onnxOps, type GraphBuilder, type GraphValue } from './onnx-ops.ts';

/** Smaller layers gain nothing. */
const MIN_WEIGHTS = 4096;
/** Largest weight whose products, two by two, fit 16 bits: 2 * 255 * 63 < 2^15. */
const LARGEST = 63;
/** Far below any weight, and not zero in single precision after the division. */
const MIN_MAGNITUDE = 1e-30;

/** For weights that are part of the model. */
export function quantizedOps(graph: GraphBuilder): Ops<GraphValue> {
  const ops = onnxOps(graph);
  const known = new Map<string, ReturnType<typeof quantized>>();
  return {
    ...ops,
    linear(x, weight, bias) {
      const [out, from] = weight.shape as [number, number];
      if (out * from < MIN_WEIGHTS) return ops.linear(x, weight, bias);
      // A layer that works piece by piece asks for the same weight again.
      const { whole, scale } = known.get(weight.name) ?? quantized(graph, ops, weight);
      known.set(weight.name, { whole, scale });
      const inputs = [x, whole, scale, NOTHING, ...(bias ? [bias] : [])];
      return graph.node('DynamicQuantizeMatMul', inputs, [...x.shape.slice(0, -1), out], undefined, 'com.microsoft');
    },
  };
}

/** An input that is left out. */
const NOTHING: GraphValue = { name: '', shape: [] };

/** weight [out, in] -> whole numbers [in, out] and a scale for each output [out], so that weight = whole * scale */
function quantized(graph: GraphBuilder, ops: Ops<GraphValue>, weight: GraphValue): { whole: GraphValue; scale: GraphValue } {
  const [out, from] = weight.shape as [number, number];
  const magnitude = graph.node('Abs', [weight], weight.shape);
  const largest = ops.reshape(ops.reduceMax(magnitude, [1]), [out]);
  // A row of zeros has no scale of its own: any will do.
  const scale = ops.div(ops.maximum(largest, ops.constant([MIN_MAGNITUDE], [1])), ops.constant([LARGEST], [1]));
  const zero = graph.initializer('i8', [out], new Uint8Array(out));
  const rows = graph.node('QuantizeLinear', [weight, scale, zero], [out, from], { axis: 0 });
  return { whole: ops.transpose(rows, [1, 0]), scale };
}
