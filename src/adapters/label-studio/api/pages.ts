/** Lists that come in pages, as one. */
import { failed } from './transport.ts';

export interface Page<T> {
  total: number;
  items: readonly T[];
}

/**
 * read: page numbers begin with 1; undefined for a page that is not there. what: name of the list, for errors.
 * @throws LABEL_STUDIO_FAILED where the list ends before it gave as many as it says there are
 */
export async function* pages<T>(what: string, read: (page: number) => Promise<Page<T> | undefined>): AsyncGenerator<T> {
  let given = 0;
  for (let page = 1; ; page++) {
    const found = await read(page);
    yield* found?.items ?? [];
    given += found?.items.length ?? 0;
    if (found !== undefined && given >= found.total) return;
    if (found !== undefined && found.items.length > 0) continue;
    // It ended early. Where some were deleted meanwhile, the list itself says so.
    const total = page === 1 ? found?.total : (await read(1))?.total;
    if (total !== undefined && given >= total) return;
    throw failed(`${what}: expected ${total ?? 'a list'}, got ${given} before its end. Check what answers at this address`);
  }
}
