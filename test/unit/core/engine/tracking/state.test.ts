/** What a caller hands back is checked before anything is computed with it. */
import { describe, expect, it } from 'vitest';
import { movedBox, type Box } from '../../../../../src/core/engine/tracking/box.ts';
import { STILL } from '../../../../../src/core/engine/tracking/pose.ts';
import { checkTrackState, type TrackState } from '../../../../../src/core/engine/tracking/state.ts';
import { warpedMask } from '../../../../../src/core/engine/tracking/warp.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';
import { frameOf } from './frames.ts';

const pose = { x: 1, y: 2, scale: 1, angle: 0 };
const good: TrackState = { pose, seen: pose, motion: STILL, lost: 0 };

describe('the state of a track', () => {
  it('is taken as it was given', () => expect(() => checkTrackState(good)).not.toThrow());

  it.each([
    ['no state', null],
    ['numbers that are none', { ...good, pose: { ...pose, x: NaN } }],
    ['a place nobody can reach', { ...good, pose: { ...pose, y: 1e9 } }],
    ['a size that would fill the memory', { ...good, seen: { ...pose, scale: 1e6 } }],
    ['text', { ...good, lost: '1' }],
    ['missing parts', { pose, seen: pose, lost: 0 }],
    ['a motion without end', { ...good, motion: { ...STILL, dx: Infinity } }],
  ])('is refused: %s', (_, state) => {
    expect(() => checkTrackState(state as never)).toThrow(/^state\..*expected a number from/);
  });
});

describe('a drawn box', () => {
  const { mask } = frameOf([{ x: 60, y: 60 }]);
  const drawn: Box = [36, 40, 84, 80];
  const moved = (x: number, scale = 1): Box | undefined =>
    movedBox(drawn, mask, runStepsSync(warpedMask(mask, { x: 60, y: 60 }, { x, y: 60, scale, angle: 0 }, mask)), scale);

  it('goes along, keeps its margins at the size of the object, and is cut at the border', () => {
    expect(moved(60)).toEqual(drawn);
    expect(moved(75)).toEqual([51, 40, 99, 80]);
    const [x0, , x1] = moved(60, 1.5) as Box;
    expect(Math.abs(x1 - x0 - 72)).toBeLessThanOrEqual(2);
    expect(moved(155)?.[2]).toBe(160);
    expect(moved(300)).toBeUndefined();
  });
});
