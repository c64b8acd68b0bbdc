/** Notices: facts about an input that a caller should know although the call went through. */

/**
 * - VALUES_SCALED: samples of more than 8 bits were brought to 0..255 by their own range or by a full scale that fits them
 * - VALUES_CONSTANT: every sample has the same value
 * - VALUES_MISSING: some samples are NaN, infinite, or the file's own mark for no data
 * - VALUE_RANGE_UNUSED: a value range was given and the samples are 8 bit, which are read as they are
 * - PAGES_LEFT_OUT: the file holds more pages or frames than the one that was read
 * - CHANNELS_LEFT_OUT: the file holds more channels than those that were read
 * - COORDINATES_TINY: coordinates in pixels that look like shares of the image's sides
 * - MASK_FULL: a mask marks its whole image
 */
export const NOTICE_CODES = [
  'VALUES_SCALED',
  'VALUES_CONSTANT',
  'VALUES_MISSING',
  'VALUE_RANGE_UNUSED',
  'PAGES_LEFT_OUT',
  'CHANNELS_LEFT_OUT',
  'COORDINATES_TINY',
  'MASK_FULL',
] as const;
export type NoticeCode = (typeof NOTICE_CODES)[number];

/** A fact about an input that a caller should know although the call went through. */
export interface Notice {
  code: NoticeCode;
  /** Finding, what was done about it, and how to have it otherwise. */
  message: string;
  /** The input it is about, such as 'target' or 'reference 2'; absent where there is only one. */
  about?: string;
}

/** Names the input that notices are about. */
export function aboutInput(about: string, notices: readonly Notice[] = []): Notice[] {
  return notices.map((notice) => ({ ...notice, about }));
}

/** A notice as one line for people. */
export function noticeLine({ code, message, about }: Notice): string {
  return `${about === undefined ? '' : `${about}: `}${code}: ${message}`;
}

/** Notices as a result carries them: absent where there are none. */
export function notesOf(...lists: (readonly Notice[] | undefined)[]): { notices?: Notice[] } {
  const notices = lists.flatMap((list) => list ?? []);
  return notices.length === 0 ? {} : { notices };
}

/** The same as lines, for those who pass them on to people. */
export function linesOf(...lists: (readonly Notice[] | undefined)[]): { notices?: string[] } {
  const { notices } = notesOf(...lists);
  return notices ? { notices: notices.map(noticeLine) } : {};
}
