import type * as tfjs from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import { maskLoss } from '../../../../src/training/step/mask-loss.ts';
import type { Tf } from '../../../../src/training/tfjs/tfjs-ops.ts';

type Tensor = tfjs.Tensor;
let tf: Tf;
beforeAll(async () => {
  ({ tf } = (await loadTrainingEngine('wasm')) as { tf: Tf });
});

const [ROWS, PIXELS] = [3, 40];
const random = seededRandom(5);
const logits = Array.from({ length: ROWS * PIXELS }, () => 12 * (random() - 0.5));
const truth = (rows: number): number[] => Array.from({ length: rows * PIXELS }, () => (random() < 0.3 ? 1 : 0));

/** Step by step as the formulas stand, in double precision. */
function plain(x: readonly number[], g: readonly number[]): { bce: number; dice: number } {
  const p = x.map((value) => 1 / (1 + Math.exp(-value)));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const bce = -sum(p.map((value, i) => (g[i] === 1 ? Math.log(value) : Math.log(1 - value)))) / x.length;
  const overlap = sum(p.map((value, i) => value * (g[i] as number)));
  return { bce, dice: 1 - (2 * overlap + 1) / (sum(p) + sum(g) + 1) };
}

/** The same as a graph that is differentiated step by step. */
function taped(x: Tensor, g: Tensor): Tensor {
  const p = tf.sigmoid(x);
  const bce = tf.mean(tf.neg(tf.add(tf.mul(g, tf.log(p)), tf.mul(tf.sub(1, g), tf.log(tf.sub(1, p))))), 1);
  const overlap = tf.sum(tf.mul(p, g), 1);
  const dice = tf.sub(1, tf.div(tf.add(tf.mul(2, overlap), 1), tf.add(tf.add(tf.sum(p, 1), tf.sum(g, 1)), 1)));
  return tf.mean(tf.add(bce, dice));
}

describe('the loss', () => {
  it.each([1, ROWS])('is BCE plus Dice per row, with %i rows of truth', (rows) => {
    const g = truth(rows);
    const { total, bce, dice } = maskLoss(tf, tf.tensor(logits, [ROWS, PIXELS]), tf.tensor(g, [rows, PIXELS]));
    const wanted = Array.from({ length: ROWS }, (_, row) =>
      plain(logits.slice(row * PIXELS, (row + 1) * PIXELS), rows === 1 ? g : g.slice(row * PIXELS, (row + 1) * PIXELS)),
    );
    wanted.forEach((row, i) => {
      expect(bce.dataSync()[i]).toBeCloseTo(row.bce, 5);
      expect(dice.dataSync()[i]).toBeCloseTo(row.dice, 5);
    });
    expect(total.dataSync()[0]).toBeCloseTo(
      wanted.reduce((sum, row) => sum + (row.bce + row.dice) / ROWS, 0),
      5,
    );
  });

  it.each([1, ROWS])('has the slope that taping gives, with %i rows of truth', (rows) => {
    const g = tf.tensor(truth(rows), [rows, PIXELS]);
    const x = tf.tensor(logits, [ROWS, PIXELS]);
    // As truth that passes: made inside, gone before the way back.
    const written = tf.tidy(() => tf.grad((z) => tf.mul(3, maskLoss(tf, z, tf.mul(g, 1)).total))(x)).dataSync();
    const wanted = tf.tidy(() => tf.grad((z) => tf.mul(3, taped(z, tf.tile(g, [ROWS / rows, 1]))))(x)).dataSync();
    expect(Math.max(...wanted.map(Math.abs))).toBeGreaterThan(0.01);
    wanted.forEach((value, i) => expect(written[i]).toBeCloseTo(value, 6));
  });

  it('keeps its precision over as many pixels as a full-size mask has', () => {
    const count = 512 * 512;
    const x = Float32Array.from({ length: count }, () => 12 * (random() - 0.5));
    const g = Float32Array.from({ length: count }, () => (random() < 0.1 ? 1 : 0));
    const wanted = plain(Array.from(x), Array.from(g));
    const { bce, dice } = maskLoss(tf, tf.tensor(x, [1, count]), tf.tensor(g, [1, count]));
    expect(Math.abs((bce.dataSync()[0] as number) / wanted.bce - 1)).toBeLessThan(2e-6);
    expect(Math.abs((dice.dataSync()[0] as number) / wanted.dice - 1)).toBeLessThan(2e-6);
  });

  it('stays finite for logits no sigmoid can tell from 0 and 1, and for an empty truth', () => {
    const x = tf.tensor([200, -200, 200, -200], [2, 2]);
    const g = tf.tensor([0, 1, 0, 0], [2, 2]);
    const { total } = maskLoss(tf, x, g);
    expect(total.dataSync()[0]).toBeCloseTo((200 + 2 / 3 + 100 + 1 / 2) / 2, 4);
    expect(
      [
        ...tf
          .grad((z) => maskLoss(tf, z, g).total)(x)
          .dataSync(),
      ].every(Number.isFinite),
    ).toBe(true);
  });

  it('loses nothing over the many pixels of a full-size mask', () => {
    const side = 512;
    // A map without any structure: added one after another in float32, its loss would be off by a thousandth.
    const x = Array.from({ length: side * side }, () => 0);
    const g = x.map((_, i) => (i % 3 === 0 ? 1 : 0));
    const { bce, dice } = maskLoss(tf, tf.tensor(x, [1, x.length]), tf.tensor(g, [1, x.length]));
    const wanted = plain(x, g);
    // Two sums of `side` terms, each rounded to a share of 2^-24, and as much for what is added up.
    const share = 2 * (2 * side) * 2 ** -24;
    expect(Math.abs((bce.dataSync()[0] as number) - wanted.bce)).toBeLessThan(share * wanted.bce);
    expect(Math.abs((dice.dataSync()[0] as number) - wanted.dice)).toBeLessThan(share);
  });
});
