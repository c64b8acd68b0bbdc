/** Samples of mask files that are no plain 8 or 16 bits: floats, signed and long integers become the values that the rule for masks reads. */
import { ProsamError } from '../common/errors.ts';
import { PAUSE_AFTER_PLAIN, type Steps } from '../mask/cooperative.ts';
import type { MaskPixels } from './mask-values.ts';
import type { Samples } from './values/samples.ts';

/** Most different values that are kept apart while it is not known what they are. */
const FEW = 2;

/**
 * - whole numbers from 0 to 65535: as they are, class ids among them
 * - numbers from 0 to 1: shares of white, such as probabilities
 * - any two values, one of them 0, such as 0 and -1: the other one is white
 * NaN, infinities and the file's own mark for no data are 0. Where the lowest value is white, 8 and 16 unsigned bits count from the other end.
 * @throws ANNOTATION_INVALID for all other numbers
 */
export function* maskSamples(samples: Samples, label: string): Steps<MaskPixels> {
  const { data, noData, width, height, channels, inverted = false, type } = samples;
  const white = type === 'uint8' ? 255 : type === 'uint16' ? 65_535 : 1;
  const valueAt = (at: number): number => {
    const value = data[at] as number;
    if (!Number.isFinite(value) || value === noData) return 0;
    return inverted ? white - value : value;
  };
  const seen = new Set<number>();
  let [low, high, whole] = [Infinity, -Infinity, true];
  for (let start = 0; start < data.length; start += PAUSE_AFTER_PLAIN) {
    for (let at = start, end = Math.min(data.length, start + PAUSE_AFTER_PLAIN); at < end; at++) {
      const value = valueAt(at);
      if (value < low) low = value;
      if (value > high) high = value;
      if (whole && !Number.isInteger(value)) whole = false;
      if (seen.size <= FEW) seen.add(value);
    }
    yield;
  }
  const isPair = seen.size <= FEW && seen.has(0);
  let levelOf: (value: number) => number;
  if (whole && low >= 0 && high <= 65_535) levelOf = (value) => value;
  else if (low >= 0 && high <= 1) levelOf = (value) => Math.round(255 * value);
  else if (isPair) levelOf = (value) => (value === 0 ? 0 : 255);
  else {
    throw new ProsamError(
      'ANNOTATION_INVALID',
      `${label}: expected a mask of whole numbers from 0 to 65535, of shares from 0 to 1, or of 0 and one other value, got numbers from ${low} to ${high}. ` +
        'Save it as 0 and 1, or as a PNG.',
    );
  }
  const out = high > 255 && whole ? new Uint16Array(data.length) : new Uint8Array(data.length);
  for (let start = 0; start < data.length; start += PAUSE_AFTER_PLAIN) {
    for (let at = start, end = Math.min(data.length, start + PAUSE_AFTER_PLAIN); at < end; at++) out[at] = levelOf(valueAt(at));
    yield;
  }
  return { data: out, width, height, channels };
}
