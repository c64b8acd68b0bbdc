/** Options of reading an image file whose content leaves a choice: the values that are black and white, and the page. */
import { ProsamError } from '../../common/errors.ts';

/** Sample values that become black and white. */
export type ValueRange = readonly [black: number, white: number];

export interface ImageReading {
  /**
   * Sample values that become 0 and 255 in images of more than 8 bits a sample, signed ones and floats; 8-bit samples are read as they
   * are. black < white. @default by the rule of docs/files.md
   */
  valueRange?: ValueRange;
  /** Page or frame of files with several, counted from 1. @default the first, or the largest where the first is a thumbnail */
  page?: number;
}

/** Largest number of a page. */
export const MAX_PAGE = 100_000;

/** @throws OPTION_INVALID */
export function checkReading({ valueRange, page }: ImageReading): void {
  if (page !== undefined && !(Number.isInteger(page) && page >= 1 && page <= MAX_PAGE))
    throw new ProsamError('OPTION_INVALID', `page: expected a whole number from 1 to ${MAX_PAGE}, got ${page}. The first page is 1.`);
  if (valueRange === undefined) return;
  const given: readonly unknown[] = Array.isArray(valueRange) ? valueRange : [];
  const [black, white] = given;
  const fits = given.length === 2 && Number.isFinite(black) && Number.isFinite(white) && (black as number) < (white as number);
  if (!fits)
    throw new ProsamError(
      'OPTION_INVALID',
      `valueRange: expected two finite numbers [black, white] with black < white, got ${JSON.stringify(valueRange)}.`,
    );
}

/** The options of a call before those of an engine; undefined ones do not count. */
export function joinedReading(first: ImageReading, second: ImageReading): ImageReading {
  const valueRange = first.valueRange ?? second.valueRange;
  const page = first.page ?? second.page;
  return { ...(valueRange && { valueRange }), ...(page !== undefined && { page }) };
}

/** Part of an image's key: the same bytes read in another way are another image. Empty where nothing is asked for. */
export function readingKey({ valueRange, page }: ImageReading): string {
  const values = valueRange === undefined ? '' : `-v${valueRange[0]}_${valueRange[1]}`;
  return `${values}${page === undefined ? '' : `-p${page}`}`;
}
