/** Blobs that no row points to: put aside first, ended after as long again, brought back where a row was written meanwhile. */
import type { Blobs } from '../../service/ports/storage.ts';
import type { BlobEntry, BlobRemoval, UpkeepStore } from '../../service/ports/upkeep.ts';
import type { Pruned, PrunePlan } from './plan.ts';

const AT_ONCE = 500;

interface Steps {
  remove: boolean;
  /** Asked before each page; false: stop. */
  mayGoOn: () => Promise<boolean>;
}

export async function pruneBlobs(
  { removal }: Pick<Blobs, 'removal'>,
  upkeep: UpkeepStore,
  { nowMs, blobMs }: Pick<PrunePlan, 'nowMs' | 'blobMs'>,
  steps: Steps,
): Promise<Pruned[]> {
  if (removal === undefined) return [];
  const [aside, ended] = [
    { what: 'blobs put aside' as const, count: 0, bytes: 0 },
    { what: 'blobs' as const, count: 0, bytes: 0 },
  ];
  const isOld = ({ sinceMs }: BlobEntry): boolean => sinceMs < nowMs - blobMs;
  for await (const page of pages(removal, isOld)) {
    if (!(await steps.mayGoOn())) break;
    for (const { entry, gone } of await pageDone(page, { removal, upkeep, isOld, remove: steps.remove })) {
      if (!gone) continue;
      const sum = entry.aside ? ended : aside;
      sum.count++;
      sum.bytes += entry.bytes;
    }
  }
  return [aside, ended];
}

interface PageParts {
  removal: BlobRemoval;
  upkeep: UpkeepStore;
  isOld: (entry: BlobEntry) => boolean;
  remove: boolean;
}

async function pageDone(page: readonly BlobEntry[], { removal, upkeep, isOld, remove }: PageParts) {
  const pointedTo = await upkeep.pointedTo(page.map(({ sha256 }) => sha256));
  const outcomes = page.map((entry) => ({ entry, gone: isOld(entry) && !pointedTo.has(entry.sha256) }));
  if (!remove) return outcomes;
  for (const { entry, gone } of outcomes) {
    const { sha256, aside } = entry;
    if (gone) await (aside ? removal.remove(sha256) : removal.putAside(sha256));
    else if (aside && pointedTo.has(sha256)) await removal.bringBack(sha256);
  }
  // Rows written while these were put aside: they come back at once instead of when they are asked for.
  const moved = outcomes.filter(({ entry, gone }) => gone && !entry.aside).map(({ entry }) => entry.sha256);
  const wanted = await upkeep.pointedTo(moved);
  for (const sha256 of wanted) await removal.bringBack(sha256);
  return outcomes.map(({ entry, gone }) => ({ entry, gone: gone && !wanted.has(entry.sha256) }));
}

/** Blobs old enough to go, and all that are aside. */
async function* pages(removal: BlobRemoval, isOld: (entry: BlobEntry) => boolean): AsyncGenerator<BlobEntry[]> {
  let page: BlobEntry[] = [];
  for await (const entry of removal.entries()) {
    if (!entry.aside && !isOld(entry)) continue;
    page.push(entry);
    if (page.length < AT_ONCE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
