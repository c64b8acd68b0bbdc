/** Lists that come in pages, as one. */

export interface Page<T> {
  total: number;
  items: readonly T[];
}

/** read: page numbers begin with 1; a page behind the end is empty. */
export async function* pages<T>(read: (page: number) => Promise<Page<T>>): AsyncGenerator<T> {
  let given = 0;
  for (let page = 1; ; page++) {
    const { total, items } = await read(page);
    yield* items;
    given += items.length;
    // Items may vanish between two pages, so the count alone does not end it.
    if (items.length === 0 || given >= total) return;
  }
}
