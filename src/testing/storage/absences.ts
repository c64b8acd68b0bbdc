/** Tests of what a store does with labels that images do not show. */
import { alike, equal, rejects } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testAbsences(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('absent labels', () => {
    const { first, second } = openTwice(tests, make);
    const annotations = () => first().store.annotations;
    const absent = (project: string, image: string, labels: string[], more: Parameters<typeof recordOf>[1] = {}) =>
      recordOf(project, {
        ...{ externalId: `of ${image}`, image: imageOf(project, image), provenance: 'absent', masks: [], absent: labels },
        ...more,
      });
    const listed = async (project: string) =>
      (await second().store.annotations.absences(project, { limit: 100 })).map(({ label, sha256 }) => [label, sha256]);

    it('are listed with their image and annotation, page by page, and are no masks', async () => {
      const project = newProject();
      equal(await annotations().accept(absent(project, 'a', ['cup', 'plate']), []), 'stored');
      equal(await annotations().accept(absent(project, 'b', ['cup']), []), 'stored');
      alike(await annotations().list(project, { limit: 5 }), [
        { provenance: 'absent', labels: [], absent: ['cup'] },
        { provenance: 'absent', labels: [], absent: ['cup', 'plate'] },
      ]);
      const [one] = await annotations().absences(project, { limit: 1 });
      alike(one, { project, label: 'cup', sha256: hashOf('a'), createdMs: 1_700_000_000_000 });
      alike(await annotations().absences(project, { limit: 5, after: one?.id ?? 0 }), [
        { label: 'plate', sha256: hashOf('a') },
        { label: 'cup', sha256: hashOf('b') },
      ]);
      equal(await annotations().concepts(project), []);
      equal(await first().store.images.counts(project), { images: 2, annotated: 2, masks: 0 });
      await first().store.images.assignSplit(project, [{ sha256: hashOf('b'), split: 'gate' }]);
      equal(
        (await annotations().absences(project, { limit: 5 })).map(({ split }) => split),
        [undefined, undefined, 'gate'],
      );
    });

    it('count with the newest revision of their annotation, and while it does', async () => {
      const project = newProject();
      const record = absent(project, 'a', ['cup']);
      await annotations().accept(record, []);
      await annotations().accept({ ...record, revision: 2, absent: ['plate'] }, []);
      equal(await listed(project), [['plate', hashOf('a')]]);
      await annotations().withdraw(record, 2);
      equal(await listed(project), []);
      equal(await annotations().accept({ ...record, revision: 2, absent: ['plate'] }, []), 'stored');
      equal(await listed(project), [['plate', hashOf('a')]]);
      await annotations().accept({ ...record, revision: 3, provenance: 'skipped', absent: [] }, []);
      equal(await listed(project), []);
      alike(await annotations().list(project, { limit: 5 }), [{ provenance: 'skipped', labels: [] }]);
    });

    it('yield to a mask of the label in the same image, as long as it counts', async () => {
      const project = newProject();
      const drawn = recordOf(project, { externalId: 'drawn' });
      await annotations().accept(absent(project, 'a', ['cup', 'plate']), []);
      await annotations().accept(drawn, []);
      equal(await listed(project), [['plate', hashOf('a')]]);
      equal(await annotations().imagesWithout(project, ['cup'], 10), []);
      await annotations().remove(drawn);
      equal(await listed(project), [
        ['cup', hashOf('a')],
        ['plate', hashOf('a')],
      ]);
    });

    it('may stand beside the masks of other labels', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project, { absent: ['plate'] }), []);
      alike(await annotations().list(project, { limit: 5 }), [
        { provenance: 'drawn', labels: [{ label: 'cup', area: 12 }], absent: ['plate'] },
      ]);
      equal(await annotations().imagesWithout(project, ['plate'], 10), [hashOf('a')]);
    });

    it('find the images that show none of several, the last said first', async () => {
      const project = newProject();
      await annotations().accept(absent(project, 'a', ['cup', 'plate']), []);
      await annotations().accept(absent(project, 'b', ['plate']), []);
      await annotations().accept(absent(project, 'c', ['plate', 'cup']), []);
      await annotations().accept(absent(newProject(), 'd', ['cup', 'plate']), []);
      equal(await annotations().imagesWithout(project, ['cup', 'plate'], 10), [hashOf('c'), hashOf('a')]);
      equal(await annotations().imagesWithout(project, ['plate', 'plate'], 2), [hashOf('c'), hashOf('b')]);
      equal(await annotations().imagesWithout(project, ['cup', 'other'], 10), []);
      equal(await annotations().imagesWithout(project, [], 10), []);
    });

    it('are part of what makes an annotation the same, unless nobody named them', async () => {
      const project = newProject();
      await annotations().accept(absent(project, 'a', ['cup', 'plate']), []);
      equal(await annotations().accept(absent(project, 'a', ['plate', 'cup']), []), 'duplicate');
      await rejects('ANNOTATION_CONFLICT', annotations().accept(absent(project, 'a', ['cup']), []), 'revision 1');
      await annotations().accept(absent(project, 'b', ['cup'], { absentUnnamed: true }), []);
      equal(await annotations().accept(absent(project, 'b', ['cup', 'plate'], { absentUnnamed: true }), []), 'duplicate');
      await rejects('ANNOTATION_CONFLICT', annotations().accept(recordOf(project, { externalId: 'of b', masks: [maskOf('cup')] }), []));
    });
  });
}
