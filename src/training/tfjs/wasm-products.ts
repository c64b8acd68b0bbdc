/**
 * Matrix products of the WebAssembly engine by its fast path. Its package multiplies with XNNPACK only one matrix by one matrix, neither
 * turned round; everything else goes through a loop over blocks of single values, twenty times as slow, and a training step consists of
 * everything else. Here matrices are turned first and batches are taken one matrix at a time.
 */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from './gradients.ts';

type Info = tfjs.TensorInfo;

interface WasmBackend extends tfjs.KernelBackend {
  makeOutput(shape: number[], dtype: 'float32'): Info;
  typedArrayFromHeap(tensor: Info): Float32Array;
}

type Product = (parts: { inputs: { a: Info; b: Info }; backend: WasmBackend; attrs: Turned }) => Info;
interface Turned {
  transposeA: boolean;
  transposeB: boolean;
}

const KERNEL = 'BatchMatMul';
/** Multiplications below which the loop is faster than the way around it. */
const WORTH_IT = 2 ** 17;

const replaced = new WeakSet<object>();

/** Puts the fast path in front of the package's own. A second call changes nothing. */
export function fastProducts(tf: Tf): void {
  const own = tf.getKernel(KERNEL, 'wasm') as tfjs.KernelConfig | undefined;
  if (own === undefined || replaced.has(own.kernelFunc)) return;
  const product = own.kernelFunc as unknown as Product;
  const fast: Product = (parts) => multiply(tf, product, parts);
  replaced.add(fast);
  tf.unregisterKernel(KERNEL, 'wasm');
  tf.registerKernel({ ...own, kernelFunc: fast as unknown as tfjs.KernelFunc });
}

function multiply(tf: Tf, product: Product, { inputs: { a, b }, backend, attrs }: Parameters<Product>[0]): Info {
  const { transposeA, transposeB } = attrs;
  const left = matricesOf(a);
  const right = matricesOf(b);
  const [rows, inner] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns];
  const columns = transposeB ? right.rows : right.columns;
  const plain = left.count === 1 && right.count === 1 && !transposeA && !transposeB;
  if (plain || a.dtype !== 'float32' || b.dtype !== 'float32' || rows * inner * columns < WORTH_IT) {
    return product({ inputs: { a, b }, backend, attrs });
  }
  const passing: Info[] = [];
  const kept = (info: Info): Info => {
    passing.push(info);
    return info;
  };
  const upright = (x: Info, { count, rows: from, columns: to }: Matrices, turn: boolean): Info => {
    const flat = { ...x, shape: [count, from, to] };
    return turn ? kept(transposed(tf, backend, flat)) : flat;
  };
  const [first, second] = [upright(a, left, transposeA), upright(b, right, transposeB)];
  const times = (x: Info, y: Info): Info => product({ inputs: { a: x, b: y }, backend, attrs: { transposeA: false, transposeB: false } });
  const shape = [...tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  try {
    // One matrix on the right: the rows of all on the left are the rows of one.
    if (right.count === 1)
      return { ...times({ ...first, shape: [1, left.count * rows, inner] }, { ...second, shape: [1, inner, columns] }), shape };
    const count = Math.max(left.count, right.count);
    const out = backend.makeOutput(shape, 'float32');
    const part = (x: Info, at: number, height: number, width: number): Info => {
      if (x.shape[0] === 1) return { ...x, shape: [1, height, width] };
      const piece = kept(backend.makeOutput([1, height, width], 'float32'));
      const size = height * width;
      const from = (at % (x.shape[0] as number)) * size; // as the package's own loop pairs them
      backend.typedArrayFromHeap(piece).set(backend.typedArrayFromHeap(x).subarray(from, from + size));
      return piece;
    };
    for (let i = 0; i < count; i++) {
      const found = kept(times(part(first, i, rows, inner), part(second, i, inner, columns)));
      backend.typedArrayFromHeap(out).set(backend.typedArrayFromHeap(found), i * rows * columns);
    }
    return out;
  } finally {
    for (const { dataId } of passing) backend.disposeData(dataId);
  }
}

interface Matrices {
  count: number;
  rows: number;
  columns: number;
}

function matricesOf({ shape }: Info): Matrices {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return { count: shape.slice(0, -2).reduce((product, size) => product * size, 1), rows, columns };
}

function transposed(tf: Tf, backend: WasmBackend, x: Info): Info {
  const kernel = tf.getKernel('Transpose', 'wasm');
  return kernel.kernelFunc({ inputs: { x }, backend, attrs: { perm: [0, 2, 1] } }) as Info;
}
