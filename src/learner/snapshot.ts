/** The masks one run learns from, fixed when it begins, so that a resumed run goes on with exactly the same. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { PROVENANCES } from '../service/ports/storage.ts';
import { writeDurably } from '../core/files/write-file.ts';
import type { LearnerSettings } from './settings.ts';

const maskSchema = z.object({
  /** Id of the mask in the store; absent in snapshots of earlier versions. */
  id: z.int().optional(),
  label: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  rle: z.object({ size: z.tuple([z.int(), z.int()]), counts: z.string() }),
  provenance: z.enum(PROVENANCES),
  split: z.enum(['train', 'gate']),
  /** No earlier run has learned from it. */
  isNew: z.boolean(),
});
/** One mask of one label on one image. */
export type SnapshotMask = z.output<typeof maskSchema>;

const absenceSchema = z.object({
  label: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Pixels of the upright image. */
  width: z.int().min(1),
  height: z.int().min(1),
  split: z.enum(['train', 'gate']),
});
/** One label that one image does not show: its truth is an empty mask. */
export type SnapshotAbsence = z.output<typeof absenceSchema>;

/** A mask of one label on one image, or the word that there is none. */
export type Lesson = SnapshotMask | SnapshotAbsence;

export function isAbsence(lesson: Lesson): lesson is SnapshotAbsence {
  return !('rle' in lesson);
}

const referenceSchema = maskSchema.pick({ label: true, sha256: true, rle: true }).extend({
  /** Id of the mask in the store. */
  id: z.int(),
  /** Other labels that its image shows. */
  shows: z.array(z.string()),
});
/** A mask that a prediction goes by. */
export type SnapshotReference = z.output<typeof referenceSchema>;

const snapshotSchema = z.object({
  format: z.literal('prosam-learner-snapshot/2'),
  run: z.string(),
  project: z.string(),
  /** Version in service when the run began; absent: the model's own prompt encoder. */
  parent: z.string().optional(),
  /** Seed of the whole run. */
  seed: z.int().min(0),
  /** Settings that must not change while a run is resumed. */
  training: z.object({
    steps: z.int(),
    batch: z.int(),
    samples: z.int(),
    lr: z.number(),
    averageDecay: z.number(),
    /** Absent in snapshots of 0.1, which kept nothing. */
    keep: z.number().default(0),
    /** Absent in earlier snapshots, which cut none. */
    crops: z.int().default(0),
    replayShare: z.number(),
    absentShare: z.number(),
  }),
  masks: z.array(maskSchema),
  absences: z.array(absenceSchema),
  references: z.array(referenceSchema),
  /** Images that show none of the labels: finds are held against them. */
  without: z.array(z.string()),
  /** Ids of the references that each image is asked with: those the project would use if nobody had annotated it. */
  asked: z.record(z.string(), z.array(z.int())),
  /** Masks of each label that had been accepted when the run began. */
  accepted: z.record(z.string(), z.int()),
  /** Notes for people about the choice. */
  notes: z.array(z.string()),
});
export type Snapshot = z.output<typeof snapshotSchema>;

/** The settings that a run keeps to its end. */
export function trainingOf(settings: LearnerSettings): Snapshot['training'] {
  const { steps, batch, samples, lr, keep, crops, averageDecay, replayShare, absentShare } = settings;
  return { steps, batch, samples, lr, keep, crops, averageDecay, replayShare, absentShare };
}

const FILE = 'snapshot.json';

export async function writeSnapshot(folder: string, snapshot: Snapshot): Promise<void> {
  await writeDurably(join(folder, FILE), JSON.stringify(snapshot));
}

/** undefined: there is none of this run, or none that can be read. */
export async function readSnapshot(folder: string, run: string): Promise<Snapshot | undefined> {
  try {
    const snapshot = snapshotSchema.parse(JSON.parse(await readFile(join(folder, FILE), 'utf8')));
    return snapshot.run === run ? snapshot : undefined;
  } catch {
    return undefined;
  }
}

/** Changes with every mask, label, provenance, absence and side; not with the order. */
export function dataFingerprint(lessons: readonly Lesson[]): string {
  const lines = lessons.map((lesson) => {
    const { sha256, label, split } = lesson;
    if (isAbsence(lesson)) return JSON.stringify([sha256, label, 'absent', split]);
    const { rle, provenance } = lesson;
    return JSON.stringify([sha256, label, rle.size, rle.counts, provenance, split]);
  });
  const hash = createHash('sha256');
  for (const line of lines.sort()) hash.update(`${line}\n`);
  return hash.digest('hex');
}
