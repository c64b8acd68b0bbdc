/** Everything that may go, from the store and from this machine. */
import { join, resolve } from 'node:path';
import type { Storage } from '../../service/ports/storage.ts';
import type { Pruned } from '../../storage/prune/plan.ts';
import { pruneStorage, type PruneOptions } from '../../storage/prune/prune-storage.ts';
import type { ProsamSettings } from '../config-types/config.ts';
import { pruneFeatures, removeRunFiles } from './feature-files.ts';
import { featuresBefore, prunePlan } from './plan.ts';

export interface PruneReport {
  /** false: what is listed would go. */
  removed: boolean;
  items: { what: Pruned['what'] | 'cached features'; why: string; count: number; bytes: number }[];
  /** Reason why not everything was done. */
  heldOff?: string;
}

export interface PruneEverythingOptions extends PruneOptions {
  /** @default Date.now() */
  nowMs?: number;
}

export type PruneSettings = Pick<ProsamSettings, 'prune' | 'cache' | 'learner'>;

/** @throws STORAGE_FAILED, STORAGE_TIMEOUT */
export async function pruneEverything(
  storage: Pick<Storage, 'store' | 'queue' | 'blobs'>,
  settings: PruneSettings,
  { nowMs = Date.now(), ...options }: PruneEverythingOptions,
): Promise<PruneReport> {
  const { pruned, runs, heldOff } = await pruneStorage(storage, prunePlan(settings, nowMs), options);
  const items: PruneReport['items'] = pruned.map((one) => ({ ...one, why: reasonOf(one.what, settings) }));
  if (options.remove) await removeRunFiles(settings.learner.workDir, runs);
  const folders = [...(settings.cache === '' ? [] : [settings.cache]), join(settings.learner.workDir, 'features')];
  const features = { what: 'cached features' as const, why: reasonOf('cached features', settings), count: 0, bytes: 0 };
  for (const folder of new Set(folders.map((path) => resolve(path)))) {
    const beforeMs = featuresBefore(settings, nowMs);
    const { count, bytes } = await pruneFeatures(folder, { beforeMs, nowMs, remove: options.remove });
    features.count += count;
    features.bytes += bytes;
  }
  items.push(features);
  return { removed: options.remove, items, ...(heldOff !== undefined && { heldOff }) };
}

function reasonOf(what: PruneReport['items'][number]['what'], { prune }: PruneSettings): string {
  const REASONS: Record<typeof what, string> = {
    predictions: `older than ${days(prune.predictionDays)}`,
    jobs: `ended more than ${days(prune.jobDays)} ago`,
    deliveries: `delivered or given up, older than ${days(prune.deliveryDays)}`,
    runs: `ended more than ${days(prune.versionDays)} ago, beyond the newest ${prune.runs} of a project`,
    versions: `older than ${days(prune.versionDays)}, beyond the newest ${prune.versions} of a project and those last in service`,
    images: whyImages(prune),
    signatures: 'over',
    'blobs put aside': `nothing has pointed to them for ${prune.blobHours} h; they come back where they are asked for`,
    blobs: `put aside for ${prune.blobHours} h, and nothing points to them`,
    'cached features': `not used for ${days(prune.featureDays)}`,
  };
  return REASONS[what];
}

function whyImages({ imageDays, images }: PruneSettings['prune']): string {
  const bounds = [
    ...(imageDays === undefined ? [] : [`older than ${days(imageDays)}`]),
    ...(images === undefined ? [] : [`beyond the newest ${images} of a project`]),
  ];
  return bounds.length === 0 ? 'kept: neither prune.imageDays nor prune.images is set' : `not annotated, ${bounds.join(' or ')}`;
}

function days(count: number): string {
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}
