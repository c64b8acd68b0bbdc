/** Removes what nobody needs any more from a store, while services go on working with it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Blobs, Queue, Store } from '../../service/ports/storage.ts';
import { PRUNED_ROWS, type UpkeepStore } from '../../service/ports/upkeep.ts';
import { pruneBlobs } from './prune-blobs.ts';
import type { Pruned, PrunePlan } from './plan.ts';

/** Lease of the one prune that runs; backups hold leases of their own that keep it off. */
export const PRUNE_LEASE = 'prune';
export const BACKUP_LEASES = 'backup/';
const LEASE_MS = 300_000;

/** Rows of one transaction: short enough that nobody waits for it. */
const ROWS_AT_ONCE = 100;
/** Between two transactions. */
const REST_MS = 5;

export interface PruneResult {
  pruned: Pruned[];
  /** Runs whose rows went: their files may go, too. */
  runs: string[];
  /** Reason why nothing was done, or not everything. */
  heldOff?: string;
}

export interface PruneOptions {
  /** false: nothing is changed. */
  remove: boolean;
  signal?: AbortSignal;
}

type PrunedStorage = { store: Pick<Store, 'upkeep'>; queue: Pick<Queue, 'depth'>; blobs: Pick<Blobs, 'removal'> };

/** One at a time over all processes, and not while a backup is made. @throws STORAGE_FAILED, STORAGE_TIMEOUT */
export async function pruneStorage(storage: PrunedStorage, plan: PrunePlan, options: PruneOptions): Promise<PruneResult> {
  const { upkeep } = storage.store;
  if (upkeep === undefined) return { pruned: [], runs: [], heldOff: 'this store removes nothing' };
  if (!options.remove) return pruneAll(storage, upkeep, plan, options, () => Promise.resolve(undefined));
  const holder = randomUUID();
  const keepOn = async (): Promise<string | undefined> => {
    const nowMs = Date.now();
    if (!(await upkeep.hold(PRUNE_LEASE, holder, { nowMs, leaseMs: LEASE_MS }))) return 'another prune is under way';
    const backups = await upkeep.held(BACKUP_LEASES, nowMs);
    return backups.length === 0 ? undefined : 'a backup is being made';
  };
  try {
    return await pruneAll(storage, upkeep, plan, options, keepOn);
  } finally {
    await upkeep.release(PRUNE_LEASE, holder).catch(() => undefined);
  }
}

async function pruneAll(
  storage: PrunedStorage,
  upkeep: UpkeepStore,
  plan: PrunePlan,
  { remove, signal }: PruneOptions,
  keepOn: () => Promise<string | undefined>,
): Promise<PruneResult> {
  const result: PruneResult = { pruned: [], runs: [] };
  const mayGoOn = async (): Promise<boolean> => {
    signal?.throwIfAborted();
    const heldOff = await keepOn();
    if (heldOff !== undefined) result.heldOff = heldOff;
    return heldOff === undefined;
  };
  if (!(await mayGoOn())) return result;
  const waiting = await storage.queue.depth();
  for (const kind of PRUNED_ROWS) {
    if ((plan.neededBy?.[kind] ?? []).some((name) => (waiting[name] ?? 0) > 0)) continue;
    const sum = { count: 0, bytes: 0 };
    result.pruned.push(Object.assign(sum, { what: kind }));
    if (!remove) {
      const { rows, bytes } = await upkeep.prunable(kind, plan);
      Object.assign(sum, { count: rows, bytes });
      continue;
    }
    for (;;) {
      if (!(await mayGoOn())) return result;
      const { rows, bytes, ids } = await upkeep.prune(kind, plan, ROWS_AT_ONCE);
      sum.count += rows;
      sum.bytes += bytes;
      result.runs.push(...ids);
      if (rows === 0) break;
      await wait(REST_MS);
    }
  }
  result.pruned.push(...(await pruneBlobs(storage.blobs, upkeep, plan, { remove, mayGoOn })));
  return result;
}
