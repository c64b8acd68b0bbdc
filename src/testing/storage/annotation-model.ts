/** Annotations after any order of deliveries, deletions and flags: the store must be at what a few lines of plain code say. */
import { messageOf } from '../../core/common/errors.ts';
import { seededRandom, uniformInt } from '../../core/common/random.ts';
import { PROVENANCES, type AnnotationRecord, type AnnotationStore, type Provenance, type Store } from '../../service/ports/storage.ts';
import { hasMasks } from '../../service/ports/provenance.ts';
import { equal } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { codeOf, hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

const LABELS = ['cup', 'plate', 'Ä'];
const IMAGES = ['a', 'b', 'c'];

type Step = { which: number; externalId: string; revision: number } & (
  | { kind: 'accept'; image: string; provenance: Provenance; labels: string[]; flagged: boolean }
  | { kind: 'remove'; all: boolean }
  | { kind: 'withdraw' }
  | { kind: 'restore' }
  | { kind: 'flag'; flagged: boolean }
);

/** Kinds of change, repeated by their frequency. */
const KINDS = [...Array<'accept'>(5).fill('accept'), 'remove', 'remove', 'withdraw', 'withdraw', 'restore', 'flag'] as const;
const MAX_STEPS = 25;

/** Steps drawn from one seed: few names and revisions, so that they meet. */
function stepsOf(seed: number): Step[] {
  const random = seededRandom(seed);
  const one = <T>(items: readonly T[]): T => items[uniformInt(random, 0, items.length - 1)] as T;
  const flip = (): boolean => one([true, false]);
  return Array.from({ length: uniformInt(random, 1, MAX_STEPS) }, () => {
    const kind = one(KINDS);
    const key = { which: one([0, 1]), externalId: one(['one', 'two', 'three']), revision: uniformInt(random, 0, 4) };
    if (kind === 'remove') return { kind, ...key, all: flip() };
    if (kind === 'flag') return { kind, ...key, flagged: flip() };
    if (kind !== 'accept') return { kind, ...key };
    const labels = LABELS.filter(flip);
    return {
      kind,
      ...key,
      image: one(IMAGES),
      provenance: one(PROVENANCES),
      labels: labels.length > 0 ? labels : ['cup'],
      flagged: flip(),
    };
  });
}

type Model = ReturnType<typeof createModel>;

/** The annotations that count, worked out as slowly and plainly as can be. */
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

/** runs: how many orders are tried, each from a seed of its own, which the message of a failure names. */
export function testAnnotationsInAnyOrder(tests: TestRunner, make: () => Promise<StoragePlace>, runs: number): void {
  const { describe, it } = tests;
  describe('annotations in any order', () => {
    const { first } = openTwice(tests, make);

    it('leave exactly what should count', async () => {
      for (let seed = 1; seed <= runs; seed++) {
        const steps = stepsOf(seed);
        try {
          await compareWithModel(first().store, steps);
        } catch (cause) {
          throw new Error(`seed ${seed}: ${messageOf(cause)}; steps: ${JSON.stringify(steps)}`, { cause });
        }
      }
    }, 300_000);
  });
}

async function compareWithModel(store: Store, steps: readonly Step[]): Promise<void> {
  const projects = [newProject(), newProject()] as const;
  const model = createModel();
  for (const step of steps) {
    const project = projects[step.which] ?? projects[0];
    const record = recordOf(project, {
      externalId: step.externalId,
      ...(step.kind === 'accept' && {
        ...{ revision: step.revision, image: imageOf(project, step.image), provenance: step.provenance, flagged: step.flagged },
        masks: hasMasks(step.provenance) ? step.labels.map((label) => maskOf(label)) : [],
        ...(step.provenance === 'absent' && { absent: step.labels }),
      }),
    });
    await takeStep(store.annotations, model, step, record);
  }
  for (const project of projects) await compareProject(store, model, project);
}

async function takeStep(annotations: AnnotationStore, model: Model, step: Step, record: AnnotationRecord): Promise<void> {
  const { revision } = step;
  if (step.kind === 'accept') equal(await annotations.accept(record, []).catch(codeOf), model.accept(record));
  else if (step.kind === 'withdraw') equal(await annotations.withdraw(record, revision), model.withdraw(record, revision));
  else if (step.kind === 'restore') equal(await annotations.restore(record), model.restore(record));
  else if (step.kind === 'flag') equal(await annotations.flag(record, step.flagged), model.flag(record, step.flagged));
  else if (step.all) equal(await annotations.remove(record), model.remove(record));
  else equal(await annotations.remove(record, revision), model.remove(record, revision));
}

async function compareProject({ annotations, images }: Store, model: Model, project: string): Promise<void> {
  const newestFirst = model.counting(project).sort((one, other) => other.at - one.at);
  const listed = await annotations.list(project, { limit: 100 });
  equal(
    listed.map((one) => [one.externalId, one.revision, one.flagged]),
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
    equal(
      candidates.map((mask) => mask.sha256),
      best.map(({ record }) => record.image.sha256),
    );
    const concept = (await annotations.concepts(project)).find((one) => one.label === label);
    equal(concept?.masks ?? 0, having.length);
    if (concept) equal(concept.newest, Math.max(...candidates.map((mask) => mask.sequence)));
    const marked = new Set(having.map(({ record }) => record.image.sha256));
    const without = newestFirst.filter(({ record }) => record.absent?.includes(label)).map(({ record }) => record.image.sha256);
    equal(
      (await annotations.imagesWithout(project, [label], 100)).sort(),
      [...new Set(without.filter((sha256) => !marked.has(sha256)))].sort(),
    );
  }
  const masks = newestFirst.reduce((total, { record }) => total + record.masks.length, 0);
  const annotated = new Set(newestFirst.map(({ record }) => record.image.sha256));
  equal(await images.counts(project), { images: model.images(project), masks, annotated: annotated.size });
  for (const name of IMAGES) {
    const image = await images.get(project, hashOf(name));
    if (image) equal(image.annotated, annotated.has(image.sha256));
  }
}
