import { expect, it } from 'vitest';
import { locationPrior, placeOf } from '../../../../../src/core/engine/methods/persam-paper/location-prior.ts';
import { learnWeights, mixed } from '../../../../../src/core/engine/methods/persam-paper/mask-weights.ts';
import { meanVector, peakVector, samCells } from '../../../../../src/core/engine/methods/persam-paper/object-vector.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';
import { IMAGENET, SAM_RESIZES } from '../../../../../src/core/image/preprocess.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';

const geometryFor = (resize: (typeof SAM_RESIZES)[number]) => geometryOf({ resize, samSize: 64, normalisation: IMAGENET });

it.each(SAM_RESIZES)('marks the cells of an image that is brought to SAM by %s, and at least the fullest one', (resize) => {
  const [width, height] = [40, 20];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) data.fill(1, y * width, y * width + 20);
  const left = samCells(geometryFor(resize), { data, width, height }, 4);
  const rows =
    resize === 'longest-side'
      ? [
          [1, 1, 0, 0],
          [1, 1, 0, 0],
          [0, 0, 0, 0],
          [0, 0, 0, 0],
        ]
      : Array.from({ length: 4 }, () => [1, 1, 0, 0]);
  expect([...left]).toEqual(rows.flat());
  const dot = new Uint8Array(width * height);
  dot[width + 1] = 1;
  expect(samCells(geometryFor(resize), { data: dot, width, height }, 4).reduce((sum, cell) => sum + cell, 0)).toBe(1);
});

it('averages each reference by itself for PerSAM, and pools their cells for PerSAM-F', () => {
  const reference = (values: number[], cells: number[]) => ({
    embedding: { data: Float32Array.from(values), shape: [1, 1, 2, 2] },
    cells: Uint8Array.from(cells),
  });
  const both = [reference([1, 3, 9, 9], [1, 1, 0, 0]), reference([8, 0, 0, 0], [1, 0, 0, 0])];
  expect([...meanVector(both)]).toEqual([5]); // (2 + 8) / 2
  expect([...peakVector(both)]).toEqual([6]); // 8 / 2 + (1 + 3 + 8) / 3 / 2
});

it('puts points where the image is most and least like the object, and biases the attention there', () => {
  const geometry = geometryFor('stretch');
  const data = Float32Array.from([...[0, 0, 0, 1], ...[1, 1, -1, 0]]); // two channels on a grid of 2 x 2
  const target = { embedding: { data, shape: [1, 2, 2, 2] }, width: 64, height: 64 };
  const { low, most, least, bias } = runStepsSync(locationPrior(geometry, target, Float32Array.of(0, 3)));
  expect([...low]).toEqual([1, 1, -1, 0]);
  expect(most).toEqual([0, 0]);
  expect([Math.floor(least[0] / 32), Math.floor(least[1] / 32)]).toEqual([0, 1]);
  expect([...bias].indexOf(Math.min(...bias))).toBe(2);
  expect(geometry.toSam(...(Object.values(placeOf(geometry, target, [10, 20])) as [number, number]), 64, 64)).toEqual([10, 20]);
});

it('learns which of three masks is the object', () => {
  const truth = Uint8Array.from({ length: 64 }, (_, i) => (i < 16 ? 1 : 0));
  const upTo = (count: number) => Float32Array.from({ length: 64 }, (_, i) => (i < count ? 4 : -4));
  const logits = [upTo(48), upTo(16), upTo(30)] as const;
  const { weights, first, last } = runStepsSync(learnWeights([{ logits, truth }]));
  expect(weights[1]).toBeGreaterThan(Math.max(weights[0], weights[2]));
  expect(weights[0] + weights[1] + weights[2]).toBeCloseTo(1, 9);
  expect(last.dice + last.focal).toBeLessThan(first.dice + first.focal);
  expect([...mixed(logits, [0, 1, 0])]).toEqual([...logits[1]]);
});

it('adds the losses of several examples', () => {
  const example = { logits: [Float32Array.of(1, -2), Float32Array.of(0, 1), Float32Array.of(2, 0)] as const, truth: Uint8Array.of(1, 0) };
  const settings = { steps: 1, learningRate: 0, epsilon: 1e-4, weightDecay: 0 };
  const [one, two] = [1, 2].map((count) => runStepsSync(learnWeights(Array(count).fill(example), settings)).first);
  expect(two?.dice).toBeCloseTo(2 * (one?.dice as number), 9);
  expect(two?.focal).toBeCloseTo(2 * (one?.focal as number), 9);
});
