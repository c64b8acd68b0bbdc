/** Searches on a decoder that can be worked out by hand, and the pieces that the studies measure with. */
import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';
import { maskLoss } from '../../../../src/training/step/mask-loss.ts';
import type { DecoderTargets } from '../../../../src/training/step/prompt-decoder.ts';
import { curvatureAt } from '../../../../src/training/study/flatness-measure.ts';
import { learnManyPrompts } from '../../../../src/training/study/prompt/many-prompts.ts';
import { beaten } from '../../../../src/training/study/prompt/region.ts';
import { learnPrompts } from '../../../../src/training/study/prompt/search.ts';
import { testEngine } from './study-data.ts';

const WIDTH = 6;
const PIXELS = 40;
const random = seededRandom(11);
const MIX = Float32Array.from({ length: WIDTH * PIXELS }, () => normal(random));
const TRUTH = Float32Array.from({ length: PIXELS }, (_, i) => (i % 3 === 0 ? 1 : 0));

/** Logits that are linear in the prompt, under the real loss. */
async function linearDecoder(): Promise<DecoderTargets> {
  const { tf } = await testEngine();
  const mix = tf.keep(tf.tensor2d(MIX, [WIDTH, PIXELS]));
  const truth = tf.keep(tf.tensor2d(TRUTH, [1, PIXELS]));
  const run = (data: Float32Array) => {
    const rows = data.length / WIDTH;
    return tf.tidy(() => {
      const kept: { bce?: Float32Array; dice?: Float32Array } = {};
      const slope = tf.grad((z) => {
        const found = maskLoss(tf, tf.matMul(z, mix), truth);
        kept.bce = found.bce.dataSync() as Float32Array;
        kept.dice = found.dice.dataSync() as Float32Array;
        return found.total;
      })(tf.tensor2d(data, [rows, WIDTH]));
      return { bce: kept.bce as Float32Array, dice: kept.dice as Float32Array, gradient: slope.dataSync() as Float32Array };
    });
  };
  return {
    loss: ({ data }) => run(data),
    lossAndGradient: ({ data }) => run(data),
    logits: () => new Float32Array(0),
    dispose: () => tf.dispose([mix, truth]),
  };
}

/** The same loss in doubles. */
function loss(z: readonly number[]): number {
  let [bce, overlap, size] = [0, 0, 0];
  for (let p = 0; p < PIXELS; p++) {
    const x = z.reduce((sum, value, i) => sum + value * (MIX[i * PIXELS + p] as number), 0);
    const g = TRUTH[p] as number;
    const probability = 1 / (1 + Math.exp(-x));
    bce += Math.max(x, 0) - x * g + Math.log1p(Math.exp(-Math.abs(x)));
    overlap += probability * g;
    size += probability + g;
  }
  return bce / PIXELS + 1 - (2 * overlap + 1) / (size + 1);
}

describe('learnManyPrompts', () => {
  const starts = Array.from({ length: 5 }, (_, k) => Float32Array.from({ length: WIDTH }, (_unused, i) => Math.sin(3 * k + i)));
  const options = { lr: 0.05, maxSteps: 60, patience: { steps: 10, least: 0.001 } };

  it('finds for every start what a search of its own finds, whatever is decoded together', async () => {
    const target = await linearDecoder();
    const together = learnManyPrompts(target, starts, [1, WIDTH], { ...options, chunk: 2 });
    const none = { eps: new Float32Array(WIDTH), delta: new Float32Array(1) };
    starts.forEach((start, k) => {
      const alone = learnPrompts(
        target,
        { data: start, shape: [1, WIDTH] },
        { ...options, distribution: { kind: 'deterministic', nu: 5, n: WIDTH }, draw: () => none },
      );
      const found = together[k];
      expect(found?.steps).toBe(alone.losses.length);
      expect(found?.loss).toBeCloseTo(alone.losses.at(-1) ?? NaN, 4);
      alone.mu.forEach((value, i) => {
        expect(found?.prompt[i]).toBeCloseTo(value, 3);
      });
    });
    target.dispose();
    expect(starts[1]?.[0]).toBeCloseTo(Math.sin(3), 6); // starts stay as they are
  });

  it('ends each search once its loss rests, and says which did not', async () => {
    const target = await linearDecoder();
    const active: number[] = [];
    const rest = learnManyPrompts(target, starts, [1, WIDTH], { ...options, lr: 1e-9, chunk: 8, onStep: (_, count) => active.push(count) });
    expect(rest.map(({ steps, converged }) => [steps, converged])).toEqual(starts.map(() => [11, true]));
    expect(active).toHaveLength(11);
    const cut = learnManyPrompts(target, starts, [1, WIDTH], { ...options, maxSteps: 5, chunk: 8 });
    expect(cut.every(({ steps, converged }) => steps === 5 && !converged)).toBe(true);
    target.dispose();
  });
});

describe('curvatureAt', () => {
  it('is the Laplacian of BCE + Dice, worked out in doubles', async () => {
    const target = await linearDecoder();
    const z = Float32Array.from({ length: WIDTH }, (_, i) => 0.4 * Math.cos(i));
    const h = 1e-3;
    const at = (i: number, by: number): number => loss(Array.from(z, (value, j) => value + (i === j ? by : 0)));
    let truth = 0;
    for (let i = 0; i < WIDTH; i++) truth += (at(i, h) - 2 * at(i, 0) + at(i, -h)) / h ** 2;
    const found = curvatureAt(target, z, { shape: [1, WIDTH], probes: 600, chunk: 64, index: 0 });
    expect(found.loss).toBeCloseTo(loss([...z]), 5);
    expect(Math.abs(found.laplacian - truth)).toBeLessThan(4 * found.laplacianError + 0.01 * Math.abs(truth));
    expect(found.laplacianError).toBeLessThan(0.1 * Math.abs(truth));
    expect(Math.abs(found.laplacianAtTwiceTheStep - found.laplacian)).toBeLessThan(0.01 * Math.abs(truth));
    target.dispose();
  });
});

describe('beaten', () => {
  it('counts what is strictly worse', () => {
    const learned = [0.1, 0.5, 0.5, 0.9].map((iou) => ({ iou, bce: 1 - iou }));
    const samples = [0.05, 0.5, 1].map((iou) => ({ iou, bce: 1 - iou }));
    expect(beaten(learned, samples, 'iou')).toEqual([0, 0.25, 1]);
    expect(beaten(learned, samples, 'bce')).toEqual([0, 0.25, 1]);
  });
});
