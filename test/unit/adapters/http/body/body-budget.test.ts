/** Bytes of bodies, counted and put together. */
import { describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../../../../src/adapters/http/body/body-budget.ts';
import { gatherBytes } from '../../../../../src/adapters/http/body/gather-bytes.ts';

describe('a budget', () => {
  it('counts what its parts hold, and gives back what an account held, once', () => {
    const whole = createBodyBudget(100);
    const part = whole.part(0.5);
    const [one, other] = [part.open(), whole.open()];
    one.add(40);
    other.add(60);
    expect([part.held(), whole.held()]).toEqual([40, 100]);
    expect(() => one.add(1)).toThrow(expect.objectContaining({ code: 'SERVICE_BUSY' }) as Error);
    one.leavePart();
    expect([part.held(), whole.held()]).toEqual([0, 100]);
    one.release();
    one.release();
    one.add(5);
    one.leavePart();
    expect([part.held(), whole.held()]).toEqual([0, 60]);
    other.release();
    expect(whole.held()).toBe(0);
  });
});

describe('the pieces of a body', () => {
  it('are as many bytes as came, in order, in few buffers', () => {
    for (const [expected, sizes] of [
      [0, Array<number>(20_000).fill(1)],
      [20_000, Array<number>(20_000).fill(1)],
      [0, [1, 100_000, 1, 65_536, 3]],
      [10, [10]],
      [10, [4, 4, 4]],
      [0, []],
    ] as const) {
      const gathered = gatherBytes(expected);
      let value = 0;
      const all: Buffer[] = [];
      for (const size of sizes) {
        const piece = Buffer.alloc(size, (value = (value + 7) % 251));
        all.push(piece);
        gathered.add(piece);
      }
      const pieces = gathered.pieces();
      expect(Buffer.concat(pieces).equals(Buffer.concat(all))).toBe(true);
      expect(pieces.length).toBeLessThan(10);
    }
  });
});
