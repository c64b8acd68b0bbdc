/** Written-out gradients of the coarse mask's loss, computed by ONNX Runtime, against differences of a loss that is written out once more. */
import { expect, it } from 'vitest';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { COARSE_WEIGHTS, coarseGradients, type CoarseExamples } from '../../../../src/core/networks/coarse-gradients.ts';
import type { PromptEncoderConfig } from '../../../../src/core/networks/config.ts';
import { defineNetwork, emitWithWeightInputs, weightInput } from '../../../../src/core/onnx/emit.ts';
import type { Tensor } from '../../../../src/core/onnx/session.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';

/** Width, features of a cell, pairs, cells of references and of targets. */
const [DIM, MID, PAIRS, MARKED, CELLS] = [5, 7, 2, 4, 6];
const config = { dim: DIM, midChannels: MID, maskGain: 10 } as PromptEncoderConfig;
const SHAPES = {
  'reduce.weight': [DIM, MID, 1, 1],
  'fuse.weight': [DIM, 2 * DIM + 1, 1, 1],
  'coarse.weight': [1, DIM, 1, 1],
  'coarse.bias': [1],
};

const random = seededRandom(7);
const noise = (...shape: number[]): Tensor => ({
  data: Float32Array.from({ length: shape.reduce((product, dim) => product * dim, 1) }, () => 2 * random() - 1),
  shape,
});
const weights = Object.fromEntries(COARSE_WEIGHTS.map((name) => [name, noise(...SHAPES[name])]));
const shares = [0, 1, 0.25, 0, 0.5, 1];
const examples: CoarseExamples<Tensor> = {
  reference: noise(MARKED, MID),
  pool: { data: Float32Array.of(0.5, 0.5, 0, 0, 0, 0, 0.25, 0.75), shape: [PAIRS, MARKED] },
  target: noise(CELLS, MID),
  pair: { data: Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1), shape: [CELLS, PAIRS] },
  pseudo: { data: noise(CELLS).data.map(Math.abs), shape: [CELLS, 1] },
  on: { data: Float32Array.from(shares, (share) => (3 * share) / CELLS), shape: [CELLS, 1] },
  off: { data: Float32Array.from(shares, (share) => (1 - share) / CELLS), shape: [CELLS, 1] },
};

/** The loss in double precision, cell by cell. */
function lossOf(given: Record<string, ArrayLike<number>>): number {
  const weight = (name: keyof typeof SHAPES, row: number, column: number): number =>
    (given[name] as ArrayLike<number>)[row * (SHAPES[name][1] ?? 1) + column] as number;
  const at = ({ data, shape }: Tensor, row: number, column: number): number => data[row * (shape[1] as number) + column] as number;
  const range = (count: number): number[] => [...Array(count).keys()];
  const sum = (count: number, term: (i: number) => number): number => range(count).reduce((total, i) => total + term(i), 0);
  const reduced = (features: Tensor, row: number): number[] =>
    range(DIM).map((d) =>
      Math.max(
        0,
        sum(MID, (i) => weight('reduce.weight', d, i) * at(features, row, i)),
      ),
    );
  return sum(CELLS, (cell) => {
    const pair = range(PAIRS).findIndex((p) => at(examples.pair, cell, p) === 1);
    const prototype = range(DIM).map((d) => sum(MARKED, (r) => at(examples.pool, pair, r) * (reduced(examples.reference, r)[d] as number)));
    const own = reduced(examples.target, cell);
    const enhanced = range(DIM).map((d) => {
      const seen = sum(DIM, (i) => weight('fuse.weight', d, i) * (own[i] as number));
      const meant = sum(DIM, (i) => weight('fuse.weight', d, DIM + i) * (prototype[i] as number));
      return Math.max(0, seen + meant + weight('fuse.weight', d, 2 * DIM) * 10 * at(examples.pseudo, cell, 0));
    });
    const logit = sum(DIM, (i) => weight('coarse.weight', 0, i) * (enhanced[i] as number)) + weight('coarse.bias', 0, 0);
    return at(examples.on, cell, 0) * Math.log1p(Math.exp(-logit)) + at(examples.off, cell, 0) * Math.log1p(Math.exp(logit));
  });
}

it('are the slopes of the loss by every weight', async () => {
  const shapes = Object.fromEntries(Object.entries(examples).map(([name, { shape }]) => [name, shape]));
  const session = await nodeRuntime().load(
    emitWithWeightInputs(
      defineNetwork('gradients', shapes as never, (ops, given, inputs) => coarseGradients(ops, given, config, inputs as never)),
    ),
  );
  const inputs = Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [weightInput(name), tensor]));
  const gradients = await session.run({ ...inputs, ...examples });
  await session.close();
  const values = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, Float64Array.from(data)]));
  let moved = 0;
  for (const name of COARSE_WEIGHTS) {
    expect(gradients[name]?.shape, name).toEqual(SHAPES[name]);
    const own = values[name] as Float64Array;
    for (let i = 0; i < own.length; i++) {
      const lossAt = (by: number): number => lossOf({ ...values, [name]: own.map((value, k) => (k === i ? value + by : value)) });
      const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
      if (Math.abs(slope) > 1e-3) moved++;
      expect(gradients[name]?.data[i], `${name} ${i}`).toBeCloseTo(slope, 5);
    }
  }
  expect(moved).toBeGreaterThan(30); // few slopes are none
});
