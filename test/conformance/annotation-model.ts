/** Any order of deliveries, deletions and flags leaves a store at what a few lines of plain code say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROVENANCES, type AnnotationRecord } from '../../src/core/storage-ports.ts';
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
  const gone = new Map<string, number>();
  /** Of an annotation: what does not count although no deletion reaches it. */
  const asleep = new Map<string, Set<AnnotationRecord>>();
  const flags = new Map<AnnotationRecord, boolean>();
  let order = 0;
  const nameOf = ({ project, externalId }: AnnotationRecord): string => `${project}/${externalId}`;
  const last = (name: string) => {
    const alive = (stored.get(name) ?? []).filter(({ record }) => record.revision > (gone.get(name) ?? -1));
    return alive.sort((one, other) => other.record.revision - one.record.revision)[0];
  };
  /** The last one, unless it sleeps: those before it are replaced. */
  const newest = (name: string) => {
    const found = last(name);
    return found && asleep.get(name)?.has(found.record) !== true ? found : undefined;
  };
  const sleep = (name: string, record: AnnotationRecord): void => void asleep.set(name, (asleep.get(name) ?? new Set()).add(record));
  return {
    accept(record: AnnotationRecord): string {
      const name = nameOf(record);
      const all = stored.get(name) ?? [];
      const same = all.find((one) => one.record.revision === record.revision);
      if (same) {
        if (JSON.stringify(same.record) !== JSON.stringify(record)) return 'ANNOTATION_CONFLICT';
        return last(name) === same && asleep.get(name)?.delete(same.record) === true ? 'stored' : 'duplicate';
      }
      stored.set(name, [...all, { record, order: order++ }]);
      return newest(name)?.record === record ? 'stored' : 'outdated';
    },
    withdraw(record: AnnotationRecord, upTo: number): boolean {
      const name = nameOf(record);
      const before = newest(name);
      if (before === undefined || before.record.revision > upTo) return false;
      sleep(name, before.record);
      return true;
    },
    restore(record: AnnotationRecord): boolean {
      const name = nameOf(record);
      for (const one of stored.get(name) ?? []) if (one.record.revision <= (gone.get(name) ?? -1)) sleep(name, one.record);
      return gone.delete(name);
    },
    remove(record: AnnotationRecord, upTo = Infinity): boolean {
      const name = nameOf(record);
      const before = newest(name);
      gone.set(name, Math.max(gone.get(name) ?? -1, upTo));
      return before !== undefined && newest(name) === undefined;
    },
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
