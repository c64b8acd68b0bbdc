/** Tests of what a store does with annotations. */
import type { MaskRow } from '../../service/ports/storage.ts';
import { alike, equal, ok, rejects } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { codeOf, hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testAnnotations(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('annotations', () => {
    const { first, second } = openTwice(tests, make);
    const annotations = () => first().store.annotations;
    const revisionOf = async (project: string) => (await first().store.versions.state(project)).revision;

    it('are stored once, with image, labels and messages', async () => {
      const project = newProject();
      const name = `learn-${project}`;
      const record = recordOf(project, { masks: [maskOf('cup', 5), maskOf('plate', 7)], annotator: 'ann', predictionVersion: 'v1' });
      equal(await annotations().accept(record, [{ name, data: { project } }]), 'stored');
      equal(await annotations().accept({ ...record, createdMs: 1 }, [{ name, data: { project } }]), 'duplicate');
      equal(await second().store.annotations.list(project, { limit: 10 }), [
        {
          ...{ project, source: 'webhook', externalId: 'one', revision: 1, sha256: hashOf('a'), provenance: 'drawn', flagged: false },
          ...{
            labels: [
              { label: 'cup', area: 5 },
              { label: 'plate', area: 7 },
            ],
            annotator: 'ann',
            createdMs: record.createdMs,
          },
          sequence: (value: unknown) => typeof value === 'number',
        },
      ]);
      alike(await first().store.images.get(project, hashOf('a')), { width: 40, height: 30, annotated: true });
      equal((await first().queue.depth())[name], 1);
      equal(await revisionOf(project), 1);
    });

    it('refuse another content under a revision that was stored, whatever differs', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project), []);
      for (const other of [
        { masks: [maskOf('cup', 13)] },
        { masks: [maskOf('plate')] },
        { provenance: 'edited' as const },
        { image: imageOf(project, 'b') },
        { flagged: true },
        { annotator: 'bob' },
        { predictionVersion: 'v2' },
      ])
        await rejects('ANNOTATION_CONFLICT', annotations().accept(recordOf(project, other), []), 'revision 1', 'one');
      equal(await revisionOf(project), 1);
      equal(await annotations().accept(recordOf(project, { revision: 0 }), []), 'outdated');
    });

    it('are the same under a revision when SAM made other masks of the same annotations', async () => {
      const project = newProject();
      const of = (area: number, sent?: string) =>
        recordOf(project, { masks: [{ ...maskOf('cup', area), ...(sent !== undefined && { sent }) }, maskOf('plate')] });
      equal(await annotations().accept(of(12, 'box'), []), 'stored');
      equal(await annotations().accept(of(13, 'box'), []), 'duplicate');
      await rejects('ANNOTATION_CONFLICT', annotations().accept(of(12, 'other box'), []), 'revision 1');
      await rejects('ANNOTATION_CONFLICT', annotations().accept(of(12), []), 'revision 1');
      equal(
        (await annotations().list(project, { limit: 10 })).flatMap(({ labels }) => labels.map(({ area }) => area)),
        [12, 12],
      );
    });

    it('that were stored by their masks are the same when the same masks come with what they were made of', async () => {
      const project = newProject();
      equal(await annotations().accept(recordOf(project), []), 'stored');
      equal(await annotations().accept(recordOf(project, { masks: [{ ...maskOf('cup'), sent: 'box' }] }), []), 'duplicate');
      await rejects(
        'ANNOTATION_CONFLICT',
        annotations().accept(recordOf(project, { masks: [{ ...maskOf('cup', 13), sent: 'box' }] }), []),
        'revision 1',
      );
    });

    it('count with their newest revision, in whatever order revisions come', async () => {
      const project = newProject();
      const of = (revision: number) =>
        recordOf(project, { revision, masks: [maskOf(`label${revision}`)], image: imageOf(project, `image${revision}`) });
      equal(await annotations().accept(of(2), []), 'stored');
      equal(await annotations().accept(of(1), [{ name: `late-${project}`, data: 1 }]), 'outdated');
      equal(await annotations().accept(of(Number.MAX_SAFE_INTEGER), []), 'stored');
      equal(await annotations().accept(of(7), []), 'outdated');
      equal(await annotations().accept(of(2), []), 'duplicate');
      equal(
        (await annotations().concepts(project)).map(({ label }) => label),
        [`label${Number.MAX_SAFE_INTEGER}`],
      );
      equal((await annotations().list(project, { limit: 10 })).length, 1);
      equal((await first().store.images.get(project, hashOf('image2')))?.annotated, false);
      equal((await first().store.images.get(project, hashOf(`image${Number.MAX_SAFE_INTEGER}`)))?.annotated, true);
      equal(await revisionOf(project), 2);
      equal((await first().queue.depth())[`late-${project}`], undefined);
    });

    it('of a rejection have no masks, but somebody has seen the image', async () => {
      const project = newProject();
      equal(await annotations().accept(recordOf(project, { provenance: 'rejected', masks: [] }), []), 'stored');
      equal(await annotations().concepts(project), []);
      equal(await first().store.images.counts(project), { images: 1, annotated: 1, masks: 0 });
      alike(await annotations().list(project, { limit: 5 }), [{ provenance: 'rejected', labels: [] }]);
    });

    it('are best as references when flagged, then by provenance, then the newest', async () => {
      const project = newProject();
      const of = (externalId: string, more: Parameters<typeof recordOf>[1] = {}) =>
        annotations().accept(recordOf(project, { externalId, image: imageOf(project, externalId), ...more }), []);
      await of('accepted', { provenance: 'accepted' });
      await of('drawn old');
      await of('starred', { provenance: 'accepted', flagged: true });
      await of('edited', { provenance: 'edited' });
      await of('truth', { provenance: 'ground_truth' });
      await of('drawn new');
      await of('of another label', { masks: [maskOf('plate')], flagged: true });
      const best = async (limit = 200) => names(await annotations().candidates(project, 'cup', limit));
      const names = (rows: MaskRow[]) =>
        rows.map(({ sha256 }) =>
          ['accepted', 'drawn old', 'starred', 'edited', 'truth', 'drawn new', 'of another label'].find((name) => hashOf(name) === sha256),
        );
      equal(await best(), ['starred', 'truth', 'drawn new', 'drawn old', 'edited', 'accepted']);
      equal(await best(2), ['starred', 'truth']);
      const before = await revisionOf(project);
      equal(await annotations().flag(recordOf(project, { externalId: 'edited' }), true), true);
      equal(await annotations().flag(recordOf(project, { externalId: 'starred' }), false), true);
      equal(await annotations().flag(recordOf(project, { externalId: 'nobody' }), true), false);
      equal(await best(), ['edited', 'truth', 'drawn new', 'drawn old', 'starred', 'accepted']);
      equal(await revisionOf(project), before + 2);
      alike((await annotations().candidates(project, 'cup', 1))[0], {
        flagged: true,
        project,
        label: 'cup',
        rle: { size: [30, 40], counts: 'cup12' },
      });
    });

    it('are listed page by page, also of one label', async () => {
      const project = newProject();
      for (let i = 0; i < 25; i++)
        await annotations().accept(
          recordOf(project, { externalId: `${i}`, masks: i % 2 ? [maskOf('odd'), maskOf('any')] : [maskOf('any')] }),
          [],
        );
      const pages = async (options: { label?: string; limit: number }) => {
        const found: string[] = [];
        for (let before: number | undefined; ;) {
          const page = await annotations().list(project, { ...options, ...(before !== undefined && { before }) });
          if (page.length === 0) return found;
          ok(page.length <= options.limit);
          found.push(...page.map(({ externalId }) => externalId));
          before = page.at(-1)?.sequence;
        }
      };
      const newestFirst = Array.from({ length: 25 }, (_, i) => `${24 - i}`);
      equal(await pages({ limit: 7 }), newestFirst);
      equal(
        await pages({ limit: 5, label: 'odd' }),
        newestFirst.filter((name) => Number(name) % 2),
      );
      equal(await pages({ limit: 5, label: 'none' }), []);
      const masks: MaskRow[] = [];
      for (let after: number | undefined; ; after = masks.at(-1)?.id) {
        const page = await annotations().masks(project, { limit: 10, ...(after !== undefined && { after }) });
        masks.push(...page);
        if (page.length < 10) break;
      }
      equal(masks.length, 37);
      equal(
        masks.map(({ id }) => id),
        masks.map(({ id }) => id).sort((one, other) => one - other),
      );
    });

    it('keep the features and the split of their masks', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project), []);
      const [mask] = await annotations().candidates(project, 'cup', 1);
      equal(mask?.feature, undefined);
      const feature = new Float32Array([1.5, -2, 3e-8, Infinity]).subarray(1);
      await annotations().describe(mask?.id ?? 0, feature);
      await first().store.images.assignSplit(project, [{ sha256: hashOf('a'), split: 'gate' }]);
      const [described] = await second().store.annotations.masks(project, { limit: 1 });
      equal(described?.feature, feature);
      equal(described?.split, 'gate');
    });

    it('of two projects never meet, though everything else is the same', async () => {
      const [one, other] = [newProject(), newProject()];
      await annotations().accept(recordOf(one), []);
      equal(await annotations().accept(recordOf(other, { masks: [maskOf('plate')] }), []), 'stored');
      alike(await annotations().concepts(one), [{ label: 'cup' }]);
      alike(await annotations().concepts(other), [{ label: 'plate' }]);
      equal(await annotations().remove(recordOf(one)), true);
      equal(await annotations().flag(recordOf(one), true), false);
      equal(await annotations().accept(recordOf(one, { revision: 2 }), []), 'outdated');
      equal(await annotations().accept(recordOf(other, { revision: 2 }), []), 'stored');
      equal(await annotations().list(one, { limit: 5 }), []);
      equal((await annotations().masks(other, { limit: 5 })).length, 1);
      equal((await first().store.images.get(other, hashOf('a')))?.annotated, true);
      equal((await first().store.images.get(one, hashOf('a')))?.annotated, false);
    });

    it('accepted by two at once leave one that counts, and messages only of what was stored', async () => {
      const project = newProject();
      const name = `both-${project}`;
      const both = [first(), second()];
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, i) => {
          const record = recordOf(project, { externalId: `${i % 4}`, revision: Math.floor(i / 8), masks: [maskOf('cup', i)] });
          const storage = both[i % 2] ?? first();
          return storage.store.annotations.accept(record, [{ name, data: i }]).catch(codeOf);
        }),
      );
      // Of each external id five revisions, each told twice with two contents.
      equal(outcomes.filter((outcome) => outcome === 'ANNOTATION_CONFLICT').length, 20);
      const stored = outcomes.filter((outcome) => outcome === 'stored').length;
      equal(stored + outcomes.filter((outcome) => outcome === 'outdated').length, 20);
      alike(await annotations().concepts(project), [{ label: 'cup', masks: 4 }]);
      equal(
        (await annotations().list(project, { limit: 50 })).map(({ revision }) => revision),
        [4, 4, 4, 4],
      );
      equal(await revisionOf(project), stored);
      equal((await first().queue.depth())[name], stored);
    });
  });
}
