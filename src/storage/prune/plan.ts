/** Plan of a prune, and what one kind came to. */
import type { PrunedKind, PruneRules } from '../../service/ports/upkeep.ts';

export interface PrunePlan extends PruneRules {
  /** Blobs that nothing points to: put aside when older than that, ended when aside for as long, in milliseconds. */
  blobMs: number;
  /** Queues whose waiting messages may still need the rows of a kind, which stays as long as there are any. */
  neededBy?: Partial<Record<PrunedKind, readonly string[]>>;
}

export interface Pruned {
  what: PrunedKind | 'blobs put aside' | 'blobs';
  count: number;
  bytes: number;
}
