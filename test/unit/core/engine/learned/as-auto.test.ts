/** What left-out images would have got without fitted numbers. */
import { describe, expect, it } from 'vitest';
import { bothSeen, leftByAuto } from '../../../../../src/core/engine/learned/as-auto.ts';
import type { Evidence } from '../../../../../src/core/engine/trust/evidence-numbers.ts';
import { leavesTrained } from '../../../../../src/core/engine/trust/estimates.ts';

const evidence: Evidence = {
  ...{ found: 0.8, lead: 0.1, likeness: 0.7, likenessLead: 0.1, precision: 0.7, coverage: 0.7, size: -2, relativeSize: 0 },
  ...{ certainty: 0.7, samIou: 0.7 },
};
const seen = (prosam: number, nearest: number) => ({ prosam: { evidence, iou: prosam }, nearest: { evidence, iou: nearest } });

describe('auto in left-out images', () => {
  it('leaves prosam where nearest is ahead by much on the images, as in a target, and keeps it where it is behind', () => {
    expect([leavesTrained(evidence, evidence, 0.8), leavesTrained(evidence, evidence, -0.8)]).toEqual([true, false]);
    expect(leftByAuto([seen(0.1, 0.9), seen(0.1, 0.9)], {})).toEqual([true, true]);
    expect(leftByAuto([seen(0.9, 0.1), seen(0.9, 0.1)], {})).toEqual([false, false]);
  });

  it('compares both methods on as many images as the check on the references does', () => {
    const images = [...Array.from({ length: 5 }, () => seen(0.1, 0.9)), ...Array.from({ length: 7 }, () => seen(0.9, 0))];
    expect(leftByAuto(images, { promptReferences: 5 })[11]).toBe(true);
    expect(leftByAuto(images, {})[0]).toBe(false);
  });

  it('is nobody where the methods are chosen on the references alone', async () => {
    const context = { networks: { matching: { nearest: { compare: 'averages' } } } };
    expect(await bothSeen(context as never, new Map(), {} as never, {})).toBeUndefined();
  });
});
