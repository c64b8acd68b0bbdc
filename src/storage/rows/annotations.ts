/** Accepted annotations: every revision is kept, one of each annotation is active. */
import { ProsamError } from '../../core/common/errors.ts';
import type { AcceptOutcome, AnnotationKey, AnnotationRecord, AnnotationStore } from '../../service/ports/storage.ts';
import { preferenceOf } from '../../service/ports/provenance.ts';
import { contentOf, isContentOf } from './annotation-content.ts';
import { absencesAfter, imagesWithout } from './absences.ts';
import { candidates, concepts, listAnnotations, masksAfter } from './annotation-queries.ts';
import { changing, type Room } from '../schema/database.ts';
import { bytesOfFeature } from './feature-bytes.ts';
import { takeFitsBack } from './fits.ts';
import { countImages, insertImages, markAnnotated, unmarkAnnotated } from './known-images.ts';
import { countRevision, lockProject, projectLock } from './projects.ts';
import { ACTIVE, flag, type Change } from '../schema/schema.ts';
import { bringBack, bringIn, takeOut } from './active-masks.ts';

/** A deletion without a revision: no revision is larger. */
const FOR_GOOD = Number.MAX_SAFE_INTEGER;

export function annotationStore(room: Room): AnnotationStore {
  const { connection } = room;
  return {
    accept: (record, messages) =>
      changing(room, { locks: projectLock(record.project), possible: messages }, (change, send) =>
        accept(change, record, () => send(messages)),
      ),
    remove: (key, revision = FOR_GOOD) => changing(room, { locks: projectLock(key.project) }, (change) => remove(change, key, revision)),
    withdraw: (key, revision) => changing(room, { locks: projectLock(key.project) }, (change) => withdraw(change, key, revision)),
    restore: (key) => changing(room, { locks: projectLock(key.project) }, (change) => restore(change, key)),
    flag: (key, flagged) => changing(room, { locks: projectLock(key.project) }, (change) => setFlag(change, key, flagged)),
    list: (project, options) => listAnnotations(connection, project, options),
    candidates: (project, label, limit) => candidates(connection, project, label, limit),
    masks: (project, options) => masksAfter(connection, project, options),
    absences: (project, options) => absencesAfter(connection, project, options),
    imagesWithout: (project, labels, limit) => imagesWithout(connection, project, labels, limit),
    concepts: (project) => concepts(connection, project),
    async describe(maskId, feature) {
      await connection
        .updateTable('masks')
        .set({ feature: bytesOfFeature(feature) })
        .where('id', '=', maskId)
        .execute();
    },
  };
}

/** Messages go out only with something new: those of a duplicate were sent with the first, and what is outdated changes nothing. */
async function accept(change: Change, record: AnnotationRecord, send: () => Promise<void>): Promise<AcceptOutcome> {
  const { project, image, revision } = record;
  await lockProject(change, project);
  const { same, newest } = await known(change, record);
  if (same && !isContentOf(same.content, record))
    throw new ProsamError(
      'ANNOTATION_CONFLICT',
      `expected revision ${revision} of annotation ${record.externalId} from ${record.source} as it was stored before, got another content. Send a new revision.`,
    );
  const counts = revision > (newest?.revision ?? -1) && revision > (await tombstoneOf(change, record));
  if (same && !counts) return 'duplicate';
  const images = await insertImages(change, [image], record.createdMs);
  const before = counts && newest ? await takeOut(change, newest) : [];
  // Withdrawn, for want of it where it came from; and there it is.
  if (same) await bringBack(change, same);
  else await bringIn(change, record, await insertRow(change, record, contentOf(record), counts), counts);
  await takeFitsBack(change, project, before);
  if (!counts) {
    await countImages(change, project, images);
    return 'outdated';
  }
  const lost = newest && newest.sha256 !== image.sha256 ? await unmarkAnnotated(change, project, newest.sha256) : 0;
  await countRevision(change, project, { images, annotated: (await markAnnotated(change, project, image.sha256)) - lost });
  await send();
  return 'stored';
}

/** -> its sequence */
async function insertRow(change: Change, record: AnnotationRecord, content: string, counts: boolean): Promise<number> {
  const { project, image, revision } = record;
  const { sequence } = await change
    .insertInto('annotations')
    .values({
      ...{ project, source: record.source, external_id: record.externalId, revision, sha256: image.sha256 },
      ...{ provenance: record.provenance, flagged: flag(record.flagged), annotator: record.annotator ?? null },
      ...{ prediction_version: record.predictionVersion ?? null, created_ms: record.createdMs, content, active: flag(counts) },
    })
    .returning('sequence')
    .executeTakeFirstOrThrow();
  return sequence;
}

async function remove(change: Change, key: AnnotationKey, revision: number): Promise<boolean> {
  await lockProject(change, key.project);
  await change
    .insertInto('tombstones')
    .values({ project: key.project, source: key.source, external_id: key.externalId, up_to: revision })
    .onConflict((conflict) =>
      conflict.columns(['project', 'source', 'external_id']).doUpdateSet({ up_to: revision }).where('tombstones.up_to', '<', revision),
    )
    .execute();
  return countNothing(change, key, revision);
}

/** Without a tombstone: whatever is accepted next counts. */
async function withdraw(change: Change, key: AnnotationKey, revision: number): Promise<boolean> {
  await lockProject(change, key.project);
  return countNothing(change, key, revision);
}

async function restore(change: Change, { project, source, externalId }: AnnotationKey): Promise<boolean> {
  await lockProject(change, project);
  const { numDeletedRows } = await change
    .deleteFrom('tombstones')
    .where('project', '=', project)
    .where('source', '=', source)
    .where('external_id', '=', externalId)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Takes out what counts, unless it is newer than the revision. */
async function countNothing(change: Change, key: AnnotationKey, revision: number): Promise<boolean> {
  const { newest } = await known(change, key);
  if (newest === undefined || newest.revision > revision) return false;
  await takeFitsBack(change, key.project, await takeOut(change, newest));
  await countRevision(change, key.project, { annotated: -(await unmarkAnnotated(change, key.project, newest.sha256)) });
  return true;
}

async function setFlag(change: Change, key: AnnotationKey, flagged: boolean): Promise<boolean> {
  await lockProject(change, key.project);
  const { newest } = await known(change, key);
  if (newest === undefined) return false;
  if (newest.flagged === flag(flagged)) return true;
  const { sequence, provenance } = newest;
  await change
    .updateTable('annotations')
    .set({ flagged: flag(flagged) })
    .where('sequence', '=', sequence)
    .execute();
  const preference = preferenceOf(provenance, flagged);
  await change
    .updateTable('masks')
    .set({ flagged: flag(flagged), preference })
    .where('sequence', '=', sequence)
    .execute();
  await countRevision(change, key.project);
  return true;
}

/** The revision itself, if it was stored before, and the one that counts. */
async function known(change: Change, key: AnnotationKey & { revision?: number }) {
  const { project, source, externalId, revision = -1 } = key;
  const rows = await change
    .selectFrom('annotations')
    .select(['sequence', 'project', 'revision', 'sha256', 'provenance', 'flagged', 'content', 'active'])
    .where('project', '=', project)
    .where('source', '=', source)
    .where('external_id', '=', externalId)
    .where((row) => row.or([row('revision', '=', revision), row('active', '=', ACTIVE)]))
    .execute();
  return { same: rows.find((row) => row.revision === revision), newest: rows.find((row) => row.active === 1) };
}

async function tombstoneOf(change: Change, { project, source, externalId }: AnnotationKey): Promise<number> {
  const found = await change
    .selectFrom('tombstones')
    .select('up_to')
    .where('project', '=', project)
    .where('source', '=', source)
    .where('external_id', '=', externalId)
    .executeTakeFirst();
  return found?.up_to ?? -1;
}
