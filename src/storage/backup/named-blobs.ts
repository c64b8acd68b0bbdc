/** The blobs that rows name. */
import type { Entry } from '../copy/copy-rows.ts';

/** Columns that name a blob, by table. */
const NAMES: Readonly<Record<string, string>> = { images: 'sha256', annotations: 'sha256', versions: 'weights' };

/** Passes entries on and notes what they name. */
export async function* notingBlobs(entries: AsyncIterable<Entry>, named: Set<string>): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const column = 'table' in entry ? NAMES[entry.table.name] : undefined;
    if (column !== undefined && 'row' in entry) named.add(String(entry.row[column]));
    yield entry;
  }
}
