/** Two small networks that tell whether a device computes what the CPU computes, and whether it is worth using. */
import { defineNetwork, type NetworkDefinition } from '../../onnx/emit.ts';
import type { Tensor } from '../../onnx/session.ts';

const SIDE = 16;
const WIDTH = 32;
const PRODUCTS = 4;

/** Values in [-0.5, 0.5), the same everywhere: the fractional parts of multiples of the golden ratio. */
function spread(count: number, from = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i + from) * 0.6180339887498949) % 1) - 0.5);
}

/** The layers all networks here are made of: convolution, resizing, linear, layer norm, softmax, GELU. */
export const LAYERS = defineNetwork('device probe', { image: [1, 3, SIDE, SIDE] }, (ops, _, { image }) => {
  const weight = (shape: readonly number[], from: number) =>
    ops.constant(
      spread(
        shape.reduce((a, b) => a * b, 1),
        from,
      ),
      shape,
    );
  const map = ops.conv2d(image, weight([WIDTH, 3, 4, 4], 7), weight([WIDTH], 11), { stride: 4 }); // [1, 32, 4, 4]
  const larger = ops.resizeAligned(map, 6, 6); // [1, 32, 6, 6]
  const tokens = ops.transpose(ops.reshape(larger, [1, WIDTH, 36]), [0, 2, 1]); // [1, 36, 32]
  const normed = ops.layerNorm(tokens, weight([WIDTH], 3), weight([WIDTH], 5), 1e-5);
  const hidden = ops.gelu(ops.linear(normed, weight([WIDTH, WIDTH], 13), weight([WIDTH], 17)));
  const attention = ops.softmax(ops.matMul(hidden, hidden, { transposeB: true })); // [1, 36, 36]
  return { map: larger, out: ops.matMul(attention, tokens) };
});

export const layersInput = (): Record<string, Tensor> => ({ image: { data: spread(3 * SIDE * SIDE), shape: [1, 3, SIDE, SIDE] } });

/** Products of matrices, which take most of the time: a chain of four, of 8 * side^3 operations. */
export function productNetwork(side: number): NetworkDefinition {
  return defineNetwork('product of matrices', { a: [side, side], b: [side, side] }, (ops, _, { a, b }) => {
    let out = a;
    for (let i = 0; i < PRODUCTS; i++) out = ops.matMul(out, b);
    return { out };
  });
}

/** The second factor has a norm of about one, so that a chain of products neither grows nor fades. */
export function productInputs(side: number): Record<string, Tensor> {
  const scale = Math.sqrt(12 / side);
  return {
    a: { data: spread(side * side), shape: [side, side] },
    b: { data: spread(side * side, 101).map((value) => value * scale), shape: [side, side] },
  };
}
