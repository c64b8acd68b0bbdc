/** Choice of the page of a file with several, and the words that tell people about it. */
import type { Notice } from '../../common/notice.ts';
import { ProsamError } from '../../common/errors.ts';

export interface PageFacts {
  width: number;
  height: number;
  /** A smaller version of another page, as the file itself says. */
  reduced?: boolean;
  /** A mask of another page. */
  isMask?: boolean;
}

/** Pages that a notice names. */
const NAMED = 6;

/**
 * Index of the page to read: the one asked for (counted from 1); else the first, or the largest where the first is a thumbnail: marked
 * as one, or less than half as wide and as high as another page. Smaller versions and masks of the page that is read need no notice.
 * @throws IMAGE_UNREADABLE for a page that the file does not have
 */
export function choosePage(
  pages: readonly PageFacts[],
  label: string,
  { asked, first = 0, what = '' }: { asked?: number | undefined; first?: number; what?: string } = {},
): { index: number; notices: Notice[] } {
  if (asked !== undefined) {
    if (asked <= pages.length) return { index: asked - 1, notices: [] };
    throw new ProsamError(
      'IMAGE_UNREADABLE',
      `${label}: expected a file with a page ${asked}, got ${pages.length === 1 ? 'one of a single page' : `one of ${pages.length} pages`}. ` +
        'Choose another with --page (page in the SDK and over HTTP).',
    );
  }
  if (pages.length < 2) return { index: 0, notices: [] };
  const start = pages[first] as PageFacts;
  const largest = pages.reduce((best, page, i) => (page.isMask !== true && area(page) > area(pages[best] as PageFacts) ? i : best), first);
  const most = pages[largest] as PageFacts;
  const isThumbnail =
    (start.reduced === true && area(most) > area(start)) || (2 * start.width < most.width && 2 * start.height < most.height);
  const index = isThumbnail ? largest : first;
  const others = pages.filter((page, i) => i !== index && page.reduced !== true && page.isMask !== true);
  if (others.length === 0 && !isThumbnail) return { index, notices: [] };
  const why = isThumbnail ? ` (page ${first + 1} is a thumbnail)` : '';
  const message =
    `the file holds ${pages.length} pages${what === '' ? '' : ` (${what})`}: ${sizes(pages)}; page ${index + 1} is read${why}. ` +
    'Choose another with --page N (page in the SDK and over HTTP).';
  return { index, notices: [{ code: 'PAGES_LEFT_OUT', message }] };
}

const area = ({ width, height }: PageFacts): number => width * height;

function sizes(pages: readonly PageFacts[]): string {
  const all = pages.map(({ width, height }) => `${width} x ${height}`);
  if (new Set(all).size === 1) return `all ${all[0]}`;
  const named = all.slice(0, NAMED).map((size, i) => `${i + 1}: ${size}`);
  return `${named.join(', ')}${all.length > NAMED ? ', ...' : ''}`;
}
