/** Ports of upkeep: rows and bytes that nobody needs any more, and leases on work that must not overlap. */

/** Kinds of rows that may go. Annotations, masks and what they refer to never do. */
export const PRUNED_ROWS = ['predictions', 'jobs', 'deliveries', 'runs', 'versions', 'images', 'signatures'] as const;
export type PrunedKind = (typeof PRUNED_ROWS)[number];

/** Bounds on what may go: rows older than a time, beyond the newest of their project. Times are milliseconds since 1970. */
export interface PruneRules {
  nowMs: number;
  /** Rows from before that time; absent kinds stay. Signatures go once they count no more. */
  beforeMs: Partial<Record<Exclude<PrunedKind, 'signatures'>, number>>;
  /** Newest of each project that stay whatever their age. images: of those nobody annotated; beyond them they go after a day, unless absent. */
  keep: { runs: number; versions: number; images?: number };
}

/** Rows that go or would go. */
export interface PrunedRows {
  rows: number;
  /** Length of what they hold, about. */
  bytes: number;
  /** Ids of runs, whose files may lie on this machine; empty for other kinds. */
  ids: readonly string[];
}

export interface UpkeepStore {
  /**
   * Removes at most `limit` rows of a kind in one transaction; 0 rows: none is left. Kept whatever their age: what has not ended, what was
   * annotated at any time, the live version and its parent, the `keep.versions` that were in service last, all versions of a project while
   * it is trained, all images of one with a job under way, and the newest run that learned something.
   */
  prune(kind: PrunedKind, rules: PruneRules, limit: number): Promise<PrunedRows>;
  /** The same rows, all of them, counted and left. */
  prunable(kind: PrunedKind, rules: PruneRules): Promise<PrunedRows>;
  /** Those of these blobs that a row points to. At most 1,000 at a time. */
  pointedTo(hashes: readonly string[]): Promise<Set<string>>;
  /**
   * Takes or renews a lease, at most `MAX_LEASE_MS` long; false while another holds it. One that is over, or ends later than any may, is
   * nobody's.
   */
  hold(name: string, holder: string, times: { nowMs: number; leaseMs: number }): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
  /** Names of leases held now that begin so. */
  held(prefix: string, nowMs: number): Promise<string[]>;
}

/** A blob, or one that was put aside. */
export interface BlobEntry {
  sha256: string;
  bytes: number;
  /** Time it was written or put aside, milliseconds since 1970. */
  sinceMs: number;
  aside: boolean;
}

/**
 * Removal in two steps, so that bytes for which a row is written meanwhile are never lost: what was put aside comes back whenever it is
 * asked for.
 */
export interface BlobRemoval {
  entries(): AsyncIterable<BlobEntry>;
  /** Takes it out of the way. A missing one is no error, in these three. */
  putAside(sha256: string): Promise<void>;
  bringBack(sha256: string): Promise<void>;
  /** Ends what was put aside; a blob that is in its place stays there. */
  remove(sha256: string): Promise<void>;
}
