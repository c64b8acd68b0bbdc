/** Any order of deliveries, deletions and flags leaves a store at what a few lines of plain code say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROVENANCES, type AnnotationRecord } from '../../src/service/ports/storage.ts';
import { codeOf, hashOf, imageOf, maskOf, newProject, openTwice, recordOf, type Place } from './place.ts';

const LABELS = ['cup', 'plate', 'Ä'];
const IMAGES = ['a', 'b', 'c'];

const key = { which: fc.nat(1), externalId: fc.constantFrom('one', 'two', 'three') };
const revision = fc.nat(4);
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      ...{
        kind: fc.constant('accept' as const),
        ...key,
        revision,
        image: fc.constantFrom(...IMAGES),
        provenance: fc.constantFrom(...PROVENANCES),
      },
      ...{ labels: fc.subarray(LABELS, { minLength: 1 }), flagged: fc.boolean() },
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), ...key, revision: fc.option(revision, { nil: undefined }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), ...key, revision }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), ...key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flag' as const), ...key, flagged: fc.boolean() }) },
);

/** What counts, as slowly and plainly as can be. */
function createModel() {
  const stored = new Map<string, { record: AnnotationRecord; order: number }[]>();
  const counts = new Map<string, { record: AnnotationRecord; order: number }>();
  const gone = new Map<string, number>();
  const flags = new Map<AnnotationRecord, boolean>();
  let order = 0;
  const nameOf = ({ project, externalId }: AnnotationRecord): string => `${project}/${externalId}`;
  const newest = (name: string) => counts.get(name);
  const takeOut = (name: string, upTo: number): boolean => (newest(name)?.record.revision ?? Infinity) <= upTo && counts.delete(name);
  return {
    accept(record: AnnotationRecord): string {
      const name = nameOf(record);
      const all = stored.get(name) ?? [];
      const same = all.find((one) => one.record.revision === record.revision);
      if (same && JSON.stringify(same.record) !== JSON.stringify(record)) return 'ANNOTATION_CONFLICT';
      const one = same ?? { record, order: order++ };
      if (!same) stored.set(name, [...all, one]);
      if (record.revision <= Math.max(newest(name)?.record.revision ?? -1, gone.get(name) ?? -1)) return same ? 'duplicate' : 'outdated';
      counts.set(name, one);
      return 'stored';
    },
    remove(record: AnnotationRecord, upTo = Number.MAX_SAFE_INTEGER): boolean {
      const name = nameOf(record);
      gone.set(name, Math.max(gone.get(name) ?? -1, upTo));
      return takeOut(name, upTo);
    },
    withdraw: (record: AnnotationRecord, upTo: number): boolean => takeOut(nameOf(record), upTo),
    restore: (record: AnnotationRecord): boolean => gone.delete(nameOf(record)),
    flag(record: AnnotationRecord, flagged: boolean): boolean {
      const found = newest(nameOf(record));
      if (found) flags.set(found.record, flagged);
      return found !== undefined;
    },
    images(project: string): number {
      const records = [...stored.values()].flat().map(({ record }) => record.image);
      return new Set(records.filter((image) => image.project === project).map(({ sha256 }) => sha256)).size;
    },
    counting(project: string) {
      return [...stored.keys()]
        .flatMap((name) => newest(name) ?? [])
        .filter(({ record }) => record.project === project)
        .map(({ record, order: at }) => ({ record, at, flagged: flags.get(record) ?? record.flagged === true }));
    },
  };
}

export function annotationModelConformance(make: () => Promise<Place>, runs: number): void {
  describe('annotations in any order', () => {
    const { first } = openTwice(make);

    it('leave exactly what should count', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
          const { annotations, images } = first().store;
          const projects = [newProject(), newProject()] as const;
          const model = createModel();
          for (const step of operations) {
            const project = projects[step.which] ?? projects[0];
            const record = recordOf(project, {
              externalId: step.externalId,
              ...(step.kind === 'accept' && {
                ...{ revision: step.revision, image: imageOf(project, step.image), provenance: step.provenance, flagged: step.flagged },
                masks: step.provenance === 'rejected' ? [] : step.labels.map((label) => maskOf(label)),
              }),
            });
            if (step.kind === 'accept') expect(await annotations.accept(record, []).catch(codeOf)).toBe(model.accept(record));
            else if (step.kind === 'remove')
              expect(await annotations.remove(record, step.revision)).toBe(model.remove(record, step.revision));
            else if (step.kind === 'withdraw')
              expect(await annotations.withdraw(record, step.revision)).toBe(model.withdraw(record, step.revision));
            else if (step.kind === 'restore') expect(await annotations.restore(record)).toBe(model.restore(record));
            else expect(await annotations.flag(record, step.flagged)).toBe(model.flag(record, step.flagged));
          }
          for (const project of projects) {
            const counting = model.counting(project);
            const newestFirst = [...counting].sort((one, other) => other.at - one.at);
            const listed = await annotations.list(project, { limit: 100 });
            expect(listed.map((one) => [one.externalId, one.revision, one.flagged])).toEqual(
              newestFirst.map(({ record, flagged }) => [record.externalId, record.revision, flagged]),
            );
            for (const label of LABELS) {
              const having = newestFirst.filter(({ record }) => record.masks.some((mask) => mask.label === label));
              const best = [...having].sort(
                (one, other) =>
                  Number(other.flagged) - Number(one.flagged) ||
                  PROVENANCES.indexOf(one.record.provenance) - PROVENANCES.indexOf(other.record.provenance),
              );
              const candidates = await annotations.candidates(project, label, 100);
              expect(candidates.map((mask) => mask.sha256)).toEqual(best.map(({ record }) => record.image.sha256));
              const concept = (await annotations.concepts(project)).find((one) => one.label === label);
              expect(concept?.masks ?? 0).toBe(having.length);
              if (concept) expect(concept.newest).toBe(Math.max(...candidates.map((mask) => mask.sequence)));
            }
            const masks = newestFirst.reduce((total, { record }) => total + record.masks.length, 0);
            const annotated = new Set(newestFirst.map(({ record }) => record.image.sha256));
            expect(await images.counts(project)).toEqual({ images: model.images(project), masks, annotated: annotated.size });
            for (const name of IMAGES) {
              const image = await images.get(project, hashOf(name));
              if (image) expect(image.annotated).toBe(annotated.has(image.sha256));
            }
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
