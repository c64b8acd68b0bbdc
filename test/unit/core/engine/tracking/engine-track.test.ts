/** An object followed by a real engine over three frames of which every pixel is known, and marks that do not fit their frame. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, TrackedFrame } from '../../../../../src/core/engine/types.ts';
import { createEngine } from '../../../../../src/core/runtime/node/create-engine.ts';
import { expectRejection } from '../../expect-error.ts';
import { frameOf, overlap } from './frames.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ model: 'tiny', device: 'cpu' });
});
afterAll(() => engine.close());

const START = frameOf([{ x: 50, y: 50 }]);
const maskOf = ({ found, mask }: TrackedFrame) => (found && mask) || expect.fail('the object was not found');

describe('engine.track', () => {
  it('follows the object from step to step, and says so when it is gone', async () => {
    const moved = frameOf([{ x: 57, y: 53 }]);
    const turned = frameOf([{ x: 64, y: 56, angle: 0.1 }]);
    const first = { image: START.frame, mask: START.mask };
    const one = await engine.track(moved.frame, first);
    expect(overlap(maskOf(one), moved.mask)).toBeGreaterThan(0.9);
    expect(one.area).toBe(one.mask?.data.reduce((sum, value) => sum + value, 0));
    expect(one.state).toMatchObject({ lost: 0 });
    expect(one.state.motion.dx).toBeCloseTo(7, 0);
    expect(one.state.motion.dy).toBeCloseTo(3, 0);

    const two = await engine.track(turned.frame, first, { state: one.state, recent: { image: moved.frame, mask: maskOf(one) } });
    expect(overlap(maskOf(two), turned.mask)).toBeGreaterThan(0.9);
    // A mask left where it was would not do.
    expect(overlap(START.mask, turned.mask)).toBeLessThan(0.6);

    const gone = await engine.track(frameOf([]).frame, first, { state: two.state });
    expect(gone).toMatchObject({ found: false, state: { lost: 1, seen: two.state.seen } });
    expect(gone).not.toHaveProperty('mask');
  });

  it('refuses a mask of another size, a mark beside the frame, and a state out of bounds', async () => {
    const { frame, mask } = START;
    const small = { data: mask.data.slice(0, 100 * 80), width: 100, height: 80 };
    await expectRejection('MASK_SIZE_MISMATCH', engine.track(frame, { image: frame, mask: small }), '160 x 120');
    await expectRejection('ANNOTATION_OUTSIDE', engine.track(frame, { image: frame, box: [300, 300, 400, 400] }));
    const { state } = await engine.track(frame, { image: frame, mask });
    await expectRejection('OPTION_INVALID', engine.track(frame, { image: frame, mask }, { state: { ...state, lost: -1 } }), 'state.lost');
  });
});
