/** A lease that keeps prunes from beginning, and waits for one that runs. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { UpkeepStore } from '../../service/ports/upkeep.ts';
import { BACKUP_LEASES, PRUNE_LEASE } from '../prune/prune-storage.ts';

/** A backup that was killed keeps prunes off for so long. */
const LEASE_MS = 180_000;
const RENEW_MS = 30_000;
const LOOK_AGAIN_MS = 200;

/** Resolves once no prune runs, to a function that ends the lease. */
export async function keepPruneOff(upkeep: UpkeepStore | undefined, signal?: AbortSignal): Promise<() => Promise<void>> {
  if (upkeep === undefined) return () => Promise.resolve();
  const holder = randomUUID();
  const name = `${BACKUP_LEASES}${holder}`;
  const hold = () => upkeep.hold(name, holder, { nowMs: Date.now(), leaseMs: LEASE_MS });
  await hold();
  // What is put aside while it could not be renewed still comes back when it is read.
  const renewing = setInterval(() => void hold().catch(() => undefined), RENEW_MS);
  const release = async (): Promise<void> => {
    clearInterval(renewing);
    await upkeep.release(name, holder).catch(() => undefined);
  };
  try {
    while ((await upkeep.held(PRUNE_LEASE, Date.now())).includes(PRUNE_LEASE)) await wait(LOOK_AGAIN_MS, undefined, { signal });
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}
