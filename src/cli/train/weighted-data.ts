/** Data sets of a training run as they are written: a path, or a path and its weight. */
import { existsSync } from 'node:fs';
import { mixDatasets, openDataset } from '../../training/datasets/index.ts';
import type { OpenDatasetOptions } from '../../training/datasets/index.ts';
import type { Dataset } from '../../training/types.ts';
import { UsageError } from '../common/command.ts';

export interface WeightedPath {
  path: string;
  weight: number;
}

/** Last colon with a number behind it. */
const WEIGHT = /^(.+):(\d+(?:\.\d*)?|\.\d+)$/;

/**
 * `photos:3` is the path photos with the weight 3, unless there is something of that whole name. A colon behind a single letter is a
 * drive on Windows.
 * @throws UsageError for a weight of 0
 */
export function weightedPath(text: string, exists: (path: string) => boolean = existsSync, platform = process.platform): WeightedPath {
  const [, path, number] = WEIGHT.exec(text) ?? [];
  const isDrive = platform === 'win32' && path?.length === 1;
  if (path === undefined || isDrive || exists(text)) return { path: text, weight: 1 };
  const weight = Number(number);
  if (!(weight > 0)) throw new UsageError(`--data: expected a weight above 0 behind the last colon, got ${JSON.stringify(text)}.`);
  return { path, weight };
}

/** @throws UsageError, DATASET_*, OPTION_INVALID; the signal's reason */
export async function openWeighted(texts: readonly string[], options: OpenDatasetOptions): Promise<Dataset> {
  const parts = [];
  for (const { path, weight } of texts.map((text) => weightedPath(text))) parts.push({ dataset: await openDataset(path, options), weight });
  return mixDatasets(parts);
}
