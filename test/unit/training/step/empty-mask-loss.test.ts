/** Loss of masks whose truth is empty, against PyTorch's automatic differentiation (tools/learner/reference.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maskLoss } from '../../../../src/training/step/mask-loss.ts';
import { tensorFlowOf } from '../../../../src/training/train-options.ts';
import { anEngine } from '../small-run.ts';

interface Reference {
  emptyMasks: { name: string; logits: number[][]; bce: number[]; dice: number[]; total: number; gradient: number[][] }[];
}
const { emptyMasks } = JSON.parse(readFileSync(new URL('../../learner/golden/reference.json', import.meta.url), 'utf8')) as Reference;
/** Of float32: relative to the largest value, and what is left where two numbers near 1 are subtracted. */
const [RELATIVE, ABSOLUTE] = [1e-5, 2e-7];

describe('the loss of an empty mask', () => {
  it.each(emptyMasks)('is as PyTorch has it: $name', async ({ logits, bce, dice, total, gradient }) => {
    const tf = tensorFlowOf(await anEngine());
    const [rows, pixels] = [logits.length, (logits[0] as number[]).length];
    const x = tf.tensor(logits.flat(), [rows, pixels]);
    const truth = tf.zeros([rows, pixels]);
    const found = maskLoss(tf, x, truth);
    const slope = tf.grad((z) => maskLoss(tf, z, truth).total)(x);
    const close = (actual: ArrayLike<number>, wanted: readonly number[]): void => {
      const scale = Math.max(...wanted.map(Math.abs));
      wanted.forEach((value, i) => expect(Math.abs((actual[i] as number) - value)).toBeLessThan(RELATIVE * scale + ABSOLUTE));
    };
    close(found.bce.dataSync(), bce);
    close(found.dice.dataSync(), dice);
    close(found.total.dataSync(), [total]);
    close(slope.dataSync(), gradient.flat());
    // Whatever is drawn is pushed down, and nothing else costs next to nothing.
    expect(gradient.flat().every((value) => value > 0)).toBe(true);
  });
});
