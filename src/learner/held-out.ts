/**
 * The pairs of the gate: images held back for good, answered with the candidate, and while those are few also images it was trained on, each
 * answered with weights trained the same way without it (cross-validation). No pair is ever answered with weights that know its mask.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Engine } from '../core/engine/types.ts';
import { writeDurably } from '../core/files/write-file.ts';
import { judge, type GatePair } from './gate-decision.ts';
import { measureVersions, type GateOptions } from './gate.ts';
import { groupedBy } from './grouped.ts';
import type { RunFiles } from './run-files.ts';
import type { LearnerSettings } from './settings.ts';
import type { SnapshotMask } from './snapshot.ts';

/** Images below which they are left out one at a time, and held-out ones from which on those held back for good are enough. */
const DOZEN = 12;

/** Weights trained without some of the masks: the file, or why there are none. */
export type TrainWithout = (masks: readonly SnapshotMask[], fold: Fold) => Promise<Uint8Array | 'stopped' | 'memory'>;

export interface Fold {
  /** Folder of the trainer. */
  folder: string;
  /** From 1. */
  number: number;
  of: number;
}

export interface HeldOutOptions extends Omit<GateOptions, 'masks' | 'onPair'> {
  engine: Engine;
  /** All of the run. */
  masks: readonly SnapshotMask[];
  settings: LearnerSettings;
  files: RunFiles;
  trainWithout: TrainWithout;
  /** Pairs measured so far, of how many. */
  onPair: (done: number, total: number) => void;
}

/** 'stopped', 'memory': what is measured so far lies in the run's folder. */
export async function heldOutPairs(options: HeldOutOptions): Promise<GatePair[] | 'stopped' | 'memory'> {
  const { masks, settings } = options;
  const held = masks.filter(({ split }) => split === 'gate');
  const groups = foldsOf(masks, settings.folds);
  const pairs = await measureVersions({ ...options, masks: held });
  if (pairs === undefined) return 'stopped';
  if (groups.length === 0 || !isPromising(pairs, settings)) return pairs;
  for (const [index, group] of groups.entries()) {
    const more = await foldPairs(options, group, { number: index + 1, of: groups.length });
    if (typeof more === 'string') return more;
    pairs.push(...more);
  }
  return pairs;
}

/** Images to train on that are held out together, in turn. */
export function foldsOf(masks: readonly SnapshotMask[], folds: number): SnapshotMask[][] {
  const images = [...groupedBy(masks, ({ sha256 }) => sha256)];
  const training = images.filter(([, of]) => of.every(({ split }) => split === 'train')).sort(([a], [b]) => (a < b ? -1 : 1));
  if (folds === 0 || images.length - training.length >= DOZEN) return [];
  const count = images.length < DOZEN ? training.length : Math.min(folds, training.length);
  return Array.from({ length: count }, (_, i) => training.filter((__, at) => at % count === i).flatMap(([, of]) => of));
}

/** More trainings only where the images held back for good show a change that is no loss. */
function isPromising(pairs: readonly GatePair[], { margin, ...rule }: LearnerSettings): boolean {
  if (pairs.length === 0) return true;
  const { metrics } = judge(pairs, { ...rule, margin });
  return metrics.changed > 0 && metrics.gain.mean > -Math.max(margin, Number.EPSILON);
}

async function foldPairs(
  { masks, files, engine, trainWithout, ...options }: HeldOutOptions,
  group: readonly SnapshotMask[],
  { number, of }: Pick<Fold, 'number' | 'of'>,
): Promise<GatePair[] | 'stopped' | 'memory'> {
  const kept = join(files.folder, `fold-${number}.json`);
  const known = await readPairs(kept);
  if (known) return known;
  const left = masks.filter((mask) => mask.split === 'train' && !group.includes(mask));
  if (![...groupedBy(left, ({ label }) => label).values()].some(({ length }) => length >= 2)) return [];
  const folder = join(files.folder, `fold-${number}`);
  const weights = await trainWithout(left, { folder, number, of });
  if (typeof weights === 'string') return weights;
  const candidate = `fold ${number}`;
  await engine.loadPromptEncoder(candidate, weights);
  const versions = { ...options.versions, candidate };
  const pairs = await measureVersions({ ...options, engine, masks: group, versions }).finally(() => engine.unloadPromptEncoder(candidate));
  if (pairs === undefined) return 'stopped';
  await writeDurably(kept, JSON.stringify(pairs));
  await rm(folder, { recursive: true, force: true });
  return pairs;
}

const pairsSchema = z.array(
  z.object({
    ...{ label: z.string(), target: z.string(), current: z.number(), candidate: z.number(), agreement: z.number(), changed: z.boolean() },
    absent: z.literal(true).optional(),
    methods: z.object({ current: z.string(), candidate: z.string() }),
  }),
);

/** undefined: there are none that can be read. */
async function readPairs(file: string): Promise<GatePair[] | undefined> {
  try {
    return pairsSchema
      .parse(JSON.parse(await readFile(file, 'utf8')))
      .map(({ absent, ...pair }) => ({ ...pair, ...(absent && { absent }) }));
  } catch {
    return undefined;
  }
}
