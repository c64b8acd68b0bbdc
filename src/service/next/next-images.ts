/** The list of images to label next, page by page. */
import type { ImageStore } from '../ports/storage.ts';
import { listed, rankImages, type NextImage } from './rank-images.ts';

/** Images whose novelty is looked at: those of the largest gain. Beyond them gain alone decides. */
export const MAX_RANKED = 500;
/** Images that a page may be ranked down to; further ones follow by gain. */
const MAX_CHOSEN = 100;
/** Labeled images they are compared with: the last known. */
const MAX_LABELLED = 100;

/** offset: 0-based. limit 1 to 1,000 */
export async function nextImages(
  images: Pick<ImageStore, 'unlabelled' | 'labelledLooks'>,
  project: string,
  { limit, offset = 0 }: { limit: number; offset?: number },
): Promise<NextImage[]> {
  const end = offset + limit;
  const [pool, labelled] =
    offset < MAX_RANKED
      ? await Promise.all([images.unlabelled(project, { limit: MAX_RANKED }), images.labelledLooks(project, MAX_LABELLED)])
      : [[], []];
  const ranked = await rankImages(pool, labelled, Math.min(end, MAX_CHOSEN));
  const here = ranked.slice(offset, end);
  const from = Math.max(offset, MAX_RANKED);
  if (end <= from) return here;
  // The list goes on where those end that were compared.
  const further = await images.unlabelled(project, { limit: end - from, offset: from });
  return [...here, ...further.map((image) => listed(image))];
}
