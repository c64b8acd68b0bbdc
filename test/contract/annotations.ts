/** What every store must do with annotations. */
import { describe, expect, it } from 'vitest';
import type { MaskRow } from '../../src/service/ports/storage.ts';
import { expectRejection } from '../unit/core/expect-error.ts';
import { codeOf, hashOf, imageOf, maskOf, newProject, openTwice, recordOf, type Place } from './place.ts';

export function annotationConformance(make: () => Promise<Place>): void {
  describe('annotations', () => {
    const { first, second } = openTwice(make);
    const annotations = () => first().store.annotations;
    const revisionOf = async (project: string) => (await first().store.versions.state(project)).revision;

    it('are stored once, with image, labels and messages', async () => {
      const project = newProject();
      const name = `learn-${project}`;
      const record = recordOf(project, { masks: [maskOf('cup', 5), maskOf('plate', 7)], annotator: 'ann', predictionVersion: 'v1' });
      expect(await annotations().accept(record, [{ name, data: { project } }])).toBe('stored');
      expect(await annotations().accept({ ...record, createdMs: 1 }, [{ name, data: { project } }])).toBe('duplicate');
      expect(await second().store.annotations.list(project, { limit: 10 })).toEqual([
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
          sequence: expect.any(Number) as number,
        },
      ]);
      expect(await first().store.images.get(project, hashOf('a'))).toMatchObject({ width: 40, height: 30, annotated: true });
      expect((await first().queue.depth())[name]).toBe(1);
      expect(await revisionOf(project)).toBe(1);
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
        await expectRejection('ANNOTATION_CONFLICT', annotations().accept(recordOf(project, other), []), 'revision 1', 'one');
      expect(await revisionOf(project)).toBe(1);
      expect(await annotations().accept(recordOf(project, { revision: 0 }), [])).toBe('outdated');
    });

    it('count with their newest revision, in whatever order revisions come', async () => {
      const project = newProject();
      const of = (revision: number) =>
        recordOf(project, { revision, masks: [maskOf(`label${revision}`)], image: imageOf(project, `image${revision}`) });
      expect(await annotations().accept(of(2), [])).toBe('stored');
      expect(await annotations().accept(of(1), [{ name: `late-${project}`, data: 1 }])).toBe('outdated');
      expect(await annotations().accept(of(Number.MAX_SAFE_INTEGER), [])).toBe('stored');
      expect(await annotations().accept(of(7), [])).toBe('outdated');
      expect(await annotations().accept(of(2), [])).toBe('duplicate');
      expect((await annotations().concepts(project)).map(({ label }) => label)).toEqual([`label${Number.MAX_SAFE_INTEGER}`]);
      expect(await annotations().list(project, { limit: 10 })).toHaveLength(1);
      expect((await first().store.images.get(project, hashOf('image2')))?.annotated).toBe(false);
      expect((await first().store.images.get(project, hashOf(`image${Number.MAX_SAFE_INTEGER}`)))?.annotated).toBe(true);
      expect(await revisionOf(project)).toBe(2);
      expect((await first().queue.depth())[`late-${project}`]).toBeUndefined();
    });

    it('count for nothing once deleted, and only a revision newer than the deletion brings them back', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project), []);
      expect(await annotations().remove(recordOf(project), 1)).toBe(true);
      expect(await annotations().remove(recordOf(project), 1)).toBe(false);
      expect(await annotations().concepts(project)).toEqual([]);
      expect(await annotations().candidates(project, 'cup', 5)).toEqual([]);
      expect(await annotations().list(project, { limit: 5 })).toEqual([]);
      expect(await first().store.images.counts(project)).toEqual({ images: 1, annotated: 0, masks: 0 });
      expect(await revisionOf(project)).toBe(2);
      expect(await annotations().accept(recordOf(project), [])).toBe('duplicate');
      expect(await annotations().accept(recordOf(project, { revision: 0 }), [])).toBe('outdated');
      expect(await annotations().accept(recordOf(project, { revision: 2 }), [])).toBe('stored');
      expect(await annotations().concepts(project)).toMatchObject([{ label: 'cup', masks: 1 }]);
      expect(await annotations().remove(recordOf(project), 1)).toBe(false);
      expect(await annotations().concepts(project)).toHaveLength(1);
      expect(await annotations().remove(recordOf(project))).toBe(true);
      expect(await annotations().accept(recordOf(project, { revision: Number.MAX_SAFE_INTEGER }), [])).toBe('outdated');
      // A later deletion of less does not take back the one for good.
      expect(await annotations().remove(recordOf(project), 1)).toBe(false);
      expect(await annotations().accept(recordOf(project, { revision: 9 }), [])).toBe('outdated');
      expect(await annotations().concepts(project)).toEqual([]);
    });

    it('stay away where the deletion came before the creation', async () => {
      const project = newProject();
      expect(await annotations().remove(recordOf(project))).toBe(false);
      expect(await annotations().accept(recordOf(project), [])).toBe('outdated');
      expect(await annotations().remove(recordOf(project, { externalId: 'two' }), 3)).toBe(false);
      expect(await annotations().accept(recordOf(project, { externalId: 'two', revision: 3 }), [])).toBe('outdated');
      expect(await annotations().accept(recordOf(project, { externalId: 'two', revision: 4 }), [])).toBe('stored');
    });

    it('count for nothing once withdrawn, and come back whole when they are accepted again', async () => {
      const project = newProject();
      const name = `back-${project}`;
      const record = recordOf(project, { revision: 5, masks: [maskOf('cup', 5), maskOf('plate', 7)] });
      await annotations().accept(record, []);
      const [mask] = await annotations().candidates(project, 'cup', 1);
      await annotations().describe(mask?.id ?? 0, new Float32Array([1.5]));
      const before = await annotations().list(project, { limit: 5 });
      // Newer than what somebody missed: it came meanwhile.
      expect(await annotations().withdraw(record, 4)).toBe(false);
      expect(await annotations().list(project, { limit: 5 })).toEqual(before);
      expect(await annotations().withdraw(record, 5)).toBe(true);
      expect(await annotations().withdraw(record, 5)).toBe(false);
      expect(await annotations().withdraw(recordOf(project, { externalId: 'never seen' }), 5)).toBe(false);
      expect(await annotations().concepts(project)).toEqual([]);
      expect(await annotations().list(project, { limit: 5 })).toEqual([]);
      expect(await first().store.images.counts(project)).toEqual({ images: 1, annotated: 0, masks: 0 });
      expect(await revisionOf(project)).toBe(2);

      expect(
        codeOf(
          await annotations()
            .accept(recordOf(project, { revision: 5 }), [])
            .catch((error: unknown) => error),
        ),
      ).toBe('ANNOTATION_CONFLICT');
      expect(await second().store.annotations.accept(record, [{ name, data: 2 }])).toBe('stored');
      expect(await second().store.annotations.accept(record, [{ name, data: 3 }])).toBe('duplicate');
      expect(await annotations().list(project, { limit: 5 })).toEqual(before);
      expect(await annotations().concepts(project)).toMatchObject([
        { label: 'cup', masks: 1, newest: before[0]?.sequence },
        { label: 'plate', masks: 1 },
      ]);
      expect((await annotations().candidates(project, 'cup', 1))[0]?.feature).toEqual(new Float32Array([1.5]));
      expect(await first().store.images.counts(project)).toEqual({ images: 1, annotated: 1, masks: 2 });
      expect(await revisionOf(project)).toBe(3);
      expect((await first().queue.depth())[name]).toBe(1);

      expect(await annotations().withdraw(record, 9)).toBe(true);
      expect(await annotations().accept(recordOf(project, { revision: 6 }), [])).toBe('stored');
      expect(await annotations().accept(record, [])).toBe('duplicate');
      expect((await annotations().list(project, { limit: 5 })).map(({ revision }) => revision)).toEqual([6]);
      // A tool restored from its backup shows an older one; once it shows a newer one again, that counts.
      expect(await annotations().withdraw(record, 6)).toBe(true);
      expect(await annotations().accept(recordOf(project, { revision: 4 }), [{ name, data: 4 }])).toBe('stored');
      expect(await annotations().accept(record, [])).toBe('stored');
      expect(await annotations().accept(recordOf(project, { revision: 4 }), [])).toBe('duplicate');
      expect((await annotations().list(project, { limit: 5 })).map(({ revision }) => revision)).toEqual([5]);
      expect(await first().store.images.counts(project)).toEqual({ images: 1, annotated: 1, masks: 2 });
    });

    it('that a person deleted stay away, withdrawn or not, until the deletion is taken back', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project, { revision: 5 }), []);
      await annotations().withdraw(recordOf(project), 5);
      expect(await annotations().remove(recordOf(project))).toBe(false);
      expect(await annotations().accept(recordOf(project, { revision: 5 }), [])).toBe('duplicate');
      expect(await annotations().accept(recordOf(project, { revision: 6 }), [])).toBe('outdated');
      expect(await annotations().list(project, { limit: 5 })).toEqual([]);
      expect(await annotations().restore(recordOf(project))).toBe(true);
      expect(await annotations().restore(recordOf(project))).toBe(false);
      expect(await annotations().list(project, { limit: 5 })).toEqual([]);
      expect(await annotations().accept(recordOf(project, { revision: 5 }), [])).toBe('stored');
      expect(await annotations().accept(recordOf(project, { revision: 6 }), [])).toBe('stored');
      expect(await annotations().accept(recordOf(project, { revision: 5 }), [])).toBe('duplicate');
      expect((await annotations().list(project, { limit: 5 })).map(({ revision }) => revision)).toEqual([6]);
    });

    it('of a rejection have no masks, but somebody has seen the image', async () => {
      const project = newProject();
      expect(await annotations().accept(recordOf(project, { provenance: 'rejected', masks: [] }), [])).toBe('stored');
      expect(await annotations().concepts(project)).toEqual([]);
      expect(await first().store.images.counts(project)).toEqual({ images: 1, annotated: 1, masks: 0 });
      expect(await annotations().list(project, { limit: 5 })).toMatchObject([{ provenance: 'rejected', labels: [] }]);
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
      expect(await best()).toEqual(['starred', 'truth', 'drawn new', 'drawn old', 'edited', 'accepted']);
      expect(await best(2)).toEqual(['starred', 'truth']);
      const before = await revisionOf(project);
      expect(await annotations().flag(recordOf(project, { externalId: 'edited' }), true)).toBe(true);
      expect(await annotations().flag(recordOf(project, { externalId: 'starred' }), false)).toBe(true);
      expect(await annotations().flag(recordOf(project, { externalId: 'nobody' }), true)).toBe(false);
      expect(await best()).toEqual(['edited', 'truth', 'drawn new', 'drawn old', 'starred', 'accepted']);
      expect(await revisionOf(project)).toBe(before + 2);
      expect((await annotations().candidates(project, 'cup', 1))[0]).toMatchObject({
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
          expect(page.length).toBeLessThanOrEqual(options.limit);
          found.push(...page.map(({ externalId }) => externalId));
          before = page.at(-1)?.sequence;
        }
      };
      const newestFirst = Array.from({ length: 25 }, (_, i) => `${24 - i}`);
      expect(await pages({ limit: 7 })).toEqual(newestFirst);
      expect(await pages({ limit: 5, label: 'odd' })).toEqual(newestFirst.filter((name) => Number(name) % 2));
      expect(await pages({ limit: 5, label: 'none' })).toEqual([]);
      const masks: MaskRow[] = [];
      for (let after: number | undefined; ; after = masks.at(-1)?.id) {
        const page = await annotations().masks(project, { limit: 10, ...(after !== undefined && { after }) });
        masks.push(...page);
        if (page.length < 10) break;
      }
      expect(masks).toHaveLength(37);
      expect(masks.map(({ id }) => id)).toEqual(masks.map(({ id }) => id).sort((one, other) => one - other));
    });

    it('keep the features and the split of their masks', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project), []);
      const [mask] = await annotations().candidates(project, 'cup', 1);
      expect(mask?.feature).toBeUndefined();
      const feature = new Float32Array([1.5, -2, 3e-8, Infinity]).subarray(1);
      await annotations().describe(mask?.id ?? 0, feature);
      await first().store.images.assignSplit(project, [{ sha256: hashOf('a'), split: 'gate' }]);
      const [described] = await second().store.annotations.masks(project, { limit: 1 });
      expect(described?.feature).toEqual(feature);
      expect(described?.split).toBe('gate');
    });

    it('of two projects never meet, though everything else is the same', async () => {
      const [one, other] = [newProject(), newProject()];
      await annotations().accept(recordOf(one), []);
      expect(await annotations().accept(recordOf(other, { masks: [maskOf('plate')] }), [])).toBe('stored');
      expect(await annotations().concepts(one)).toMatchObject([{ label: 'cup' }]);
      expect(await annotations().concepts(other)).toMatchObject([{ label: 'plate' }]);
      expect(await annotations().remove(recordOf(one))).toBe(true);
      expect(await annotations().flag(recordOf(one), true)).toBe(false);
      expect(await annotations().accept(recordOf(one, { revision: 2 }), [])).toBe('outdated');
      expect(await annotations().accept(recordOf(other, { revision: 2 }), [])).toBe('stored');
      expect(await annotations().list(one, { limit: 5 })).toEqual([]);
      expect(await annotations().masks(other, { limit: 5 })).toHaveLength(1);
      expect((await first().store.images.get(other, hashOf('a')))?.annotated).toBe(true);
      expect((await first().store.images.get(one, hashOf('a')))?.annotated).toBe(false);
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
      expect(outcomes.filter((outcome) => outcome === 'ANNOTATION_CONFLICT')).toHaveLength(20);
      const stored = outcomes.filter((outcome) => outcome === 'stored').length;
      expect(stored + outcomes.filter((outcome) => outcome === 'outdated').length).toBe(20);
      expect(await annotations().concepts(project)).toMatchObject([{ label: 'cup', masks: 4 }]);
      expect((await annotations().list(project, { limit: 50 })).map(({ revision }) => revision)).toEqual([4, 4, 4, 4]);
      expect(await revisionOf(project)).toBe(stored);
      expect((await first().queue.depth())[name]).toBe(stored);
    });
  });
}
