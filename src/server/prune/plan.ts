/** Rules of pruning, as they are configured. */
import { BATCH_ENDED } from '../../adapters/webhook/parts.ts';
import type { PrunePlan } from '../../storage/prune/plan.ts';
import type { ProsamSettings } from '../config-types/config.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function prunePlan({ prune }: Pick<ProsamSettings, 'prune'>, nowMs: number): PrunePlan {
  const before = (days: number): number => nowMs - days * DAY_MS;
  return {
    nowMs,
    beforeMs: {
      predictions: before(prune.predictionDays),
      jobs: before(prune.jobDays),
      deliveries: before(prune.deliveryDays),
      runs: before(prune.versionDays),
      versions: before(prune.versionDays),
      ...(prune.imageDays !== undefined && { images: before(prune.imageDays) }),
    },
    keep: { runs: prune.runs, versions: prune.versions, ...(prune.images !== undefined && { images: prune.images }) },
    blobMs: prune.blobHours * HOUR_MS,
    // The end of a job is told from its rows.
    neededBy: { jobs: [BATCH_ENDED] },
  };
}

/** Time before which features of images were used last, milliseconds since 1970. */
export function featuresBefore({ prune }: Pick<ProsamSettings, 'prune'>, nowMs: number): number {
  return nowMs - prune.featureDays * DAY_MS;
}
