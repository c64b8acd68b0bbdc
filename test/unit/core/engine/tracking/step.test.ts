/** One step of a track by pixels alone, on frames of which every pixel is known. */
import { describe, expect, it } from 'vitest';
import { lookOf } from '../../../../../src/core/engine/tracking/look.ts';
import { STILL, type Pose } from '../../../../../src/core/engine/tracking/pose.ts';
import type { TrackState } from '../../../../../src/core/engine/tracking/state.ts';
import { stepOf } from '../../../../../src/core/engine/tracking/step.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';
import { frameOf, overlap, type Place } from './frames.ts';

const START: Place = { x: 60, y: 60 };
const begun = frameOf([START]);
const first = { frame: begun.frame, look: lookOf(begun.frame, begun.mask) };
const at = (pose: Partial<Pose> = {}): TrackState => {
  const whole = { ...first.look.middle, scale: 1, angle: 0, ...pose };
  return { pose: whole, seen: whole, motion: STILL, lost: 0 };
};
const step = (places: Place[], { hidden = 0, state = at() } = {}) => {
  const { frame, mask } = frameOf(places, hidden);
  return { found: runStepsSync(stepOf(first, undefined, frame, state)), mask };
};

describe('a step of a track', () => {
  it.each([
    ['stands still', START],
    ['moved a little', { x: 65, y: 62 }],
    ['moved far', { x: 88, y: 45 }],
    ['grew', { x: 62, y: 60, scale: 1.15 }],
    ['shrank', { x: 62, y: 60, scale: 0.87 }],
    ['turned', { x: 62, y: 60, angle: 0.2 }],
  ] as const)('finds an object that %s', (_, place) => {
    const { found, mask } = step([place]);
    expect(found?.trust).toBeGreaterThan(0.9);
    expect(found && overlap(found.visible, mask)).toBeGreaterThan(0.93);
    expect(found?.pose.scale).toBeCloseTo((place as Place).scale ?? 1, 1);
  });

  it('tells the part that shows from the part that something hides', () => {
    const { found, mask } = step([{ x: 64, y: 60 }], { hidden: 60 });
    // The whole would have about 0.6.
    expect(found && overlap(found.visible, mask)).toBeGreaterThan(0.78);
    expect(found && overlap(found.whole, frameOf([{ x: 64, y: 60 }]).mask)).toBeGreaterThan(0.93);
  });

  it('trusts no place where the object is gone', () => {
    expect(step([]).found?.trust ?? 0).toBeLessThan(0.74);
    expect(step([START], { hidden: 160 }).found?.trust ?? 0).toBeLessThan(0.74);
  });

  it('stays with its own of two that are alike', () => {
    const { found, mask } = step([
      { x: 64, y: 61 },
      { x: 112, y: 61 },
    ]);
    expect(found && overlap(found.visible, mask)).toBeGreaterThan(0.93);
  });

  it('looks farther the longer an object was lost', () => {
    const far: Place = { x: 130, y: 92 };
    const { found, mask } = step([far], { state: { ...at(), lost: 4 } });
    expect(found && overlap(found.visible, mask)).toBeGreaterThan(0.93);
  });
});

describe('a later sighting', () => {
  it('is used where it fits better than the first, and the pose stays relative to the first', () => {
    // Seen last at half again the size: from there it moved on by (5, 3).
    const seen = frameOf([{ x: 70, y: 60, scale: 1.5 }]);
    const state = at({ x: 70, y: 60, scale: 1.5 });
    const next = frameOf([{ x: 75, y: 63, scale: 1.5 }]);
    // The first frame's colors are those of another object: it cannot be found by them.
    const other = {
      frame: begun.frame,
      look: { ...first.look, samples: first.look.samples.map((one) => ({ ...one, values: one.values.map((value) => 255 - value) })) },
    };
    const recent = { frame: seen.frame, look: lookOf(seen.frame, seen.mask) };
    const found = runStepsSync(stepOf(other, recent, next.frame, state));
    expect(found).toMatchObject({ chained: true, changed: true });
    expect(found && overlap(found.visible, next.mask)).toBeGreaterThan(0.93);
    expect(found?.pose.scale).toBeCloseTo(1.5, 1);
    expect(found?.pose.x).toBeCloseTo(75, 0);
  });
});
