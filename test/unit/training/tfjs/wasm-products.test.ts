import type * as tfjs from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import type { Tf } from '../../../../src/training/tfjs/tfjs-ops.ts';
import { fastProducts } from '../../../../src/training/tfjs/wasm-products.ts';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = (await loadTrainingEngine('wasm')) as { tf: Tf });
});

/** Row by row, in double precision. */
function plain(a: tfjs.Tensor, b: tfjs.Tensor): number[] {
  const [x, y] = [a.dataSync(), b.dataSync()];
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const columns = b.shape.at(-1) as number;
  const [left, right] = [x.length / (rows * inner), y.length / (inner * columns)];
  const out: number[] = [];
  for (let i = 0; i < Math.max(left, right); i++) {
    const [from, of] = [(i % left) * rows * inner, (i % right) * inner * columns];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += (x[from + row * inner + k] as number) * (y[of + k * columns + column] as number);
        out.push(sum);
      }
    }
  }
  return out;
}

const SHAPES: [a: number[], b: number[]][] = [
  [
    [64, 64],
    [64, 64],
  ],
  [
    [2, 3, 64, 40],
    [40, 80],
  ],
  [
    [6, 64, 40],
    [6, 40, 80],
  ],
  [
    [2, 3, 64, 40],
    [1, 3, 40, 80],
  ],
  [
    [64, 40],
    [1, 40, 80],
  ],
  [
    [3, 3],
    [3, 3],
  ],
];

describe('products of the WebAssembly engine', () => {
  describe.each(SHAPES)('%j x %j', (a, b) => {
    it.each([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])('turned %s, %s', (transposeA, transposeB) => {
      const before = { tensors: tf.memory().numTensors, buffers: tf.backend().numDataIds() };
      tf.tidy(() => {
        const [x, y] = [tf.randomUniform(a, -1, 1, 'float32', 5), tf.randomUniform(b, -1, 1, 'float32', 6)];
        const turned = (one: tfjs.Tensor): tfjs.Tensor => {
          const axes = one.shape.map((_, i) => i);
          return tf.transpose(one, [...axes.slice(0, -2), one.rank - 1, one.rank - 2]);
        };
        const found = tf.matMul(transposeA ? turned(x) : x, transposeB ? turned(y) : y, transposeA, transposeB);
        const wanted = plain(x, y);
        expect(found.size).toBe(wanted.length);
        const worst = (found.dataSync() as Float32Array).reduce(
          (most, value, i) => Math.max(most, Math.abs(value - (wanted[i] as number))),
          0,
        );
        expect(worst).toBeLessThan(1e-5);
      });
      expect({ tensors: tf.memory().numTensors, buffers: tf.backend().numDataIds() }).toEqual(before);
    });
  });

  it('reach the package upright and one at a time, which is what its fast path takes', () => {
    const fast = tf.getKernel('BatchMatMul', 'wasm');
    const calls: { counts: number[]; turned: boolean }[] = [];
    const slow: tfjs.KernelConfig = {
      ...fast,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const { a, b } = inputs as { a: tfjs.TensorInfo; b: tfjs.TensorInfo };
        const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
        const countOf = ({ shape }: tfjs.TensorInfo): number => shape.slice(0, -2).reduce((product, size) => product * size, 1);
        calls.push({ counts: [countOf(a), countOf(b)], turned: transposeA || transposeB });
        const rows = transposeA ? a.shape.at(-1) : a.shape.at(-2);
        const columns = transposeB ? b.shape.at(-2) : b.shape.at(-1);
        return (backend as unknown as { makeOutput(shape: number[], type: string): tfjs.TensorInfo }).makeOutput(
          [...a.shape.slice(0, -2), rows as number, columns as number],
          'float32',
        );
      },
    };
    tf.unregisterKernel('BatchMatMul', 'wasm');
    tf.registerKernel(slow);
    try {
      fastProducts(tf);
      tf.tidy(() => {
        tf.matMul(tf.ones([4, 64, 64]), tf.ones([64, 64]), false, true);
        tf.matMul(tf.ones([4, 64, 64]), tf.ones([4, 64, 64]), true, false);
      });
    } finally {
      tf.unregisterKernel('BatchMatMul', 'wasm');
      tf.registerKernel(fast);
    }
    expect(calls).toHaveLength(1 + 4);
    expect(calls.every(({ counts, turned }) => !turned && counts.every((count) => count === 1))).toBe(true);
  });
});
