/** Notice about masks that leave nothing of their image. */
import type { Notice } from '../common/notice.ts';

/** area: marked pixels. what: names the mask where there are several. */
export function fullMaskNotices(area: number, { width, height }: { width: number; height: number }, what = 'the mask'): Notice[] {
  if (area < width * height) return [];
  const message =
    `${what} marks every pixel of ${width} x ${height}: nothing is left to tell the object from. Mark the object alone, ` +
    'or turn the mask around where its background was meant.';
  return [{ code: 'MASK_FULL', message }];
}
