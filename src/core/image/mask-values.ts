/** Pixels of mask files, and the error that names the values of one. */
import { ProsamError } from '../common/errors.ts';

/** A decoded mask file. */
export interface MaskPixels {
  /** Samples of 8 or 16 bits, channels interleaved. */
  data: Uint8Array | Uint16Array;
  width: number;
  height: number;
  /** 1 grey (or alpha), 3 RGB. */
  channels: 1 | 3;
  /** The channel says how opaque a pixel is. */
  isAlpha?: boolean;
  /** Colours (r << 16 | g << 8 | b) by index, of an indexed PNG. */
  palette?: readonly number[];
}

/** Share of the pixels that lie within areas of one value, for that value to count as drawn and not as an edge. */
export const DRAWN_SHARE = 1 / 5000;

const SHOWN = 8;

/** The error that names the values and the option that picks one. */
export function severalValues(
  values: readonly { name: string; count: number }[],
  label: string,
  kind: 'value' | 'color',
  instead?: string,
): ProsamError {
  const sorted = [...values].sort((a, b) => b.count - a.count);
  const named = sorted.slice(0, SHOWN).map(({ name, count }) => `${name} (${count} pixels)`);
  const more = sorted.length > SHOWN ? ` and ${sorted.length - SHOWN} more` : '';
  const [option, field] = kind === 'value' ? ['--mask-value', 'maskValue'] : ['--mask-color', 'maskColor'];
  const example = sorted[1]?.name ?? sorted[0]?.name ?? '1';
  const got = instead === undefined ? '' : `${instead}, but `;
  return new ProsamError(
    'ANNOTATION_INVALID',
    `${label}: expected a mask of two values, the object and the rest, got ${got}${named.join(', ')}${more}. ` +
      `Choose the object's with ${field} (${option} on the command line), such as ${example}.`,
  );
}
