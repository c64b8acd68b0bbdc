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
import { groupedBy } from '../core/common/grouped.ts';
import type { RunFiles } from './run-files.ts';
import type { LearnerSettings } from './settings.ts';
import { isAbsence, type Lesson } from './snapshot.ts';

/** Images below which they are left out one at a time, and held-out ones from which on those held back for good are enough. */
const DOZEN = 12;

/** Weights trained with these alone: the file, or why there are none. */
export type TrainWith = (lessons: readonly Lesson[], fold: Fold) => Promise<Uint8Array | 'stopped' | 'memory'>;

export interface Fold {
  /** Folder of the trainer. */
  folder: string;
  /** From 1. */
  number: number;
  of: number;
}

export interface HeldOutOptions extends Omit<GateOptions, 'lessons' | 'onPair'> {
  engine: Engine;
  /** All of the run. */
  lessons: readonly Lesson[];
  settings: LearnerSettings;
  files: RunFiles;
  trainWith: TrainWith;
  /** Pairs measured so far, of how many. */
  onPair: (done: number, total: number) => void;
}

/** 'stopped', 'memory': what is measured so far lies in the run's folder. */
export async function heldOutPairs(options: HeldOutOptions): Promise<GatePair[] | 'stopped' | 'memory'> {
  const { lessons, settings } = options;
  const held = lessons.filter(({ split }) => split === 'gate');
  const groups = foldsOf(lessons, settings.folds);
  const pairs = await measureVersions({ ...options, lessons: held });
  if (pairs === undefined) return 'stopped';
  for (const [index, group] of groups.entries()) {
    if (!isPromising(pairs, settings)) break;
    const more = await foldPairs(options, group, { number: index + 1, of: groups.length });
    if (typeof more === 'string') return more;
    pairs.push(...more);
  }
  return pairs;
}

/** Images to train on that are held out together, in turn. */
export function foldsOf(lessons: readonly Lesson[], folds: number): Lesson[][] {
  const images = [...groupedBy(lessons, ({ sha256 }) => sha256)];
  const training = images.filter(([, of]) => of.every(({ split }) => split === 'train')).sort(([a], [b]) => (a < b ? -1 : 1));
  if (folds === 0 || images.length - training.length >= DOZEN) return [];
  const count = images.length < DOZEN ? training.length : Math.min(folds, training.length);
  return Array.from({ length: count }, (_, i) => training.filter((__, at) => at % count === i).flatMap(([, of]) => of));
}

/** More trainings only where what is measured so far shows a change that is no loss, or is too little to tell. */
function isPromising(pairs: readonly GatePair[], { margin, ...rule }: LearnerSettings): boolean {
  if (pairs.length === 0) return true;
  const { images, changed, gain } = judge(pairs, { ...rule, margin }).metrics;
  return images < rule.minGateImages || (changed > 0 && gain.mean > -Math.max(margin, Number.EPSILON));
}

async function foldPairs(
  { lessons, files, engine, trainWith, ...options }: HeldOutOptions,
  group: readonly Lesson[],
  { number, of }: Pick<Fold, 'number' | 'of'>,
): Promise<GatePair[] | 'stopped' | 'memory'> {
  const kept = join(files.folder, `fold-${number}.json`);
  const known = await readPairs(kept);
  if (known) return known;
  const left = lessons.filter((lesson) => lesson.split === 'train' && !group.includes(lesson));
  const marked = left.filter((lesson) => !isAbsence(lesson));
  if (![...groupedBy(marked, ({ label }) => label).values()].some(({ length }) => length >= 2)) return [];
  const folder = join(files.folder, `fold-${number}`);
  const weights = await trainWith(left, { folder, number, of });
  if (typeof weights === 'string') return weights;
  const candidate = `fold ${number}`;
  await engine.loadPromptEncoder(candidate, weights);
  const versions = { ...options.versions, candidate };
  const pairs = await measureVersions({ ...options, engine, lessons: group, versions }).finally(() =>
    engine.unloadPromptEncoder(candidate),
  );
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
