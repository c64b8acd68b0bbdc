/** Fitted masks are believed where they show what is drawn without numbers, too, and kept where they gain enough. */
import { describe, expect, it } from 'vitest';
import { believed as drawn, MIN_AGREEMENT } from '../../../../../src/core/engine/learned/agreement.ts';
import { chosenOf, pays } from '../../../../../src/core/engine/learned/fit.ts';

/** Ten pixels, of which those from one place to another are above 0. */
const map = (from: number, to: number): Float32Array => Float32Array.from({ length: 10 }, (_, i) => (i >= from && i < to ? 2 : -2));

const believed = (logits: Float32Array, plain: Float32Array): Float32Array =>
  drawn({ maps: ['sharpened'], logits }, { name: 'prosam', logits: plain });

describe('a fitted mask', () => {
  it('gives way to the plain one where both show different things', () => {
    const plain = map(0, 4);
    expect(believed(map(5, 10), plain)).toBe(plain);
    expect(believed(map(3, 10), plain)).toBe(plain); // 1 of 10 pixels in common
    expect(believed(map(0, 7), plain)).toBe(plain); // 4 of 7, just too little
    const near = map(1, 5); // 3 of 5
    expect(believed(near, plain)).toBe(near);
    expect(MIN_AGREEMENT).toBe(0.6);
  });

  it('may find nothing only where the plain one finds nothing', () => {
    const [nothing, plain] = [map(0, 0), map(0, 4)];
    expect(believed(nothing, plain)).toBe(plain);
    expect(believed(nothing, map(0, 0))).toBe(nothing);
    expect(believed(plain, nothing)).toBe(nothing);
  });

  it('is believed without that where it is the likelier one, held against the mask of prosam already', () => {
    const [other, plain] = [map(5, 10), map(0, 4)];
    expect(drawn({ maps: ['likelier'], logits: other }, { name: 'prosam', logits: plain })).toBe(other);
    expect(drawn({ maps: ['likelier'], logits: other }, { name: 'pieces', logits: plain })).toBe(plain);
  });

  it('pays in targets where it shows something else only where more than one image says so', () => {
    const gains = (...all: number[]) => all.map((gain) => ({ plain: 0.3, learned: 0.3 + gain }));
    const ofOne = gains(0.02, -0.12, -0.14, -0.02, -0.04, -0.11, 0.53, 0.01); // 0.016, standard error 0.075
    expect([pays(ofOne), pays(ofOne, true)]).toEqual([true, false]);
    const ofMany = gains(0.27, -0.06, -0.15, 0.25, 0.41, -0.21, -0.15, 0.1); // 0.058, standard error 0.083
    expect(pays(ofMany, true)).toBe(true);
    expect(pays(gains(0.01, 0.01), true)).toBe(true);
  });

  it('draws every target only where that is clearly ahead of what keeps to targets where it agrees', () => {
    const way = (everywhere: boolean, ...each: number[]) => ({
      way: { maps: ['redrawn'] as const, fitted: false, everywhere },
      each,
    });
    const [agreeing, worse] = [way(false, 0.4, 0.42), way(false, 0.2, 0.2)];
    const [alike, ahead] = [way(true, 0.41, 0.416), way(true, 0.5, 0.52)];
    expect(chosenOf([agreeing, alike], [0.3, 0.3])).toBe(agreeing);
    expect(chosenOf([ahead, agreeing], [0.3, 0.3])).toBe(ahead);
    expect(chosenOf([worse, ahead], [0.3, 0.3])).toBe(ahead);
    expect(chosenOf([worse], [0.3, 0.3])).toBe(worse);
    expect(chosenOf([], [0.3, 0.3])).toBeUndefined();
  });

  it('pays from a mean gain of more than 0.005 on', () => {
    const gains = (...all: number[]) => all.map((gain) => ({ plain: 0.5, learned: 0.5 + gain }));
    expect(pays(gains(0.02, -0.008))).toBe(true);
    expect(pays(gains(0.02, -0.012))).toBe(false);
    expect(pays(gains(-0.1, 0.05))).toBe(false);
    expect(pays([])).toBe(false);
  });
});
