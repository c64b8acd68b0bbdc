/** Notices of a call, gathered from the images and annotations it read. */
import { aboutInput, notesOf, type Notice } from '../common/notice.ts';

export interface Notes {
  /** About one input; what is known of an image is said once, however often it is used. */
  add(about: string, image: { key: string; notices?: readonly Notice[] }, more?: readonly Notice[]): void;
  result(): { notices?: Notice[] };
}

/** Collects the notices of one prediction. */
export function createNotes(): Notes {
  const seen = new Set<string>();
  const all: Notice[] = [];
  return {
    add(about, { key, notices = [] }, more = []) {
      if (!seen.has(key)) all.push(...aboutInput(about, notices));
      seen.add(key);
      all.push(...aboutInput(about, more));
    },
    result: () => notesOf(all),
  };
}
