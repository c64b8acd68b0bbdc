/** The rule of the golden manifest: floats within atol (and RMS within rms_atol), whole numbers equal unless a note says otherwise. */
import { iou } from '../../src/core/mask/metrics.ts';
import type { Expectation, NumberTensor } from './golden-set.ts';

export interface Comparison {
  ok: boolean;
  maxDiff: number;
  /** The bound that decided, in words. */
  bound: string;
}

/** slack: multiple of the bounds on floats that still counts as hit; said in `bound` where it was needed. */
export function compare(actual: ArrayLike<number>, expected: NumberTensor, rule: Expectation, slack = 1): Comparison {
  if (actual.length !== expected.data.length)
    return { ok: false, maxDiff: NaN, bound: `${expected.data.length} values, got ${actual.length}` };
  let maxDiff = 0;
  let squares = 0;
  let differing = 0;
  for (let i = 0; i < actual.length; i++) {
    const diff = Math.abs((actual[i] as number) - (expected.data[i] as number));
    if (!(diff <= maxDiff)) maxDiff = diff; // keeps NaN, which no bound admits
    squares += diff * diff;
    if (diff !== 0) differing++;
  }
  if (rule.atol !== undefined) {
    const rms = Math.sqrt(squares / Math.max(actual.length, 1));
    const within = (times: number): boolean =>
      maxDiff <= times * (rule.atol as number) && (rule.rms_atol === undefined || rms <= times * rule.rms_atol);
    const bound = rule.rms_atol === undefined ? `${rule.atol}` : `${rule.atol} rms ${rms.toExponential(1)}<=${rule.rms_atol}`;
    return { ok: within(slack), maxDiff, bound: within(slack) && !within(1) ? `${slack} times ${bound}` : bound };
  }
  if (rule.max_level_diff !== undefined) return { ok: maxDiff <= rule.max_level_diff, maxDiff, bound: `${rule.max_level_diff} levels` };
  if (rule.max_differing !== undefined)
    return { ok: differing <= rule.max_differing, maxDiff: differing, bound: `${rule.max_differing} differing` };
  if (rule.min_iou !== undefined) {
    const value = iou(Uint8Array.from(actual), Uint8Array.from(expected.data));
    return { ok: value >= rule.min_iou, maxDiff: 1 - value, bound: `IoU ${value.toFixed(3)}>=${rule.min_iou}` };
  }
  return { ok: differing === 0, maxDiff, bound: 'exact' };
}

/** Largest difference in shares of the largest known magnitude; Infinity where counts differ or a value is no number. */
export function relativeError(actual: ArrayLike<number>, { data }: NumberTensor): number {
  if (actual.length !== data.length) return Infinity;
  let [largest, scale] = [0, 0];
  data.forEach((value, i) => {
    const gap = Math.abs(value - (actual[i] as number));
    largest = Number.isNaN(gap) ? Infinity : Math.max(largest, gap);
    scale = Math.max(scale, Math.abs(value));
  });
  return largest / scale;
}
