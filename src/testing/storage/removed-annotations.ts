/** Tests of what a store does with annotations that were deleted, withdrawn or restored. */
import { alike, equal } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { codeOf, maskOf, newProject, recordOf } from './records.ts';

export function testRemovedAnnotations(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('annotations that were removed', () => {
    const { first, second } = openTwice(tests, make);
    const annotations = () => first().store.annotations;
    const revisionOf = async (project: string) => (await first().store.versions.state(project)).revision;

    it('count for nothing once deleted, and only a revision newer than the deletion brings them back', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project), []);
      equal(await annotations().remove(recordOf(project), 1), true);
      equal(await annotations().remove(recordOf(project), 1), false);
      equal(await annotations().concepts(project), []);
      equal(await annotations().candidates(project, 'cup', 5), []);
      equal(await annotations().list(project, { limit: 5 }), []);
      equal(await first().store.images.counts(project), { images: 1, annotated: 0, masks: 0 });
      equal(await revisionOf(project), 2);
      equal(await annotations().accept(recordOf(project), []), 'duplicate');
      equal(await annotations().accept(recordOf(project, { revision: 0 }), []), 'outdated');
      equal(await annotations().accept(recordOf(project, { revision: 2 }), []), 'stored');
      alike(await annotations().concepts(project), [{ label: 'cup', masks: 1 }]);
      equal(await annotations().remove(recordOf(project), 1), false);
      equal((await annotations().concepts(project)).length, 1);
      equal(await annotations().remove(recordOf(project)), true);
      equal(await annotations().accept(recordOf(project, { revision: Number.MAX_SAFE_INTEGER }), []), 'outdated');
      // A later deletion of less does not take back the one for good.
      equal(await annotations().remove(recordOf(project), 1), false);
      equal(await annotations().accept(recordOf(project, { revision: 9 }), []), 'outdated');
      equal(await annotations().concepts(project), []);
    });

    it('stay away where the deletion came before the creation', async () => {
      const project = newProject();
      equal(await annotations().remove(recordOf(project)), false);
      equal(await annotations().accept(recordOf(project), []), 'outdated');
      equal(await annotations().remove(recordOf(project, { externalId: 'two' }), 3), false);
      equal(await annotations().accept(recordOf(project, { externalId: 'two', revision: 3 }), []), 'outdated');
      equal(await annotations().accept(recordOf(project, { externalId: 'two', revision: 4 }), []), 'stored');
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
      equal(await annotations().withdraw(record, 4), false);
      equal(await annotations().list(project, { limit: 5 }), before);
      equal(await annotations().withdraw(record, 5), true);
      equal(await annotations().withdraw(record, 5), false);
      equal(await annotations().withdraw(recordOf(project, { externalId: 'never seen' }), 5), false);
      equal(await annotations().concepts(project), []);
      equal(await annotations().list(project, { limit: 5 }), []);
      equal(await first().store.images.counts(project), { images: 1, annotated: 0, masks: 0 });
      equal(await revisionOf(project), 2);

      equal(
        codeOf(
          await annotations()
            .accept(recordOf(project, { revision: 5 }), [])
            .catch((error: unknown) => error),
        ),
        'ANNOTATION_CONFLICT',
      );
      equal(await second().store.annotations.accept(record, [{ name, data: 2 }]), 'stored');
      equal(await second().store.annotations.accept(record, [{ name, data: 3 }]), 'duplicate');
      equal(await annotations().list(project, { limit: 5 }), before);
      alike(await annotations().concepts(project), [
        { label: 'cup', masks: 1, newest: before[0]?.sequence },
        { label: 'plate', masks: 1 },
      ]);
      equal((await annotations().candidates(project, 'cup', 1))[0]?.feature, new Float32Array([1.5]));
      equal(await first().store.images.counts(project), { images: 1, annotated: 1, masks: 2 });
      equal(await revisionOf(project), 3);
      equal((await first().queue.depth())[name], 1);

      equal(await annotations().withdraw(record, 9), true);
      equal(await annotations().accept(recordOf(project, { revision: 6 }), []), 'stored');
      equal(await annotations().accept(record, []), 'duplicate');
      equal(
        (await annotations().list(project, { limit: 5 })).map(({ revision }) => revision),
        [6],
      );
      // A tool restored from its backup shows an older one; once it shows a newer one again, that counts.
      equal(await annotations().withdraw(record, 6), true);
      equal(await annotations().accept(recordOf(project, { revision: 4 }), [{ name, data: 4 }]), 'stored');
      equal(await annotations().accept(record, []), 'stored');
      equal(await annotations().accept(recordOf(project, { revision: 4 }), []), 'duplicate');
      equal(
        (await annotations().list(project, { limit: 5 })).map(({ revision }) => revision),
        [5],
      );
      equal(await first().store.images.counts(project), { images: 1, annotated: 1, masks: 2 });
    });

    it('that a person deleted stay away, withdrawn or not, until the deletion is taken back', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project, { revision: 5 }), []);
      await annotations().withdraw(recordOf(project), 5);
      equal(await annotations().remove(recordOf(project)), false);
      equal(await annotations().accept(recordOf(project, { revision: 5 }), []), 'duplicate');
      equal(await annotations().accept(recordOf(project, { revision: 6 }), []), 'outdated');
      equal(await annotations().list(project, { limit: 5 }), []);
      equal(await annotations().restore(recordOf(project)), true);
      equal(await annotations().restore(recordOf(project)), false);
      equal(await annotations().list(project, { limit: 5 }), []);
      equal(await annotations().accept(recordOf(project, { revision: 5 }), []), 'stored');
      equal(await annotations().accept(recordOf(project, { revision: 6 }), []), 'stored');
      equal(await annotations().accept(recordOf(project, { revision: 5 }), []), 'duplicate');
      equal(
        (await annotations().list(project, { limit: 5 })).map(({ revision }) => revision),
        [6],
      );
    });
  });
}
