/** How much each map counts, on maps of which it is known. */
import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../../../../../src/core/common/random.ts';
import { fitMix, mixed, type MixExample } from '../../../../../src/core/engine/learned/mix.ts';
import { pays } from '../../../../../src/core/engine/learned/fit.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';

const PIXELS = 20_000;

/** Truth drawn with the probability that 0.8 x first - 1.5 x second + 0.4 gives; the third map says nothing. */
function example(seed: number): MixExample {
  const random = seededRandom(seed);
  const maps = [0, 1, 2].map(() => Float32Array.from({ length: PIXELS }, () => 2 * normal(random)));
  const [first, second] = maps as [Float32Array, Float32Array];
  const truth = first.map((value, i) => {
    const logit = 0.8 * value - 1.5 * (second[i] as number) + 0.4;
    return random() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  });
  return { maps, truth };
}

describe('the mix of maps', () => {
  it('finds the weights that the truth was drawn with', () => {
    const { bias, weights } = runStepsSync(fitMix([example(1), example(2)]));
    [0.8, -1.5, 0].forEach((weight, i) => expect(Math.abs((weights[i] as number) - weight)).toBeLessThan(0.12));
    expect(Math.abs(bias - 0.4)).toBeLessThan(0.12);
  });

  it('stays finite where a map tells object and rest apart without an error', () => {
    const map = Float32Array.from({ length: 1000 }, (_, i) => (i < 300 ? 8 : -8));
    const mix = runStepsSync(fitMix([{ maps: [map], truth: map.map((value) => (value > 0 ? 1 : 0)) }]));
    const logits = mixed(mix, [map]);
    expect([logits[0], logits[999]].every((value) => Number.isFinite(value))).toBe(true);
    expect(logits[0]).toBeGreaterThan(2);
    expect(logits[999]).toBeLessThan(-2);
  });

  it('adds up maps, each by its weight', () => {
    expect([...mixed({ bias: 1, weights: [2, -1] }, [Float32Array.of(1, 2), Float32Array.of(3, -4)])]).toEqual([0, 9]);
  });

  it('counts a small object as much as a large one', () => {
    // In one image the map is right about a large object, in the other wrong about a small one: alone by pixels it would be trusted.
    const large = Float32Array.from({ length: 1000 }, (_, i) => (i < 500 ? 1 : -1));
    const small = Float32Array.from({ length: 1000 }, (_, i) => (i < 20 ? -1 : 1));
    const ofSmall = { maps: [small], truth: small.map((value) => (value < 0 ? 1 : 0)) };
    const ofLarge = { maps: [large], truth: large.map((value) => (value > 0 ? 1 : 0)) };
    const { weights } = runStepsSync(fitMix([ofLarge, ofSmall]));
    expect(weights[0]).toBeLessThan(0);
  });
});

describe('whether fitted numbers pay', () => {
  it('asks for more IoU on images that they were not fitted to', () => {
    expect(
      pays([
        { plain: 0.5, learned: 0.6 },
        { plain: 0.5, learned: 0.45 },
      ]),
    ).toBe(true);
    expect(pays([{ plain: 0.5, learned: 0.5 }])).toBe(false);
    expect(pays([])).toBe(false);
  });
});
