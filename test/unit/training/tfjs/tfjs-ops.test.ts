/** What the networks' own golden cases do not reach: products whose batches differ in length, in rank, or are one. */
import { describe, expect, it } from 'vitest';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import { tfjsOps } from '../../../../src/training/tfjs/tfjs-ops.ts';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';

const { tf } = await loadTrainingEngine('wasm');
const ops = tfjsOps(tf);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

function drawn(shape: readonly number[], seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: sizeOf(shape) }, () => normal(random));
}

/** Slopes of sum(f(a, b) * weights) along a and b, and the same by central differences. */
function slopes(shapeA: readonly number[], shapeB: readonly number[], transposeB: boolean) {
  const [a, b] = [drawn(shapeA, 1), drawn(shapeB, 2)];
  const tensors = () => [tf.tensor(a, [...shapeA]), tf.tensor(b, [...shapeB])] as const;
  const value = (x: ReturnType<typeof tf.tensor>, y: ReturnType<typeof tf.tensor>) => {
    const product = ops.matMul(x, y, { transposeB });
    return tf.sum(tf.mul(product, tf.tensor(drawn(product.shape, 3), product.shape)));
  };
  const found = tf.tidy(() =>
    tf
      .grads((x, y) => value(x, y))([...tensors()])
      .map((slope) => ({ shape: slope.shape, values: slope.dataSync() })),
  );
  const numeric = [a, b].map((values) =>
    values.map((old, i) => {
      const at = (shift: number): number => {
        values[i] = old + shift;
        return tf.tidy(() => value(...tensors()).dataSync()[0] as number);
      };
      const slope = (at(0.5) - at(-0.5)) / 1; // the product is linear in each factor
      values[i] = old;
      return slope;
    }),
  );
  return { found, numeric };
}

describe('products and their slopes', () => {
  it.each([
    { a: [2, 3, 4], b: [1, 4, 2], transposeB: false, what: 'one right side for all' },
    { a: [1, 3, 4], b: [3, 2, 4], transposeB: true, what: 'one left side for all, transposed' },
    { a: [3, 4], b: [2, 4, 5], transposeB: false, what: 'a weight from the left' },
    { a: [3, 4], b: [1, 4, 5], transposeB: false, what: 'a weight from the left, a batch of one' },
    { a: [2, 2, 3, 4], b: [1, 2, 5, 4], transposeB: true, what: 'heads' },
    { a: [2, 3, 4], b: [4, 5], transposeB: false, what: 'a weight from the right' },
  ])('$what: $a x $b', ({ a, b, transposeB }) => {
    const { found, numeric } = slopes(a, b, transposeB);
    expect(found.map(({ shape }) => shape)).toEqual([a, b]);
    found.forEach(({ values }, side) =>
      values.forEach((slope: number, i: number) => expect(slope).toBeCloseTo((numeric[side] as Float32Array)[i] as number, 3)),
    );
  });
});

describe('repeated rows', () => {
  it('sum their slopes', () => {
    const slope = tf.tidy(() => {
      const like = tf.zeros([3, 2]);
      return tf
        .grad((x) => tf.sum(tf.mul(ops.repeatLike(x, like), tf.tensor([1, 2, 3, 4, 5, 6], [3, 2]))))(tf.tensor([[1, 1]]))
        .dataSync();
    });
    expect([...slope]).toEqual([9, 12]);
  });
});

describe('linear', () => {
  it('is the same with frozen weights, slope included', () => {
    const [x, weight] = [drawn([2, 3, 4], 5), drawn([5, 4], 6)];
    const slope = (frozenWeights: boolean): number[] =>
      tf.tidy(() => {
        const w = tf.tensor(weight, [5, 4]);
        const loss = (input: ReturnType<typeof tf.tensor>) => tf.sum(tf.square(tfjsOps(tf, { frozenWeights }).linear(input, w)));
        return Array.from(
          tf
            .grad(loss)(tf.tensor(x, [2, 3, 4]))
            .dataSync(),
        );
      });
    const frozen = slope(true);
    slope(false).forEach((value, i) => expect(frozen[i]).toBeCloseTo(value, 4));
  });
});

describe('depthwise convolution', () => {
  it('has a slope along its input', () => {
    const [shape, kernel] = [
      [2, 3, 5, 6],
      [3, 1, 3, 3],
    ] as const;
    const x = drawn(shape, 1);
    const weight = tf.tensor(drawn(kernel, 2), [...kernel]);
    const along = tf.tensor(drawn(shape, 3), [...shape]);
    const value = (input: ReturnType<typeof tf.tensor>) =>
      tf.sum(tf.mul(ops.conv2d(input, weight, undefined, { padding: 1, groups: 3 }), along));
    const found = tf.tidy(() =>
      tf
        .grad((input) => value(input))(tf.tensor(x, [...shape]))
        .dataSync(),
    );
    x.forEach((old, i) => {
      const at = (shift: number): number => {
        x[i] = old + shift;
        return tf.tidy(() => value(tf.tensor(x, [...shape])).dataSync()[0] as number);
      };
      expect(found[i]).toBeCloseTo(at(0.5) - at(-0.5), 3); // linear in the input
      x[i] = old;
    });
  });
});

describe('limits', () => {
  it('hold values, and no slope beyond', () => {
    const x = tf.tensor([-9, -8, 0, 7, 9]);
    expect([...ops.clip(x, -8, 8).dataSync()]).toEqual([-8, -8, 0, 7, 8]);
    expect([
      ...tf
        .grad((input) => tf.sum(ops.clip(input, -8, 8)))(x)
        .dataSync(),
    ]).toEqual([0, 1, 1, 1, 0]);
  });
});
