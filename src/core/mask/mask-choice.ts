/** The value or the colour that is marked in a mask file with several. */
import { ProsamError } from '../common/errors.ts';

/** At most one of them. */
export interface MaskChoice {
  /** Grey value, or index of an indexed PNG. */
  value?: number;
  /** Six hexadecimal digits. */
  color?: string;
}

/** Largest value of a sample of 16 bits. */
export const MAX_MASK_VALUE = 65_535;
/** Form of a colour. */
export const MASK_COLOR = /^#?[0-9a-f]{6}$/i;

/** From the fields of an annotation; undefined where neither is there. @throws ANNOTATION_INVALID */
export function choiceOf({ maskValue, maskColor }: { maskValue?: unknown; maskColor?: unknown }): MaskChoice | undefined {
  const invalid = (problem: string): ProsamError => new ProsamError('ANNOTATION_INVALID', `mask: ${problem}.`);
  if (maskValue !== undefined && maskColor !== undefined) throw invalid('expected maskValue or maskColor, got both');
  if (maskValue !== undefined) {
    if (Number.isInteger(maskValue) && (maskValue as number) >= 0 && (maskValue as number) <= MAX_MASK_VALUE)
      return { value: maskValue as number };
    throw invalid(`maskValue: expected a whole number from 0 to ${MAX_MASK_VALUE}, got ${JSON.stringify(maskValue)}`);
  }
  if (maskColor === undefined) return undefined;
  if (typeof maskColor === 'string' && MASK_COLOR.test(maskColor)) return { color: maskColor.replace('#', '').toLowerCase() };
  throw invalid(`maskColor: expected six hexadecimal digits such as ff0000, got ${JSON.stringify(maskColor)}`);
}
